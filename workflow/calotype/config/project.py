"""Read and check the config of a project, before Snakemake plans jobs."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from calotype.config.load import load
from calotype.config.paths import Layout
from calotype.config.static_checks import check_studies
from calotype.util.files import check_writable
from calotype.util.yaml_validation import read_yaml


def open_project(config: Mapping[str, Any], files: Sequence[str]) -> Layout:
    """Check the config, and that the folders of data and results are writable.

    Args:
        files: the config files that Snakemake has read; it accepts duplicate keys, this function does not.
    """
    for file in files:
        if Path(file).suffix in (".yaml", ".yml"):
            read_yaml(Path(file))
    checked = load(config, " + ".join(os.path.relpath(file) for file in files))
    check_studies(checked)
    layout = Layout(checked)
    for key, folder in (("data", layout.data), ("results", layout.results)):
        check_writable(Path(folder), key)
    return layout
