"""Cost of a training step: Keras's `fit`, this project, and loops written by hand in TensorFlow, PyTorch and JAX."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from benchmarks.frameworks.timing import NETS
from benchmarks.measure import PYTHON, Options, copy_project, environment

TITLE = "Microseconds per training step, on one core"
SCRIPTS = Path(__file__).resolve().parent / "frameworks"
QUICK_NETS = ("digits", "fashion")
LIMIT = 900.0  # seconds of one engine with one net


@dataclass(frozen=True)
class Engine:
    """Something that trains.

    Attributes:
        script: of frameworks/.
        name: by which the script knows it.
        package: that another environment must hold; None where ours does.
        env: variables to set.
        probe: whether it may be so slow with some nets that full epochs are out of the question.
        quick: whether quick runs try it.
        nets: that it trains.
        half_precision: whether it computes in 16 bits: another computation, which the others are not held against.
    """

    script: str
    name: str
    package: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    probe: bool = False
    quick: bool = True
    nets: tuple[str, ...] = tuple(NETS)
    half_precision: bool = False


DENSE = tuple(name for name, net in NETS.items() if not net.filters)
NOT_SQUARED = tuple(name for name, net in NETS.items() if not net.l2)  # 16 bits are too few for sums of squares
ENGINES = {
    "Keras fit": Engine("keras_steps.py", "fit"),
    "calotype": Engine("calotype_steps.py", "calotype"),
    "calotype, jit_compile: true": Engine("calotype_steps.py", "xla", quick=False, nets=DENSE),
    "calotype, jit_compile: false": Engine("calotype_steps.py", "no-xla", quick=False),
    "calotype, mixed_bfloat16": Engine(
        "calotype_steps.py", "bfloat16", quick=False, nets=NOT_SQUARED, half_precision=True
    ),
    "calotype, streamed": Engine("calotype_steps.py", "streamed", quick=False),
    "Keras fit, with oneDNN": Engine("keras_steps.py", "fit", env={"TF_ENABLE_ONEDNN_OPTS": "1"}, quick=False),
    "TensorFlow by hand": Engine("tensorflow_steps.py", "loop"),
    "TensorFlow by hand, XLA": Engine("tensorflow_steps.py", "xla", probe=True),
    "PyTorch by hand": Engine("torch_steps.py", "loop", "torch"),
    # Compiling takes half a minute a net.
    "PyTorch by hand, compiled": Engine("torch_steps.py", "compiled", "torch", probe=False, quick=False),
    "JAX by hand": Engine("jax_steps.py", "scan", "jax", probe=True),
}


def measure(scratch: Path, options: Options) -> Iterator[dict[str, Any]]:
    """Per repeat and net, all engines in turn, each in a process of its own.

    Rows: repeat, net, engine, us_per_step (of the median block), fastest, slowest, blocks, steps (of a block), version.
    """
    project = copy_project(scratch / "project")
    engines = {name: engine for name, engine in ENGINES.items() if engine.quick or not options.quick}
    missing = {package for package in ("torch", "jax") if not _has(options.frameworks, package)}
    if missing:
        print(
            f"  left out: {' and '.join(sorted(missing))}. Install them with pip in an environment of their own, "
            "and name its interpreter: --frameworks path/to/python"
        )
    # In a quick run a process takes all nets, as starting it takes the longest.
    rounds: list[tuple[str, ...]] = [QUICK_NETS] if options.quick else [(net,) for net in NETS]
    for repeat in options.numbers:
        for nets in rounds:
            for name, engine in engines.items():
                nets_of_it = [net for net in nets if net in engine.nets]
                if engine.package not in missing and nets_of_it:
                    for found in _timed(engine, nets_of_it, project, options):
                        yield {"repeat": repeat, "net": found.pop("net"), "engine": name, **found}


def _has(python: Path | None, package: str) -> bool:
    if python is None:
        return False
    command = [str(python), "-c", f"import importlib.util, sys; sys.exit(not importlib.util.find_spec({package!r}))"]
    return subprocess.run(command, env=environment(), check=False).returncode == 0


def _timed(engine: Engine, nets: Sequence[str], project: Path, options: Options) -> list[dict[str, Any]]:
    """Return the times of an engine for some models; none, with a message, if it cannot run."""
    python = options.frameworks if engine.package else PYTHON
    command = [str(python), str(SCRIPTS / engine.script), "--engine", engine.name, *nets]
    command += ["--quick"] * options.quick + ["--probe"] * engine.probe
    try:
        done = subprocess.run(
            command,
            cwd=project,
            env=environment(engine.env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=True,
        )
    except subprocess.TimeoutExpired:
        print(f"  {engine.script} {engine.name}, {', '.join(nets)}: not done within {LIMIT:.0f} s; left out")
        return []
    except subprocess.CalledProcessError as error:
        said = "\n".join(error.stderr.splitlines()[-15:])
        print(f"  {engine.script} {engine.name}, {', '.join(nets)}: failed, and is left out:\n{said}")
        return []
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Per engine and net: microseconds per step, and how many times those of the fastest engine of 32 bits that is."""
    medians = rows.pivot_table(index="engine", columns="net", values="us_per_step", aggfunc="median")
    lowest = rows.pivot_table(index="engine", columns="net", values="us_per_step", aggfunc="min")
    highest = rows.pivot_table(index="engine", columns="net", values="us_per_step", aggfunc="max")
    engines = [name for name in ENGINES if name in medians.index]
    best = medians.loc[[name for name in engines if not ENGINES[name].half_precision]].min()
    found = []
    for engine in engines:
        line = {"engine": engine, "n": str(rows.loc[rows["engine"] == engine, "repeat"].nunique())}
        for net in (name for name in NETS if name in medians.columns):
            middle = medians.at[engine, net]
            if pd.isna(middle):
                line[f"{net}, batch {NETS[net].batch}"] = "–"
                continue
            low, high = lowest.at[engine, net], highest.at[engine, net]
            ends = f" [{low:,.0f}, {high:,.0f}]" if low < high else ""
            line[f"{net}, batch {NETS[net].batch}"] = f"{middle:,.0f}{ends} ({middle / best[net]:.2f} x)"
        version = rows.loc[rows["engine"] == engine, "version"].iloc[-1]
        found.append(line | {"version": version})
    return pd.DataFrame(found)
