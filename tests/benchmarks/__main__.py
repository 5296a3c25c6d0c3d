"""Run the benchmarks: ``python tests/benchmarks``, or some: ``python tests/benchmarks paper steps``.

Raw rows go to results/<name>.csv as they come, the machine to results/<name>.json, the table to README.md.
"""

import argparse
import importlib
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# Python has put this folder first, whose files are modules of the package `benchmarks` and of nothing else: `images`
# and `slurm` would be found in place of others of these names.
sys.path[:] = [str(HERE.parent), str(HERE.parents[1] / "workflow"), *(p for p in sys.path if Path(p or ".") != HERE)]

import pandas as pd  # noqa: E402
from benchmarks.measure import STUDIES, Options, following, machine, machine_line, markdown  # noqa: E402

NAMES = ("paper", "steps", "images", "planning", "slurm")
RESULTS = HERE / "results"
README = HERE / "README.md"


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description="Measure what the workflow costs.")
    parser.add_argument("names", nargs="*", metavar="benchmark", help=f"of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--repeats", type=int, default=3, help="how often each thing is measured (default: 3)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it works; nothing is written")
    parser.add_argument(
        "--frameworks", type=Path, metavar="PYTHON", help="steps: a Python interpreter that has torch and jax"
    )
    parser.add_argument(
        "--studies",
        nargs="+",
        choices=STUDIES,
        default=STUDIES,
        metavar="STUDY",
        help=f"paper: of {', '.join(STUDIES)}",
    )
    parser.add_argument(
        "--add", action="store_true", help="add to the rows that results/ holds, of this machine and revision"
    )
    parser.add_argument("--render", action="store_true", help="measure nothing: only write README.md from results/")
    found = parser.parse_args()
    if unknown := [name for name in found.names if name not in NAMES]:
        parser.error(f"there is no benchmark {unknown[0]}; there are {', '.join(NAMES)}")
    if found.repeats < 1:
        parser.error("--repeats: at least 1")
    if found.frameworks and not os.access(found.frameworks, os.X_OK):
        parser.error(f"--frameworks: {found.frameworks} is no interpreter")
    return found


def write(path: Path, text: str) -> None:
    """Write a file whole, or not at all."""
    aside = path.with_name(f".{path.name}.new")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)


def earlier(name: str, now: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows that were measured before on this machine, for ``--add``."""
    file = RESULTS / f"{name}.json"
    if not file.exists():
        return []
    before = json.loads(file.read_text(encoding="utf-8"))
    if differing := [key for key in now if key != "load" and before.get(key) != now[key]]:
        sys.exit(f"{name}: results/ was measured with another {', '.join(differing)}; measure without --add.")
    rows = pd.read_csv(RESULTS / f"{name}.csv").to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def run(name: str, options: Options, *, add: bool) -> None:
    """Run one benchmark: print its table, and unless it was a quick one keep its rows and the machine."""
    benchmark, found = importlib.import_module(f"benchmarks.{name}"), machine()
    rows = earlier(name, found) if add and not options.quick else []
    options = replace(options, first=following(rows, options.studies if name == "paper" else STUDIES))
    print(f"== {benchmark.TITLE}", flush=True)
    with tempfile.TemporaryDirectory(prefix=f"benchmark-{name}-") as scratch:
        for row in benchmark.measure(Path(scratch), options):
            print("  " + ", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
            rows.append(row)
            if not options.quick:
                RESULTS.mkdir(exist_ok=True)
                write(RESULTS / f"{name}.csv", pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))
                write(RESULTS / f"{name}.json", json.dumps(found, indent=1) + "\n")
    if rows:
        print(f"\n{markdown(benchmark.table(pd.DataFrame(rows)))}\n\n{machine_line(found)}\n", flush=True)


def render(name: str) -> None:
    """Put the table of a benchmark, and the machine, between its marks in README.md."""
    file = RESULTS / f"{name}.csv"
    if not file.exists():
        return
    table = importlib.import_module(f"benchmarks.{name}").table(pd.read_csv(file))
    found = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    write(
        README, between_marks(README.read_text(encoding="utf-8"), name, f"{markdown(table)}\n\n{machine_line(found)}")
    )


def between_marks(text: str, name: str, content: str) -> str:
    """Replace the text between the marks of a benchmark.

    Raises:
        ValueError: the marks are missing.
    """
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise ValueError(f"{README.name} lacks `{begin}` or `{end}`.")
    return f"{before}{begin}\n{content}\n{end}{after}"


def main() -> None:
    """Run the selected benchmarks, one after the other."""
    asked = arguments()
    options = Options(
        repeats=asked.repeats,
        quick=asked.quick,
        frameworks=asked.frameworks and asked.frameworks.absolute(),
        studies=tuple(asked.studies),
    )
    for name in asked.names or NAMES:
        if not asked.render:
            run(name, options, add=asked.add)
        if not options.quick:
            render(name)


if __name__ == "__main__":
    main()
