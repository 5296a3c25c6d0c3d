"""A forecast for Slurm: what to ask for in each stage, GPU hours, node hours, and the expected starts of jobs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from calotype.config.paths import Layout
from calotype.config.recipe import SCIKIT_LEARN
from calotype.jobs import job_record, job_use, requests
from calotype.jobs.expected_start import expected_start
from calotype.jobs.job_use import SNAKEMAKE
from calotype.jobs.used_kinds import used_kinds
from calotype.planning.cost_forecast import Forecast

NAMED = 3  # variants in a line
CUDA = 2000  # MiB of its libraries in the memory of a process; smoke tests on a CPU do not see it
# The options of sbatch for the resources of a profile.
OPTIONS = {
    "slurm_partition": "--partition",
    "slurm_account": "--account",
    "qos": "--qos",
    "constraint": "--constraint",
    "gres": "--gres",
    "runtime": "--time",
    "mem_mb": "--mem",
}


def resources(workflow: Any, layout: Layout, studies: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what a job of each training rule asks for if Slurm runs the jobs of this call; empty if it does not.

    Args:
        workflow: Snakemake's object.
        layout: of the project.
        studies: names.
    """
    if not str(getattr(workflow.executor_plugin, "name", "")).endswith("slurm"):
        return {}
    from snakemake.iocontainers import Wildcards

    found = {}
    for study in studies:
        for variant, first, last in layout.study_packs(study):
            if (rule := rule_of(layout, study, variant)) not in found:
                names = {"study": study, "variant": variant, "first": f"{first:03d}", "last": f"{last:03d}"}
                given = workflow.get_rule(rule).expand_resources(Wildcards(fromdict=names), [], 1)
                found[rule] = {key: value for key, value in given.items() if isinstance(value, int | str)}
    return found


def rule_of(layout: Layout, study: str, variant: str) -> str:
    """Return the rule that trains a variant."""
    return "train_on_cpu" if layout.config.studies[study].variants[variant].model in SCIKIT_LEARN else "train"


def packs_of(row: Forecast) -> int:
    """Return the number of seeds of a variant that make a job of about half an hour."""
    return min(row.in_all, row.at_once * requests.seeds(row.start, row.run))


def pack_seconds(row: Forecast, seeds: int) -> float:
    """Return the time of a job with a number of seeds."""
    return row.start + row.run * math.ceil(seeds / row.at_once)


def lines(layout: Layout, rows: Sequence[Forecast], asked: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what to ask for, GPU hours, node hours and expected starts.

    Args:
        layout: of the project.
        rows: of all variants.
        asked: resources of the training rules of this call, if Slurm runs its jobs.
    """
    by_rule: dict[str, list[Forecast]] = {}
    for row in (row for row in rows if row.packs):
        by_rule.setdefault(rule_of(layout, row.study, row.variant), []).append(row)
    hours, gpu_hours, wanted = 0.0, 0.0, []
    for rule, some in by_rule.items():
        spent = sum(pack_seconds(row, row.together) * row.packs for row in some) / 3600
        # Without a profile, as with the shipped one.
        gpus = job_record.gpus_of(asked[rule]) if rule in asked else int(rule == "train")
        hours, gpu_hours = hours + spent, gpu_hours + gpus * spent
        wanted += _wanted(rule, some, gpus if rule in asked else 0)
    page = _titled("Ask", [*wanted, *_others(layout, sorted({row.study for row in rows}))])
    if by_rule:
        where = "" if all(row.known for row in rows if row.packs) else ", if nodes are as fast as this one"
        page += _titled("Hours", [f"{_hours(hours)} node hours, {_hours(gpu_hours)} GPU hours for training{where}"])
    return page + _titled("Start", [f"{rule}: {_start(asked[rule])}" for rule in by_rule if rule in asked])


def _titled(title: str, found: Sequence[str]) -> list[str]:
    return [f"{title if place == 0 else '':<8}{line}" for place, line in enumerate(found)]


def _hours(number: float) -> str:
    return f"{number:.1f}" if number >= 0.1 else "less than 0.1"


def _wanted(rule: str, rows: Sequence[Forecast], gpus: int) -> list[str]:
    """Return the request of a training rule, and the packs of its variants."""
    cuda = max(CUDA * bool(gpus and row.device == "cpu") for row in rows)
    memory = requests.memory(max(row.memory for row in rows) + SNAKEMAKE) + cuda
    minutes = requests.minutes(max(pack_seconds(row, packs_of(row)) for row in rows))
    found = [
        f"{rule}: mem_mb: {memory}, runtime: {minutes}{f' ({cuda} of these are an allowance for CUDA)' if cuda else ''}"
    ]
    packs: dict[int, list[str]] = {}
    for row in rows:
        packs.setdefault(packs_of(row), []).append(f"{row.study}/{row.variant}")
    for number, variants in sorted(packs.items()):
        more = f" and {len(variants) - NAMED} more" if len(variants) > NAMED else ""
        found.append(f"  seeds_per_job: {number} for {', '.join(variants[:NAMED])}{more}")
    return found


def _others(layout: Layout, studies: Sequence[str]) -> list[str]:
    """Return the requests of other stages, from their earlier jobs."""
    datasets = {layout.config.studies[study].dataset for study in studies}
    found = []
    for kind in used_kinds(job_use.job_uses(layout.root / layout.results, studies, datasets)):
        if any(use.seeds for use in kind.uses) or kind.used_mib is None or not kind.longest:
            continue
        alone = all(use.members == 1 for use in kind.uses)  # the time of a group is the sum of its rules
        minutes = f", runtime: {requests.minutes(kind.longest)}" if alone else ""
        earlier = f"{kind.jobs} earlier job{'s' if kind.jobs > 1 else ''}"
        found.append(f"{kind.kind}: mem_mb: {requests.memory(kind.used_mib)}{minutes}, by {earlier}")
    return found or ["other stages: as in the profile"]


def _start(asked: Mapping[str, Any]) -> str:
    """Ask Slurm when a job with some resources would start; no job is submitted."""
    given = {option: asked[key] for key, option in OPTIONS.items() if asked.get(key) not in (None, "")}
    options = [f"{option}={value}" for option, value in given.items()]
    if (gpus := job_record.gpus_of(asked)) and not asked.get("gres"):
        model = f"{asked['gpu_model']}:" if asked.get("gpu_model") else ""
        options.append(f"--gpus={model}{gpus}")
    return expected_start([*options, f"--cpus-per-task={asked.get('_cores', 1)}", "--ntasks=1"]).words
