"""Pin all environments again: python envs/lock.py  (in an environment made from envs/dev.txt)

pyproject.toml lists the direct dependencies. uv computes cpu.txt, gpu.txt and dev.txt from them, with hashes. The conda
files repeat the pins, because Snakemake copies a conda file to another folder before it reads it.
"""

import re
import subprocess
import sys
from pathlib import Path

ENVS = Path(__file__).parent
EXTRAS = {"cpu": ["cpu"], "gpu": ["gpu"], "dev": ["cpu", "dev"]}
PYTHON = "3.11"  # the oldest version of the pins; conda and Apptainer use it
CONDA = """\
# Made by envs/lock.py from {name}.txt; not edited by hand. Direct use: conda env create -f envs/{name}.yaml
name: calotype-{name}
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python ={python}
  - pip
  - pip:
{pins}
"""


def pins(requirements: str) -> list[str]:
    """Return the pins of a file that uv wrote, with markers, without hashes and comments."""
    return [line.removesuffix(" \\").strip() for line in requirements.splitlines() if re.match(r"[a-z0-9].*==", line)]


def conda_file(name: str, requirements: str) -> str:
    """Return a conda environment file with the pins of a requirements file."""
    listed = "\n".join(f'      - "{pin}"' for pin in pins(requirements))
    return CONDA.format(name=name, python=PYTHON, pins=listed)


def main() -> None:
    """Write all files; arguments such as --upgrade go to uv."""
    for name, extras in EXTRAS.items():
        command = [
            "uv",
            "pip",
            "compile",
            "pyproject.toml",
            "--universal",
            "--generate-hashes",
            "--python-version",
            PYTHON,
        ]
        command += [argument for extra in extras for argument in ("--extra", extra)]
        command += ["--no-header", "--quiet", "--output-file", f"envs/{name}.txt", *sys.argv[1:]]
        subprocess.run(command, cwd=ENVS.parent, check=True)
    for name in ("cpu", "gpu"):
        requirements = (ENVS / f"{name}.txt").read_text(encoding="utf-8")
        (ENVS / f"{name}.yaml").write_text(conda_file(name, requirements), encoding="utf-8")


if __name__ == "__main__":
    main()
