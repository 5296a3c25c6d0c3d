"""Scan a folder of images, and write a dataset and a study."""

import logging
from pathlib import Path

from calotype.config.load import Settings
from calotype.planning.findings import findings
from calotype.planning.folder_scan import scan_folder
from calotype.planning.new_study import check_name, write_study
from calotype.util.entry_point import script
from calotype.util.errors import CalotypeError
from calotype.util.yaml_validation import validate

with script(snakemake.log[0]):
    settings, logger = validate(Settings, dict(snakemake.config), "config/config.yaml"), logging.getLogger("calotype")
    if not settings.name or not settings.images:
        hint = "run snakemake --cores 1 new_study --config name=leaves images=path/to/folder"
        raise CalotypeError("new_study: name or images is missing.", hint)
    check_name(settings.name, settings, taken=snakemake.params.taken)
    seen = scan_folder(Path(settings.images).expanduser(), settings)
    written = write_study(settings.name, seen, settings)
    logger.info("\n%s\n", "\n".join(findings(settings.name, seen)))
    logger.info("Wrote %s; comments explain each choice.", " and ".join(map(str, written)))
    prefix = snakemake.rule.removesuffix("new_study")  # rules of a module may have one
    logger.info("Read them, and correct them where needed.\n")
    logger.info("Next    snakemake --cores all %scheck --config 'studies=[%s]'", prefix, settings.name)
    logger.info("        to prepare the images and to forecast the cost, then")
    logger.info("        snakemake --cores all %s%s", prefix, settings.name)
