"""Ports, processes and control groups of the daemons of a private Slurm."""

import random
import re
import signal
import socket
import subprocess
from pathlib import Path

import psutil

STOP_TIMEOUT = 20.0  # s, for each daemon


class ClusterError(RuntimeError):
    """The private Slurm does not start, or one of its commands fails."""


def free_ports(number: int) -> list[int]:
    """Return different free ports of the loopback interface."""
    found: list[int] = []
    # Below 32768, where the kernel's ports for clients begin, so that a restarted daemon finds its port free.
    for port in random.sample(range(20_000, 32_000), 1000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == number:
            return found
    raise ClusterError(f"no {number} free ports between 20000 and 32000")


def listens(port: int) -> bool:
    """Check that a process listens at a port of the loopback interface."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def end(daemon: subprocess.Popen[bytes]) -> None:
    """End a process as an administrator does; kill it if it does not end."""
    if daemon.poll() is None:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def kill(daemon: subprocess.Popen[bytes]) -> None:
    """Kill a process, and wait for its end."""
    daemon.kill()
    daemon.wait()


def step_of(process: psutil.Process) -> str | None:
    """Return the job of a slurmstepd, from the title that it writes over its environment."""
    try:
        found = re.match(r"slurmstepd: \[(\d+)\.", " ".join(process.cmdline()))
    except psutil.Error:
        return None
    return found[1] if found else None


def job_of(process: psutil.Process) -> str | None:
    """Return the job that a process belongs to."""
    try:
        return process.environ().get("SLURM_JOB_ID")
    except psutil.Error:
        return None


def remove_empty(group: Path) -> None:
    """Remove a control group and its subgroups, innermost first; groups with processes stay."""
    for folder in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
        try:
            folder.rmdir()
        except OSError:
            continue
    if group.exists():
        try:
            group.rmdir()
        except OSError:
            return
