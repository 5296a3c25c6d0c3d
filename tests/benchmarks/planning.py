"""Cost of planning: plans of many runs, and a call with nothing to do."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from benchmarks.measure import SNAKEMAKE, Options, copy_project, cost_of, environment, spread

TITLE = "Planning"

# (studies, variants of each, seeds of each, seeds that share a job)
SIZES = ((1, 10, 10, 3), (10, 10, 10, 3), (100, 10, 10, 3), (100, 10, 10, 10))
QUICK = ((1, 2, 5, 3), (1, 5, 10, 3))
PROFILES = {"default profile": (), "--profile slurm": ("--profile", "slurm")}
PLAN = "plan"
START = "Snakemake's start alone"
NOTHING = "nothing to do, the five studies of the paper"


def generate(folder: Path, studies: int, variants: int, seeds: int, together: int) -> Path:
    """Copy the project with many copies of the digits study; every variant has another recipe."""
    copy_project(folder)
    digits = yaml.safe_load((folder / "config/studies/digits.yaml").read_text(encoding="utf-8"))
    perceptron = digits["variants"]["source"]
    own = ("seeds", "seeds_per_job")  # those of config.yaml instead
    digits["defaults"] = {key: value for key, value in digits["defaults"].items() if key not in own}
    digits["variants"] = {
        f"v{i}": {**perceptron, "label": f"{50 + i} epochs", "epochs": 50 + i} for i in range(variants)
    }
    digits |= {"claims": [], "compare": "consecutive"}
    names = [f"study-{i}" for i in range(studies)]
    for name in names:
        (folder / f"config/studies/{name}.yaml").write_text(yaml.safe_dump(digits, sort_keys=False), encoding="utf-8")
    settings = yaml.safe_load((folder / "config/config.yaml").read_text(encoding="utf-8"))
    settings |= {"studies": names, "paper": [], "seeds": seeds, "seeds_per_job": together}
    (folder / "config/config.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return folder


def planned(log: Path) -> int:
    """Return the number of jobs in a plan that Snakemake printed."""
    rows = (line.split() for line in log.read_text(encoding="utf-8", errors="replace").splitlines())
    return next(int(row[1]) for row in rows if row[:1] == ["total"])


def pretend_to_finish(folder: Path, target: str) -> None:
    """Have Snakemake take all files of a target for made: empty ones that have the right names and time stamps."""
    summary = subprocess.run(
        [str(SNAKEMAKE), target, "--summary"], cwd=folder, env=environment(), capture_output=True, text=True, check=True
    )
    for line in summary.stdout.splitlines()[1:]:
        path = folder / line.split("\t")[0]
        if not path.suffix and path.name != "SHA256SUMS":  # folders: images, models, figures of each variant
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    touch = [str(SNAKEMAKE), target, "--touch", "--cores", "1"]
    subprocess.run(touch, cwd=folder, env=environment(), capture_output=True, check=True)


def measure(scratch: Path, options: Options) -> Iterator[dict[str, Any]]:
    """Yield the cost of each call: name, runs, jobs, wall and CPU time in seconds, peak memory in MiB."""
    log = scratch / "printed.txt"
    sizes = QUICK if options.quick else SIZES
    folders = {size: generate(scratch / "-".join(map(str, size)), *size) for size in sizes}
    paper = copy_project(scratch / "paper")
    pretend_to_finish(paper, "paper")
    for repeat in options.numbers:
        for (studies, variants, seeds, together), folder in folders.items():
            for profile, arguments in PROFILES.items():
                cost = cost_of([str(SNAKEMAKE), "-n", "--quiet", *arguments], cwd=folder, log=log)
                what = f"{PLAN}, {profile}, at most {together} seeds a job"
                runs = studies * variants * seeds
                yield {"what": what, "runs": runs, "jobs": planned(log), "repeat": repeat, **vars(cost)}
        cost = cost_of([str(SNAKEMAKE), "--version"], cwd=paper, log=log)
        yield {"what": START, "runs": None, "jobs": 0, "repeat": repeat, **vars(cost)}
        cost = cost_of([str(SNAKEMAKE), "--cores", "1", "paper"], cwd=paper, log=log)
        printed = log.read_text(encoding="utf-8", errors="replace")
        if "Nothing to be done" not in printed:
            raise RuntimeError(f"there was something to do:\n{printed}")
        yield {"what": NOTHING, "runs": None, "jobs": 0, "repeat": repeat, **vars(cost)}


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Medians, and in brackets the smallest and the largest."""
    lines = []
    for (what, jobs), group in rows.groupby(["what", "jobs"], sort=False):
        lines.append(
            {
                "call": what,
                "runs": f"{group.runs.iloc[0]:,.0f}" if pd.notna(group.runs.iloc[0]) else "–",
                "jobs": f"{jobs:,}",
                "wall, s": spread(group.wall, 1),
                "CPU, s": spread(group.cpu, 1),
                "peak memory, MiB": spread(group.peak_mib),
                "n": str(len(group)),
            }
        )
    return pd.DataFrame(lines)
