"""Train one pack, from its checkpoint if there is one."""

from calotype.jobs import gpus, slurm, warm_process

warm_process.take_over_training(snakemake.params.recipe["model"])  # before imports that take seconds in each process

from functools import partial
from pathlib import Path

from calotype.config.recipe import Recipe
from calotype.data.prepared_split import open_split
from calotype.jobs.leases import lease
from calotype.jobs.signals import on_signals
from calotype.training import loop, predicting, provenance, result, trainer
from calotype.util.entry_point import script
from calotype.util.errors import about
from calotype.util.files import new_folder, read_json

with script(snakemake.log[0]), on_signals() as stop:
    wildcards, params, given, config = snakemake.wildcards, snakemake.params, snakemake.resources, snakemake.config
    recipe, name = Recipe(**params.recipe), f"{wildcards.study}/{wildcards.variant}"
    output = {key: Path(path) for key, path in snakemake.output.items()}
    manifests = [read_json(file) for file in snakemake.input.manifests]
    images, validation, *_ = (*(open_split(Path(file), patience=60) for file in snakemake.input.arrays), None)
    seeds = range(int(wildcards.first), int(wildcards.last) + 1)
    folders = {seed: Path(params.checkpoints, f"seed-{seed:03d}") for seed in seeds}
    origin = provenance.Origin(params.code, params.custom_model, params.recipe, manifests)
    what, cores = f"{name}, seeds {seeds[0]} to {seeds[-1]}", snakemake.threads
    with about(name), lease([*folders.values()], what, cores, asked_mib=slurm.asked_mib(given), stop=stop) as held:
        if not (held.waited and result.is_there(what, output["provenance"], origin.identity(), output.values())):
            gpus.take(given, stop)
            begin = partial(trainer.new_trainer, recipe, images, validation, manifests[0], config["stream_above_mib"])
            store = loop.Store(folders, origin.identity(), config["checkpoint_minutes"])
            most = cores // recipe.threads
            with new_folder(output["models"]) as models:
                pack = loop.train(name, recipe, seeds, begin, models, store=store, check=held.check, processes=most)
            held.check()
            result.write(pack, provenance.record(origin, recipe.model_dump(), pack, output["models"]), output)
            predicting.leave(output["provenance"], params.tests, check=held.check)
