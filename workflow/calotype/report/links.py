"""Links from the report to files beside it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True)
class Links:
    """The folder of the page, from which links start."""

    folder: Path

    def there(self, files: Mapping[str, str | Path]) -> list[tuple[str, str]]:
        """Return the label and the relative path of each file or folder that is there."""
        return [
            (label, quote(Path(os.path.relpath(file, self.folder)).as_posix()))
            for label, file in files.items()
            if Path(file).exists()
        ]
