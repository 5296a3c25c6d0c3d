"""Try each variant on a few images, and say what the trainings that are not there yet will take."""

import json
import logging
import os
import shutil
from pathlib import Path

from calotype.config import load
from calotype.config.paths import Layout
from calotype.planning import cost_forecast
from calotype.planning.check import try_study, whole_files
from calotype.util.entry_point import script
from calotype.util.errors import CalotypeError

with script(snakemake.log[0]):
    found, studies, logger = snakemake.input, snakemake.params.studies, logging.getLogger("calotype")
    if not studies:
        raise CalotypeError("config: studies: names no study.", "name some: --config 'studies=[leaves]'")
    layout = Layout(load.load(snakemake.config))
    manifests = {file: json.loads(Path(file).read_text(encoding="utf-8")) for file in found.manifests}
    tried = [try_study(layout, name, manifests, snakemake.params.code) for name in studies]
    if problems := [problem for _, some in tried for problem in some]:
        raise CalotypeError("\n".join(problems))
    rows = [row for some, _ in tried for row in some]
    prepared = sum(Path(file).stat().st_size for file in set(found.arrays)) / cost_forecast.MIB
    free = shutil.disk_usage(layout.results).free / cost_forecast.MIB
    stages = cost_forecast.jobs(layout, rows)
    plan = cost_forecast.page(rows, stages, prepared=prepared, free=free, cores=os.cpu_count() or 1)
    logger.info("\n%s", "\n".join(plan))
    for file, why in whole_files(layout, studies).items():
        logger.info("Note    %s: every line of its code counts, used or not: %s", file, why)
    for sheet in [file for file in found.sheets if file.endswith(".png")]:
        logger.info("Look    %s: what each step of the preparation does", sheet)
    prefix = snakemake.rule.removesuffix("check")  # rules of a module may have one
    target = studies[0] if len(studies) == 1 else f"all --config 'studies=[{', '.join(studies)}]'"
    logger.info("\nNext    snakemake --cores all %s%s", prefix, target)
    logger.info("   or   snakemake --profile slurm %s%s", prefix, target)
