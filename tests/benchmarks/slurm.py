"""Cost of a Slurm cluster besides the computation: a tiny study on a private Slurm, as in tests/cluster.

This cost is the time of a job on its node without the seconds of its scripts. It consists of Slurm's own start and end,
and of Snakemake, which reads the config and plans again inside each job, and starts Python for each script.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from benchmarks.measure import SNAKEMAKE, Options, copy_project, cost_of, spread
from cluster.private_slurm import PrivateSlurm
from cluster.slurm_jobs import Job

TITLE = "On Slurm"

STUDY, QUICK_STUDY = "dots", "digits"
IMAGES = {"train": 64, "train-large": 96, "test": 60, "test-large": 120}  # of the dots
SPLITS_PER_JOB = 100  # group-components of slurm/config.yaml
FIRST_LOOK = ("--slurm-init-seconds-before-status-checks", "3")  # as in tests/cluster: its jobs are short
CALL, JOB, PLAN = "call", "job", "plan"


def tiny(folder: Path, name: str) -> Path:
    """Copy the project with a study of two epochs and two seeds, and few images of dots."""
    copy_project(folder)
    datasets = yaml.safe_load((folder / "config/datasets.yaml").read_text(encoding="utf-8"))
    for split, images in IMAGES.items():
        datasets["dots"]["splits"][split]["images"] = images
    (folder / "config/datasets.yaml").write_text(yaml.safe_dump(datasets, sort_keys=False), encoding="utf-8")
    file = folder / f"config/studies/{name}.yaml"
    study = yaml.safe_load(file.read_text(encoding="utf-8"))
    for variant in study["variants"].values():
        variant |= {"epochs": 2, "seeds": 2, "seeds_per_job": 2}
    file.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    return folder


def plan(folder: Path, target: str, log: Path) -> dict[str, int]:
    """Return the number of planned jobs of each rule on the cluster."""
    cost_of([str(SNAKEMAKE), target, "--profile", "slurm", "-n", "--quiet"], cwd=folder, log=log)
    printed = log.read_text(encoding="utf-8", errors="replace")
    return {rule: int(count) for rule, count in re.findall(r"^ *([a-z_]+) +(\d+) *$", printed, re.MULTILINE)}


def jobs_of_plan(counts: dict[str, int]) -> dict[str, int]:
    """Return the number of Slurm jobs of a plan by kind: packs, hundreds of splits, and the short rules of a study."""
    data = -(-counts.get("prepare", 0) // SPLITS_PER_JOB)
    return {"data": data, "train": counts.get("train", 0), "paper": counts.get("evaluate", 0)}


def seconds_inside(folder: Path, job: Job) -> float:
    """Return the total seconds of the scripts of a job, from Snakemake's benchmark files."""
    found = 0.0
    for file in (folder / "results/benchmarks").rglob("*.tsv"):
        stage, *what = file.relative_to(folder / "results/benchmarks").with_suffix("").parts
        if stage == "train":
            mine = job.comment.replace("-", "_").endswith("_".join(what).replace("-", "_"))
        else:
            mine = job.comment.startswith("rule_data" if stage in ("draw", "prepare") else "rule_paper")
        found += float(pd.read_csv(file, sep="\t").s.iloc[0]) if mine else 0.0
    return found


def measure(scratch: Path, options: Options) -> Iterator[dict[str, Any]]:
    """Yield the jobs, wall time and number of state queries of each call, and the cost of each job."""
    name, log = QUICK_STUDY if options.quick else STUDY, scratch / "printed.txt"
    for kind, count in jobs_of_plan(plan(copy_project(scratch / "paper"), "paper", log)).items():
        yield {"what": PLAN, "kind": kind, "jobs": count}
    (scratch / "slurm").mkdir()
    with PrivateSlurm(scratch / "slurm") as slurm:
        for repeat in options.numbers:
            folder = tiny(scratch / f"project-{repeat}", name)
            command = [str(SNAKEMAKE), "--profile", "slurm", *FIRST_LOOK, "--verbose", name]
            cost = cost_of(command, cwd=folder, env=slurm.env, log=log)
            time.sleep(2)  # the accounting learns of the last job's end
            printed = log.read_text(encoding="utf-8", errors="replace")
            run = re.search(r"SLURM run ID: (\S+)", printed)
            if run is None:
                raise RuntimeError(f"no run ID in what was printed:\n{printed}")
            jobs = [job for job in slurm.jobs() if job.name == run[1]]
            inside = {job.id: seconds_inside(folder, job) for job in jobs}
            asked = re.search(r"calls=(\d+)", printed)  # of the plugin's own summary, at its end
            rounds = int(asked[1]) if asked else None
            yield {
                "what": CALL, "repeat": repeat, "study": name, "jobs": len(jobs), "rounds": rounds,
                "wall": cost.wall, "inside": sum(inside.values()),
            }  # fmt: skip
            for job in jobs:
                kind = job.comment.removeprefix("rule_").split("_")[0]
                cores = int(job.allocated["cpu"])
                yield {
                    "what": JOB, "repeat": repeat, "study": name, "kind": kind, "cores": cores, "wall": job.seconds,
                    "inside": inside[job.id], "core_seconds": job.seconds * cores,
                }  # fmt: skip


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Medians, smallest and largest, of each kind of job and of the whole call; the paper's are an estimate."""
    jobs, calls = rows[rows.what == JOB], rows[rows.what == CALL]
    lines = []
    for kind, group in jobs.groupby("kind", sort=False):
        lines.append(
            {
                "what": f"one job, {kind}",
                "jobs": spread(group.groupby("repeat").size()),
                "wall, s": spread(group.wall),
                "inside its scripts, s": spread(group.inside, 1),
                "besides, s": spread(group.wall - group.inside, 1),
                "core-seconds": spread(group.core_seconds),
                "rounds": "–",
                "n": str(len(group)),
            }
        )
    lines.append(
        {
            "what": f"the call: {calls.study.iloc[0]}, tiny",
            "jobs": spread(calls.jobs),
            "wall, s": spread(calls.wall),
            "inside its scripts, s": spread(calls.inside, 1),
            "besides, s": "–",  # jobs run side by side
            "core-seconds": spread(jobs.groupby("repeat").core_seconds.sum()),
            "rounds": spread(calls.rounds),
            "n": str(len(calls)),
        }
    )
    planned = rows[rows.what == PLAN].drop_duplicates("kind").set_index("kind").jobs  # each sitting has them
    each = (jobs.wall - jobs.inside).groupby(jobs.kind).median()
    lines.append(
        {
            "what": "the paper: jobs of its plan; besides: estimated, each kind as often as it comes",
            "jobs": f"{planned.sum():.0f}",
            "wall, s": "–",
            "inside its scripts, s": "–",
            "besides, s": f"{(planned * each).sum():,.0f}",
            "core-seconds": "–",
            "rounds": "–",
            "n": "1",
        }
    )
    return pd.DataFrame(lines)
