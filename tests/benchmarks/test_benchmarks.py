"""The benchmarks still run: each is tried with tiny sizes, whose numbers mean nothing.

Those that take minutes even so run only when asked for: pytest -m soak tests/benchmarks.
"""

import importlib
import math
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from benchmarks import measure, paper, steps

HERE = Path(__file__).parent


def tried(name: str, scratch: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the raw rows and the table of a quick run; all numbers must be positive."""
    benchmark = importlib.import_module(f"benchmarks.{name}")
    rows: list[dict[str, Any]] = [*benchmark.measure(scratch, measure.Options(repeats=1, quick=True))]
    assert rows, f"{name} measured nothing"
    for row in rows:
        measured = [value for value in row.values() if isinstance(value, float) and not math.isnan(value)]
        assert all(value > 0 for value in measured), row
    assert any(isinstance(value, float) for row in rows for value in row.values())
    frame = pd.DataFrame(rows)
    table = benchmark.table(frame)
    assert len(table), f"the table of {name} is empty"
    # The README is rendered from the file, where what is empty comes back as no number.
    frame.to_csv(scratch / "rows.csv", index=False)
    assert measure.markdown(benchmark.table(pd.read_csv(scratch / "rows.csv"))) == measure.markdown(table)
    return frame, table


@pytest.mark.soak
def test_the_benchmark_of_the_paper_still_runs(tmp_path):
    rows, table = tried("paper", tmp_path)
    assert set(rows["side"]) == {"vanilla", "calotype"}
    accuracy = rows[rows["quantity"] == "test accuracy"]
    assert accuracy.groupby("side").size().to_dict() == {"vanilla": 2, "calotype": 2}
    assert (accuracy["value"] > 0.7).all()  # both train the same nets
    assert [*table["study"]] == ["digits"]


@pytest.mark.soak
def test_the_benchmark_of_steps_still_runs(tmp_path):
    rows, _ = tried("steps", tmp_path)
    assert {"Keras fit", "calotype", "TensorFlow by hand", "TensorFlow by hand, XLA"} <= set(rows["engine"])


def test_an_engine_that_computes_in_16_bits_does_not_make_the_others_look_slow():
    times = {"Keras fit": 30.0, "calotype": 10.0, "calotype, mixed_bfloat16": 5.0}
    rows = [{"repeat": 0, "net": "dots", "engine": e, "us_per_step": t, "version": "1"} for e, t in times.items()]
    cells = steps.table(pd.DataFrame(rows)).set_index("engine")["dots, batch 32"]
    assert [*cells] == ["30 (3.00 x)", "10 (1.00 x)", "5 (0.50 x)"]


@pytest.mark.slow
def test_the_benchmark_of_images_still_runs(tmp_path):
    tried("images", tmp_path)


@pytest.mark.soak
def test_the_benchmark_of_planning_still_runs(tmp_path):
    tried("planning", tmp_path)


@pytest.mark.soak
@pytest.mark.cluster
def test_the_benchmark_of_slurm_still_runs(tmp_path):
    if shutil.which("slurmctld", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        pytest.skip("Slurm is not installed")
    tried("slurm", tmp_path)


def test_the_readme_has_a_place_for_every_benchmark():
    text = (HERE / "README.md").read_text(encoding="utf-8")
    for name in ("paper", "steps", "images", "planning", "slurm"):
        assert re.search(rf"<!-- begin {name} -->\n.+\n<!-- end {name} -->", text, re.DOTALL), name


def test_the_cost_of_a_command_counts_what_its_grandchildren_took(tmp_path):
    compute = (
        "import time; kept = bytearray(80_000_000); e = time.process_time() + .6\nwhile time.process_time() < e: 0"
    )
    for _ in range(2):
        compute = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {compute!r}], check=True)"
    command = [sys.executable, "-c", compute]
    cost = measure.cost_of(command, cwd=tmp_path, log=tmp_path / "log.txt")
    assert cost.wall >= 0.6
    assert 0.6 <= cost.cpu < 0.6 + cost.wall
    assert cost.peak_mib > 80


def test_a_command_that_fails_says_its_last_words_and_leaves_nothing_running(tmp_path):
    with pytest.raises(measure.CommandError, match=r"ended with 3:\s+no such luck"):
        measure.cost_of(["sh", "-c", "echo no such luck >&2; exit 3"], cwd=tmp_path, log=tmp_path / "log.txt")


def test_a_measured_study_is_the_source_s_alone():
    for name, measured in paper.MEASURED.items():
        study = yaml.safe_load((measure.REPOSITORY / f"config/studies/{name}.yaml").read_text(encoding="utf-8"))
        kept = paper.as_the_source(study)
        assert set(study["variants"]) - set(kept["variants"]) == {"accurate"}
        assert study["dataset"] == measured.dataset
        assert measured.script(name).exists()
        assert measured.variants in ((), tuple(kept["variants"]))
        assert not any("seeds" in variant for variant in (*kept["variants"].values(), kept.get("defaults", {})))


def test_all_studies_in_one_call_are_held_against_the_loops_one_after_the_other():
    walls = {("dots", "vanilla"): 6.0, ("dots", "calotype"): 20.0, ("fashion", "vanilla"): 14.0,  # of one seed of five
             ("fashion", "calotype"): 60.0, (paper.TOGETHER, "calotype"): 50.0}  # fmt: skip
    rows = [
        {"repeat": 0, "study": study, "side": side, "variant": "", "quantity": quantity, "value": seconds}
        for (study, side), seconds in walls.items()
        for quantity in ("wall_s", "cpu_s", "peak_mib")
    ]
    table = paper.table(pd.DataFrame(rows)).set_index("study")
    assert [*table.index] == ["dots", "fashion", "all 2, one after the other", "all 2 in one call"]
    apart, whole = table.iloc[2], table.iloc[3]
    assert apart["vanilla, s"] == whole["vanilla, s"] == "100"
    assert (apart["calotype, s"], whole["calotype, s"]) == ("80", "50")
    assert (apart["ratio of s"], whole["ratio of s"]) == ("1.25", "2.00")
    assert apart["vanilla, MiB"] == whole["vanilla, MiB"] == "14"  # never two at a time


def test_loops_that_were_cut_short_are_not_summed():
    walls = {("dots", "vanilla"): 6.0, ("dots", "calotype"): 20.0, ("fashion", "calotype"): 60.0}
    rows = [
        {"repeat": 0, "study": study, "side": side, "variant": "", "quantity": "wall_s", "value": seconds}
        for (study, side), seconds in walls.items()
    ]
    table = paper.table(pd.DataFrame(rows)).set_index("study")
    assert table.loc["fashion", "vanilla, s"] == "–"
    assert table.loc["dots", "ratio of s"] == "1.50"


def test_added_repeats_are_others_than_those_that_are_there():
    rows = [{"repeat": 0, "study": "dots"}, {"repeat": 1, "study": "dots"}, {"repeat": 0, "study": "all"}]
    assert measure.following(rows, ("dots", "fashion")) == 2
    assert measure.following(rows, ("fashion",)) == 0
    assert measure.following([{"repeat": 3}, {"repeat": float("nan")}]) == 4
    assert measure.following([]) == 0
    assert [*measure.Options(repeats=2, first=4).numbers] == [4, 5]
