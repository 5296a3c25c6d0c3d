"""The record of a round: its events, a table of several, and the files of a failed one."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conftest import Project
from faults.kinds import CONDITIONS, STRIKES


@dataclass
class Record:
    """Events and findings of a round."""

    name: str
    injected: Counter[str] = field(default_factory=Counter)  # number of faults of each kind
    differences: list[str] = field(default_factory=list)  # files that differ from the clean run
    problems: list[str] = field(default_factory=list)  # all other failures, one line each
    calls: int = 0  # of Snakemake
    jobs: int = 0  # Slurm jobs, without those of the faults
    starts: int = 0  # of these jobs; a requeued job starts more than once
    resumed: int = 0  # trainings that resumed from a checkpoint according to their logs
    together: int = 0  # most processes seen to train one pack at the same time
    seconds: float = 0.0  # from the first call to the end of the last job
    errors: int = 0  # calls that ended with an error
    stuck: int = 0  # calls that waited for a lost job and were ended
    unfinished: bool = False  # whether another call would run something again

    @property
    def survived(self) -> bool:
        """Check that the results equal those of the undisturbed run."""
        return not self.differences and not self.problems


def table(records: Sequence[Record]) -> list[str]:
    """Format the record of all rounds as lines: each kind of fault, the number injected and the number survived."""
    names = [kind.name for kind in (*STRIKES, *CONDITIONS)]
    lines = [f"{'fault':<20}{'injected':>10}{'survived':>10}"]
    for name in names:
        injected = sum(record.injected[name] for record in records)
        survived = sum(record.injected[name] for record in records if record.survived)
        lines.append(f"{name:<20}{injected:>10}{survived:>10}")
    total = sum(sum(record.injected.values()) for record in records)
    lines.append(f"{'all':<20}{total:>10}{sum(sum(r.injected.values()) for r in records if r.survived):>10}")
    lines.append(
        f"{len(records)} rounds in {sum(record.seconds for record in records):.0f} s: "
        f"{sum(record.jobs for record in records)} jobs, "
        f"{sum(record.starts - record.jobs for record in records)} requeues, "
        f"{sum(record.resumed for record in records)} lines on resuming in logs, "
        f"{sum(record.calls for record in records)} calls of Snakemake, "
        f"{sum(record.errors for record in records)} ended with an error, "
        f"{sum(record.stuck for record in records)} waited for a job that was gone; "
        f"after {sum(record.unfinished for record in records)} rounds another call would do something again; "
        f"at most {max((record.together for record in records), default=0)} processes of one pack at a time"
    )
    return lines


def keep(project: Project, clean: Project, record: Record, folder: Path) -> Path:
    """Copy the history, outputs and logs of a failed round, and both versions of files that differ."""
    kept = folder / project.folder.name
    for path in (*project.folder.glob("*.txt"), *project.folder.glob("slurm/config.yaml")):
        kept.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, kept)
    for name in ("slurm-logs", "results/logs", ".snakemake/log"):
        if (project.folder / name).is_dir():
            shutil.copytree(project.folder / name, kept / name, dirs_exist_ok=True)
    for line in record.differences:
        path = line.partition(": ")[2]
        for side, source in (("clean", clean.folder / path), ("struck", project.folder / path)):
            if source.is_file():
                (kept / side / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, kept / side / path)
    return kept
