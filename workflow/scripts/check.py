"""Try each variant on a few images, and say what the trainings that are not there yet will take."""

import json
import logging
import os
import resource
import shutil
from pathlib import Path

from calotype import config, forecast
from calotype.console import script
from calotype.errors import CalotypeError, about
from calotype.layout import Layout
from calotype.splits import open_split
from calotype.trial import check_example, try_variant

with script(snakemake.log[0]):
    layout, logger = Layout(config.load(snakemake.config)), logging.getLogger("calotype")
    manifests = {file: json.loads(Path(file).read_text(encoding="utf-8")) for file in snakemake.input.manifests}
    rows, problems, prefix = [], [], snakemake.rule.removesuffix("check")  # rules of a module may have one
    if not snakemake.params.studies:
        raise CalotypeError("config: studies: names no study.", "name some: --config 'studies=[leaves]'")
    for name in snakemake.params.studies:
        study, file = layout.config.studies[name], f"{layout.config.settings.study_files}/{name}.yaml"
        try:
            with about(file):
                check_example(study, open_split(Path(layout.prepared(name, study.tests[0], ".npy"))))
        except CalotypeError as error:
            problems.append(str(error))
        for key, variant in study.variants.items():
            data = [manifests[layout.prepared(name, split, ".json")] for split in (*variant.splits, *study.tests)]
            try:
                with about(f"{file}: variants.{key}"):
                    arrays = [Path(layout.prepared(name, split, ".npy")) for split in variant.splits]
                    train, *validation = map(open_split, arrays)
                    seen = try_variant(variant, train, data[0], *validation)
            except CalotypeError as error:  # the others may have their own
                problems.append(str(error))
                continue
            logger.info("%s/%s: trains, saves, loads and predicts", name, key)
            done = forecast.trained(layout, name, key, *snakemake.params.code[f"{name}/{key}"], data)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
            rows.append(forecast.forecast(layout, name, key, seen, done, data, peak))
    if problems:
        raise CalotypeError("\n".join(problems))
    prepared = sum(Path(file).stat().st_size for file in set(snakemake.input.arrays)) / forecast.MIB
    free = shutil.disk_usage(layout.results).free / forecast.MIB
    stages = forecast.jobs(layout, rows)
    plan = forecast.page(rows, stages, prepared=prepared, free=free, cores=os.cpu_count() or 1)
    logger.info("\n%s", "\n".join(plan))
    for sheet in [file for file in snakemake.input.sheets if file.endswith(".png")]:
        logger.info("Look    %s: what each step of the preparation does", sheet)
    names = snakemake.params.studies
    target = names[0] if len(names) == 1 else f"all --config 'studies=[{', '.join(names)}]'"
    logger.info("\nNext    snakemake --cores all %s%s", prefix, target)
    logger.info("   or   snakemake --profile slurm %s%s", prefix, target)
