"""Forecast of the cost of a call: finished packs do not count, and each number is known or marked as a guess."""

import dataclasses
import json

import pytest
import yaml

from calotype.config import load
from calotype.config.image_paths import FIGURE_SUFFIXES
from calotype.config.paths import Layout
from calotype.planning import cost_forecast
from calotype.training import provenance
from calotype.training.smoke_test import Memory, SmokeTest

MEMORY = Memory(
    base=200.0,
    training=220.0,
    after=210.0,
    predicting=214.0,
    images_mib=1.0,
    batch_size=4,
    predicted=50,
    device="cpu",
)
SEEN = SmokeTest(parameters=1000, weights_mib=2.0, image_seconds=0.01, memory=MEMORY)
DATA = [
    {"split": "train", "images": 100, "shape": [8, 8, 1], "classes": None, "sha256": "a"},
    {"split": "test", "images": 50, "shape": [8, 8, 1], "classes": None, "sha256": "b"},
]
CODE = "code"


NET = {"model": "dots_source", "loss": "mean_squared_error", "optimizer": "adam", "epochs": 10, "batch_size": 8}


def project(root, studies=("dots",), settings=None, **changes):
    """Studies with two variants of three seeds, two in a pack; `changes` are of the first variant."""
    splits = {name: {"images": 100, "seed": seed} for seed, name in enumerate(("train", "test", "further", "held"))}
    (root / "config/studies").mkdir(parents=True, exist_ok=True)
    (root / "config/datasets.yaml").write_text(yaml.safe_dump({"dots": {"source": "dots", "splits": splits}}))
    study = {"title": "Dots", "dataset": "dots", "task": "count", "tests": ["test"]}
    for name in studies:
        content = yaml.safe_dump(study | {"variants": {"a": NET | changes, "b": NET}})
        (root / f"config/studies/{name}.yaml").write_text(content)
    settings = {"studies": [*studies], "seeds": 3, "seeds_per_job": 2} | (settings or {})
    return Layout(load.load(settings, root=root), root=root)


@pytest.fixture
def layout(tmp_path):
    return project(tmp_path)


def train(layout, variant="a", first=0, last=1, code=CODE, data=DATA):
    """Write the files of a training job."""
    recipe = layout.config.studies["dots"].variants[variant].recipe()
    identity = provenance.Origin(code, None, recipe, data).identity({"keras": "1"})
    seconds = {str(seed): 20.0 for seed in range(first, last + 1)}
    origin = {"identity": identity, "packages": {"keras": "1"}, "seconds": seconds, "peak_memory_mib": 700}
    folder = layout.root / layout.results / f"dots/{variant}/seeds-{first:03d}-{last:03d}"
    folder.mkdir(parents=True)
    (folder / "provenance.json").write_text(json.dumps(origin))


def finish(layout, *studies):
    """Write the files of the stages after training, without the report."""
    for study in studies:
        written = ("predictions/test.npz", "runs.csv", "claims.csv")
        files = [f"results/{study}/{name}" for name in written]
        files += layout.figure_outputs([study], FIGURE_SUFFIXES)
        for path in [layout.root / file for file in files]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()


def done(layout, variant="a"):
    return cost_forecast.trained(layout, "dots", variant, CODE, None, DATA)


def of(layout, variant="a", seen=SEEN):
    return cost_forecast.forecast(layout, "dots", variant, seen, done(layout, variant), DATA)


def test_packs_that_are_there_are_not_counted_again(layout):
    assert of(layout).packs == 2
    train(layout)
    row = of(layout)
    assert (row.planned, row.packs, row.seeds) == (2, 1, 1)


@pytest.mark.parametrize("other", [{"code": "other"}, {"data": [DATA[0] | {"sha256": "c"}, DATA[1]]}])
def test_packs_of_other_code_or_other_images_are_counted(layout, other):
    train(layout, **other)
    assert of(layout).packs == 2


def test_a_torn_file_of_a_pack_is_no_pack(layout):
    train(layout)
    (layout.root / "results/dots/a/seeds-000-001/provenance.json").write_text("{")
    assert of(layout).packs == 2


def test_time_and_memory_are_those_of_packs_that_ran_where_there_are_some(layout):
    train(layout)
    row = of(layout)
    assert (row.known, row.memory, row.seconds) == (True, 700, 20 + cost_forecast.START)


def test_else_they_follow_from_the_smoke_test(layout):
    row = of(layout)
    assert not row.known
    expected = 3 * (10 * 100 + 50 / 3) * 0.01 + 2 * cost_forecast.START
    assert row.seconds == pytest.approx(expected)
    images, weights = 100 * 64 * 4 / 2**20, 2 * 2.0
    steps, idle, predicting = (220 - 200 - 2) * 8 / 4, 210 - 200 - 2, 4 * 250 / 50
    assert row.memory == pytest.approx(200 + images + max(steps, idle + predicting, images + 50) + weights)


def test_disk_is_that_of_weights_predictions_and_checkpoints(layout):
    row = of(layout)
    assert row.files == pytest.approx(3 * (2 + 50 * 4 / 2**20))
    assert row.checkpoints == 3 * 4 * 2


def smoke_tested(layout, *splits, classes=None):
    """Return the forecast of the first variant without a pack, for a number of images in its splits."""
    data = [{"split": name, "images": n, "shape": [8, 8, 1], "classes": classes, "sha256": ""} for name, n in splits]
    return cost_forecast.forecast(layout, "dots", "a", SEEN, {}, data)


def test_images_that_are_held_out_are_seen_forwards_only(tmp_path):
    """Ten epochs of 75 images that are trained on and 25 that a third of the time is for; then 50 to test."""
    row = smoke_tested(project(tmp_path, validation_split=0.25), ("train", 100), ("test", 50))
    assert row.seconds == pytest.approx(3 * (10 * (75 + 25 / 3) + 50 / 3) * 0.01 + 2 * cost_forecast.START)


def test_a_validation_split_takes_time_in_each_epoch(tmp_path):
    row = smoke_tested(project(tmp_path, validation="held"), ("train", 100), ("held", 30), ("test", 50))
    assert row.seconds == pytest.approx(3 * (10 * (100 + 30 / 3) + 50 / 3) * 0.01 + 2 * cost_forecast.START)


@pytest.mark.parametrize(("limit", "tested"), [(20, 40), (50, 80), (60, 90), (None, 90)])
def test_a_variant_is_tested_on_no_more_images_than_it_asks_for(tmp_path, limit, tested):
    changes = {} if limit is None else {"test_images": limit}
    row = smoke_tested(project(tmp_path, **changes), ("train", 100), ("test", 60), ("further", 30))
    tested = min(limit or 60, 60) + min(limit or 30, 30)
    assert row.seconds == pytest.approx(3 * (10 * 100 + tested / 3) * 0.01 + 2 * cost_forecast.START)
    assert row.files == pytest.approx(3 * (2 + tested * 4 / 2**20))


def test_a_pack_of_scikit_learn_starts_without_tensorflow(classes):
    layout = Layout(classes.load(), root=classes.folder)
    data = [DATA[0] | {"classes": 3}]
    rows = [cost_forecast.forecast(layout, "clothes", variant, SEEN, {}, data) for variant in ("perceptron", "plain")]
    starts = [(row.seconds - 5 * 2 * 100 * 0.01) / row.packs for row in rows]  # five seeds of two epochs
    assert starts == pytest.approx([cost_forecast.START_SCIKIT, cost_forecast.START])
    assert cost_forecast.START_SCIKIT < cost_forecast.START / 2


def test_a_prediction_of_classes_is_a_number_for_each(tmp_path):
    row = smoke_tested(project(tmp_path), ("train", 100), ("test", 60), classes=10)
    assert row.files == pytest.approx(3 * (2 + 60 * 10 * 4 / 2**20))


def test_images_on_the_device_are_there_twice_at_the_start_and_streamed_ones_never(tmp_path):
    mib = 10_000 * 64 * 4 / 2**20
    kept, streamed = (
        smoke_tested(project(tmp_path, settings={"stream_above_mib": above}), ("train", 10_000), ("test", 60)).memory
        for above in (1e6, mib - 0.1)
    )
    assert kept == pytest.approx(200 + 2 * mib + 50 + 2 * 2.0)
    assert streamed == pytest.approx(200 + 3 * 64 + (220 - 200 - 2) * 8 / 4 + 2 * 2.0)


def test_runs_side_by_side_each_take_memory_but_share_the_imports(tmp_path):
    one = smoke_tested(project(tmp_path), ("train", 100), ("test", 60))
    two = smoke_tested(project(tmp_path, side_by_side=2), ("train", 100), ("test", 60))
    assert two.memory == pytest.approx(2 * one.memory - 200)
    assert (one.at_once, two.at_once) == (1, 2)


def test_memory_that_trainings_have_measured_themselves_replaces_the_forecast(layout):
    train(layout)
    record = layout.root / "results/benchmarks/attempts/dots/a/1.json"
    record.parent.mkdir(parents=True)
    attempt = {"name": "dots/a, seeds 0 to 1", "state": "completed", "began": 1.0, "used": {"memory_mib": 321}}
    record.write_text(json.dumps(attempt))
    assert of(layout).memory == 321


def test_times_of_runs_are_noted_for_the_choice_of_job_sizes(layout):
    cost_forecast.note_times(layout, [of(layout, "a")])
    cost_forecast.note_times(layout, [of(layout, "b")])
    found = json.loads((layout.root / layout.noted_seconds).read_text())
    assert found["dots/a"] == {"start": cost_forecast.START, "run": pytest.approx((10 * 100 + 50 / 3) * 0.01)}
    assert found.keys() == {"dots/a", "dots/b"}


def test_packs_that_ran_before_count_with_their_median_time_their_largest_memory_and_all_their_cores(tmp_path):
    layout = project(tmp_path, threads=2)
    ran = {
        (0, 1): {"seconds": {"0": 10.0, "1": 90.0}, "peak_memory_mib": 600},
        (7, 7): {"seconds": {"7": 20.0}, "peak_memory_mib": 900},
    }
    row = cost_forecast.forecast(layout, "dots", "a", SEEN, ran, DATA)
    assert (row.planned, row.packs, row.seeds) == (2, 1, 1)
    assert (row.seconds, row.memory) == (2 * 20 + cost_forecast.START, 900)


def test_the_report_is_one_of_all_studies_where_there_are_several(tmp_path):
    layout = project(tmp_path, ("dots", "more"))
    done = [dataclasses.replace(of(layout), study=study, packs=0) for study in ("dots", "more")]
    finish(layout, "dots", "more")
    assert cost_forecast.jobs(layout, done) == {"report": 1}
    (layout.root / "results/report.html").touch()
    assert not cost_forecast.jobs(layout, done)
    (layout.root / layout.figure_outputs(["more"], [".svg"])[0]).unlink()
    assert cost_forecast.jobs(layout, done) == {"figures": 1, "report": 1}


def test_a_study_with_missing_packs_is_evaluated_again_and_no_other(tmp_path):
    layout = project(tmp_path, ("dots", "more"))
    rows = [dataclasses.replace(of(layout), study=study, packs=packs) for study, packs in (("dots", 1), ("more", 0))]
    assert cost_forecast.jobs(layout, rows)["evaluate"] == 2
    finish(layout, "more")
    assert cost_forecast.jobs(layout, rows)["evaluate"] == 1
    finish(layout, "dots")
    assert cost_forecast.jobs(layout, rows)["evaluate"] == 1
    (layout.root / "results/more/runs.csv").unlink()
    assert cost_forecast.jobs(layout, rows)["evaluate"] == 2


def test_jobs_are_counted_by_stage_and_those_that_are_done_not_at_all(layout):
    rows = [of(layout, "a"), of(layout, "b")]
    found = cost_forecast.jobs(layout, rows)
    assert found["train"] == 4
    assert found["evaluate"] == found["claims"] == found["figures"] == found["report"] == 1
    assert found["predict"] == len(layout.config.studies["dots"].tests)
    assert "smoke_test" not in found
    for variant in "ab":
        train(layout, variant)
        train(layout, variant, 2, 2)
    finish(layout, "dots")
    (layout.root / "results/dots.html").touch()
    assert not cost_forecast.jobs(layout, [of(layout, "a"), of(layout, "b")])


def test_a_custom_model_has_a_smoke_test_before_its_first_pack_and_not_after(tmp_path):
    (tmp_path / "mine.py").write_text("def build(): ...")
    layout = project(tmp_path, model="mine.py:build")
    row, other = (dataclasses.replace(of(layout, "b"), variant=variant) for variant in "ab")
    assert cost_forecast.jobs(layout, [row, other])["smoke_test"] == 1
    tried = layout.root / "results/dots/a/smoke_test.json"
    tried.parent.mkdir(parents=True)
    tried.touch()
    assert cost_forecast.jobs(layout, [row])["smoke_test"] == 1
    assert "smoke_test" not in cost_forecast.jobs(layout, [dataclasses.replace(row, packs=1)])
