"""Try each variant on a few images, and say what the trainings that are not there yet will take."""

import json
import logging
import resource
from pathlib import Path

from calotype import config, forecast
from calotype.console import script
from calotype.errors import about
from calotype.layout import Layout
from calotype.splits import open_split
from calotype.trial import try_variant

with script(snakemake.log[0]):
    layout, logger = Layout(config.load(snakemake.config)), logging.getLogger("calotype")
    found = snakemake.input
    manifests = {file: json.loads(Path(file).read_text(encoding="utf-8")) for file in found.manifests}
    rows, largest = [], 0.0
    for name in snakemake.params.studies:
        study = layout.config.studies[name]
        for key, variant in study.variants.items():
            train, *validation = (layout.prepared(name, split, ".npy") for split in variant.splits)
            tests = [layout.prepared(name, split, ".npy") for split in study.tests]
            facts, *tested = (manifests[str(Path(file).with_suffix(".json"))] for file in (train, *tests))
            with about(f"{layout.config.settings.study_files}/{name}.yaml: variants.{key}"):
                seen = try_variant(variant, open_split(Path(train)), facts, *map(open_split, map(Path, validation)))
            images = [min(each["images"], variant.test_images or each["images"]) for each in tested]
            outputs = facts["classes"] or 1
            rows.append(forecast.forecast(layout, name, key, seen, facts["images"], images, outputs))
            largest = max(largest, Path(train).stat().st_size / 2**20)
            logger.info("%s/%s: trains, saves, loads and predicts; %d parameters", name, key, seen.parameters)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    logger.info("\n%s\n", "\n".join(forecast.table(rows)))
    logger.info("?: by some steps on this machine, one core; others by the packs that ran before.")
    logger.info(
        "Memory of a training: about %.0f MiB. Prepared images: %.0f MiB in the largest.", peak + largest, largest
    )
    logger.info("Next: snakemake --cores all %s, or --profile slurm", " ".join(snakemake.params.studies))
