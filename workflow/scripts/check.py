"""Forecast the remaining jobs, time, memory and disk from the smoke tests of all variants."""

import logging
from pathlib import Path

from calotype.config import load
from calotype.config.paths import Layout
from calotype.figures.fonts import warn_of_letters
from calotype.planning import cost_forecast, slurm_forecast
from calotype.planning.check import forecast_study, whole_files
from calotype.util.entry_point import script
from calotype.util.files import read_json

with script(snakemake.log[0]):
    found, studies, logger = snakemake.input, snakemake.params.studies, logging.getLogger("calotype")
    layout = Layout(load.load(snakemake.config))
    manifests = {file: read_json(file) for file in found.manifests}
    tried, code = read_json(Path(found.tried)), snakemake.params.code
    rows = [row for name in studies for row in forecast_study(layout, name, tried[name], manifests, code)]
    on_slurm = slurm_forecast.lines(layout, rows, snakemake.params.asked)
    logger.info("\n%s", "\n".join(cost_forecast.plan(layout, rows, found.arrays, on_slurm)))
    cost_forecast.note_times(layout, rows)
    for file, why in whole_files(layout, studies).items():
        logger.info("Note    %s: every change of this file runs jobs again: %s", file, why)
    for study in studies:
        warn_of_letters(layout.config.figure_texts(study), layout.config.settings.figures.page()["font"], study)
    for preview in [file for file in found.previews if file.endswith(".png")]:
        logger.info("Look    %s: preview of the preparation", preview)
    prefix = snakemake.rule.removesuffix("check")  # rules of a module may have one
    target = studies[0] if len(studies) == 1 else f"all --config 'studies=[{', '.join(studies)}]'"
    logger.info("\nNext    snakemake --cores all %s%s", prefix, target)
    logger.info("   or   snakemake --profile slurm %s%s", prefix, target)
    Path(found.tried).unlink()
