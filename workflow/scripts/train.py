"""Train one pack, from its checkpoint if there is one."""

import json
import logging
from pathlib import Path

from calotype.config.recipe import SCIKIT_LEARN, Recipe
from calotype.data.prepared_split import open_split
from calotype.jobs import slurm
from calotype.jobs.leases import lease
from calotype.jobs.signals import on_signals
from calotype.training import loop, predicting, provenance
from calotype.training.result import is_there
from calotype.util.entry_point import script
from calotype.util.errors import about
from calotype.util.files import new_folder, write_csv, write_text

with script(snakemake.log[0]), on_signals() as stop:
    recipe, wildcards, output = Recipe(**snakemake.params.recipe), snakemake.wildcards, snakemake.output
    logger, name = logging.getLogger("calotype"), f"{wildcards.study}/{wildcards.variant}"
    manifests = [json.loads(Path(file).read_text(encoding="utf-8")) for file in snakemake.input.manifests]
    train, held_out, *_ = (*(open_split(Path(file), patience=60) for file in snakemake.input.arrays), None)
    seeds = range(int(wildcards.first), int(wildcards.last) + 1)
    origin = {"code": snakemake.params.code, "data": manifests}
    own = {"config": snakemake.params.recipe, "own_model": snakemake.params.own_model}
    identity = provenance.identity(**own, **origin)
    folders = {seed: Path(snakemake.params.checkpoints, f"seed-{seed:03d}") for seed in seeds}
    asked = snakemake.resources.get("mem_mb") if slurm.job_id() else None
    what = f"{name}, seeds {seeds[0]} to {seeds[-1]}"
    with about(name), lease([*folders.values()], what, asked_mib=asked, stop=stop) as held:
        if held.waited and is_there(Path(output.provenance), identity, map(Path, output)):
            logger.info("%s: another job has finished it", what)
        else:
            if recipe.model in SCIKIT_LEARN:
                from calotype.training import sklearn_model

                device, trainer = "cpu", sklearn_model.Trainer(recipe, train, classes=manifests[0]["classes"])
            else:
                from calotype.training import backend, keras_trainer

                backend.start(recipe.threads)
                device = backend.device_name()
                logger.info("%s: training on %s, %d thread(s)", name, device, recipe.threads)
                labels = {key: manifests[0][key] for key in ("minimum", "maximum", "classes")}
                above = snakemake.config["stream_above_mib"]
                trainer = keras_trainer.Trainer(recipe, train, validation=held_out, stream_above_mib=above, **labels)
            machine, minutes = f"{provenance.processor()}, {device}", snakemake.config["checkpoint_minutes"]
            store = loop.Store(folders, identity, machine, minutes)
            with new_folder(Path(output.models)) as models:
                pack = loop.train_pack(name, recipe, seeds, trainer, models, store=store, check=held.check)
            held.check()
            write_csv(pack.history, Path(output.history))
            write_csv(pack.layers, Path(output.layers))
            found = provenance.record(
                identity=identity,
                config=recipe.model_dump(),
                device=device,
                pack=pack,
                models=Path(output.models),
                **origin,
            )
            write_text(json.dumps(found, indent=1) + "\n", Path(output.provenance))
            predicting.leave(Path(output.provenance), snakemake.params.tests, check=held.check)
