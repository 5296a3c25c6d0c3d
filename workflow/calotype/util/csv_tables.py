"""Read tables that `files.write_csv` wrote, and select rows."""

from pathlib import Path
from typing import Any

import pandas as pd

from calotype.util.errors import CalotypeError
from calotype.util.files import unharmed

NUMBERS = (  # may be empty
    "value", "mean", "low", "high", "predicted", "number", "second", "smallest", "largest", "t", "standard_error",
    "independent_images", "p", "p_holm", "effect", "worth", "p_equivalent", "seeds_needed",
)  # fmt: skip
TEXTS = (
    "study", "variant", "split", "metric", "than", "quote", "other", "note", "reason", "layer", "kind", "grid",
    "setting", "level", "test",
)  # fmt: skip


def read_csv(file: Path | str, hint: str = "delete it; the next call writes it again.") -> pd.DataFrame:
    """Read a table or raise a CalotypeError; names stay text, such as a variant called 001 or NA."""
    names = dict.fromkeys(TEXTS, str)
    try:
        found = pd.read_csv(file, dtype=names, keep_default_na=False, na_values={column: [""] for column in NUMBERS})
        return found.assign(**{name: found[name].map(unharmed) for name in TEXTS if name in found})
    except (OSError, ValueError) as error:
        raise CalotypeError(f"{file}: cannot be read: {error}.", hint) from None


def where(table: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """Return the rows that have these values in the columns of these names."""
    for column, value in values.items():
        table = table[table[column] == value]
    return table
