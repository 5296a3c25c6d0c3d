"""Identify processes."""

from pathlib import Path


def born(process: int) -> float | None:
    """Return the start of a process, which identifies it if its number is used again; None if it has ended."""
    try:
        facts = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return None if facts[0] in "ZX" else float(facts[19])  # ticks since the boot, independent of the clock
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return None
    except OSError:
        return None
    import psutil  # only on macOS

    try:
        return psutil.Process(process).create_time()
    except psutil.Error:
        return None
