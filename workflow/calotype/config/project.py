"""Read and check the config of a project, before Snakemake plans jobs."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from calotype.config.load import load
from calotype.config.paths import Layout
from calotype.config.static_checks import check_studies
from calotype.util.errors import CalotypeError, nearest_path
from calotype.util.files import check_writable
from calotype.util.yaml_validation import COMMAND_LINE, read_yaml


def check_settings_file(file: Path) -> None:
    """Raise a CalotypeError if config.yaml cannot be read; Snakemake itself would show a traceback."""
    if file.exists() and not isinstance(read_yaml(file), dict):
        raise CalotypeError(f"{file}: is not a mapping of keys to values.", "see config/README.md.")


def open_project(
    config: Mapping[str, Any], files: Sequence[str], typed: Collection[str] = (), *, main: bool = True
) -> Layout:
    """Check the config, and that the folders of data and results are writable.

    Args:
        files: the config files that Snakemake has read; it accepts duplicate keys, this function does not.
        typed: keys whose values come from the command line.
        main: check that `local_data` exists, which a job on a node does not need.
    """
    for file in files:
        if Path(file).suffix in (".yaml", ".yml"):
            read_yaml(Path(file))
    source = " + ".join(os.path.relpath(file) for file in files)
    checked = load(config, source, typed=typed)
    for font in checked.settings.figures.font_files:
        if not os.path.isfile(font):
            raise CalotypeError(f"{source}: figures.font: {font}: file not found.", nearest_path(font))
    own = {f"{COMMAND_LINE if 'local_data' in typed else source}: local_data": checked.settings.local_data}
    for key, folder in (own | {"CALOTYPE_DATA": os.environ.get("CALOTYPE_DATA")}).items():
        if main and folder and not os.path.isdir(os.path.expanduser(folder)):
            raise CalotypeError(f"{key}: {folder}: folder not found.", "correct the path, or leave it out.")
    check_studies(checked)
    layout = Layout(checked)
    for key, folder in (("data", layout.data), ("results", layout.results)):
        check_writable(Path(folder), key, COMMAND_LINE if key in typed else source)
    return layout
