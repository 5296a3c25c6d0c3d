"""Programs that print what a real Slurm has printed, in place of Slurm's own, and count the questions."""

import os
import re
import shutil
from pathlib import Path

import pytest

# Of two private Slurms (22.05): many kinds of partitions; and one without accounting, default partition and memory.
OUTPUTS = Path(__file__).parent / "jobs/slurm_outputs"
PROGRAMS = {
    "scontrol": 'case "$*" in *partition*) cat {folder}/partitions.txt;; *) cat {folder}/config.txt;; esac',
    "sinfo": "cat {folder}/nodes.txt",
    "sacctmgr": 'case "$*" in *" qos "*) cat {folder}/qos.txt;; *) cat {folder}/user.txt;; esac',
    "sbatch": "text={folder}/sbatch.txt; [ -e {folder}/sbatch$3.txt ] && text={folder}/sbatch$3.txt\n"
    "cat $text >&2; exit $(cat {folder}/status.txt)",
}
START = "sbatch: Job 1 to start at 2020-01-01T00:00:00 using 1 processors on nodes g1 in partition gpu\n"


class SlurmTexts:
    """A copy of saved outputs, which a test may edit, and programs that print them.

    Attributes:
        folder: contains the outputs.
    """

    def __init__(self, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Install the programs as the only ones of Slurm."""
        self.folder = folder / "outputs"
        shutil.copytree(OUTPUTS / name, self.folder)
        self.answer(START, 0)
        for program, body in PROGRAMS.items():
            file = folder / "bin" / program
            file.parent.mkdir(exist_ok=True)
            log = f'echo {program} "$@" >> {self.folder}/asked.txt\n'
            file.write_text(f"#!/bin/sh\n{log}{body.format(folder=self.folder)}\n", encoding="utf-8")
            file.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def answer(self, text: str, status: int) -> None:
        """Set the answer of `sbatch --test-only`."""
        (self.folder / "sbatch.txt").write_text(text, encoding="utf-8")
        (self.folder / "status.txt").write_text(str(status), encoding="utf-8")

    def start(self, partition: str, moment: str) -> None:
        """Set the start that `sbatch --test-only` expects in a partition."""
        text = START.replace("2020-01-01T00:00:00", moment)
        (self.folder / f"sbatch--partition={partition}.txt").write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in an output."""
        file = self.folder / f"{name}.txt"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def partition(self, name: str, **fields: str) -> None:
        """Set fields of a partition, as `scontrol show partition` prints them."""
        file = self.folder / "partitions.txt"
        lines = file.read_text(encoding="utf-8").splitlines()
        (number,) = [n for n, line in enumerate(lines) if line.startswith(f"PartitionName={name} ")]
        for key, value in fields.items():
            lines[number] = re.sub(rf" {key}=\S+", "", lines[number]) + f" {key}={value}"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    @property
    def asked(self) -> list[str]:
        """Return the commands that were called."""
        return (self.folder / "asked.txt").read_text(encoding="utf-8").splitlines()
