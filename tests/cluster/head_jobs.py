"""Snakemake in a job: slurm/head.sh is requeued, reaches its time limit, and is cancelled."""

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cluster.private_slurm import PrivateSlurm
from cluster.slurm_config import user_name
from cluster.test_cluster import PRINTED

LEFT = "left-in-the-queue.txt"
LONGEST = 300.0  # s that something may take on a busy machine


def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.2)


def head_command(folder: Path) -> list[str]:
    """Make the environment that the script activates; return the command, which gets its signal within a minute."""
    activate = folder / ".venv/bin/activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f'PATH="{Path(sys.executable).parent}:$PATH"\n', encoding="utf-8")
    options = [f"--job-name={folder.name}", "--time=3", "--mem=1G"]
    return ["sbatch", "--parsable", *options, "slurm/head.sh"]


def outlive(slurm: PrivateSlurm, folder: Path) -> None:
    """Requeue a head job when its jobs are submitted, wait until another one follows, and let the jobs end."""
    _wait_for(folder, "SLURM jobid", times=2)
    slurm.client("scontrol", "requeue", _head(folder))
    _wait_for(folder, "SLURM run ID", times=3)
    (folder / "end").touch()
    _finish(slurm, folder)


def cancel(slurm: PrivateSlurm, folder: Path) -> None:
    """Cancel a head job when its job is submitted."""
    _wait_for(folder, "SLURM jobid", times=1)
    slurm.client("scancel", _head(folder))
    _finish(slurm, folder)


def _head(folder: Path) -> str:
    return (folder / PRINTED).read_text(encoding="utf-8").strip()


def _finish(slurm: PrivateSlurm, folder: Path) -> None:
    """Wait for the end of the last head job; note the jobs that are left, and print its log as that of a call."""
    until(lambda: not slurm.client("squeue", "--noheader", f"--name={folder.name}"))
    log = _log(folder)
    names = ",".join(re.findall(r"SLURM run ID: (\S+)", log))
    left = slurm.client("squeue", "--noheader", f"--name={names}", f"--user={user_name()}", "--states=PENDING,RUNNING")
    (folder / LEFT).write_text(left, encoding="utf-8")
    (folder / PRINTED).write_text(log, encoding="utf-8")


def _log(folder: Path) -> str:
    return "".join(file.read_text(encoding="utf-8") for file in sorted(folder.glob(f"{folder.name}-*.log")))


def _wait_for(folder: Path, text: str, times: int) -> None:
    until(lambda: _log(folder).count(text) >= times)
