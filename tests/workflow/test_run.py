"""From nothing to the report, as a newcomer calls it, in a small size."""

import csv
import re
import shutil
import sys

import numpy as np
import pytest
import yaml
from conftest import figure_names


def test_a_run_ends_with_what_it_found_and_where_to_look(finished_once):
    printed = (finished_once.folder / "printed.txt").read_text(encoding="utf-8")
    assert "Report: results/report.html" in printed
    assert re.search(r"The source's net +test +exact count .* %", printed)
    assert "claimed: exact count 90 % on test" in printed


@pytest.mark.slow
def test_no_core_waits_for_a_long_training_that_begins_last_or_for_images_that_are_prepared_late(fresh):
    file = fresh.folder / "config/studies/digits.yaml"
    study = yaml.safe_load(file.read_text(encoding="utf-8"))
    net = study["variants"]["scikit-learn"] | {"epochs": 4, "seeds": 1}
    deep = study["variants"]["accurate"] | {"epochs": 1, "seeds": 1}
    study["variants"] = {"a-short": net, "b-long": net | {"seeds": 3}, "c-middle": net | {"epochs": 9}, "d-deep": deep}
    study |= {"claims": [], "compare": "consecutive"}
    file.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    packs = ["a-short/seeds-000-000", "b-long/seeds-000-002", "c-middle/seeds-000-000", "d-deep/seeds-000-000"]
    trained = [f"results/digits/{pack}/provenance.json" for pack in packs]
    fresh.run("--cores", "1", *trained, "results/prepared/dots/test.json")
    (log,) = (fresh.folder / ".snakemake/log").iterdir()
    begun = re.findall(r"(?:Preparing|Training) ([\w/-]+)", log.read_text(encoding="utf-8"))
    assert begun[-4:] == ["digits/b-long", "digits/d-deep", "digits/c-middle", "digits/a-short"]
    assert sorted(begun[:-4]) == ["digits/train", "dots/test"]


def test_every_figure_comes_as_pdf_svg_and_png(finished_once):
    folder = finished_once.folder / "results/dots/figures"
    figures = figure_names("count", ["source", "accurate"])
    assert sorted(str(file.relative_to(folder).with_suffix("")) for file in folder.rglob("*.svg")) == figures
    for figure in figures:
        for suffix, start in ((".pdf", b"%PDF"), (".svg", b"<?xml"), (".png", b"\x89PNG")):
            assert (folder / f"{figure}{suffix}").read_bytes().startswith(start)


def test_every_table_has_its_columns_and_rows(finished_once):
    results = finished_once.folder / "results/dots"

    def read(name):
        with (results / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    runs = read("runs.csv")
    assert list(runs[0]) == ["study", "variant", "seed", "split", "metric", "value"]
    assert {(row["variant"], row["seed"]) for row in runs} == {("source", "0"), ("source", "1"), ("accurate", "0")}
    summary = read("summary.csv")
    numbers = ["mean", "low", "high", "n", "diverged", "t", "standard_error", "independent_images"]
    assert list(summary[0]) == ["study", "variant", "split", "metric", *numbers]
    assert {row["n"] for row in summary if row["variant"] == "source"} == {"2"}
    confusion = read("confusion.csv")
    single = [int(row["images"]) for row in confusion if row["split"] == "test" and row["seed"] != "all"]
    pooled = [int(row["images"]) for row in confusion if row["split"] == "test" and row["seed"] == "all"]
    assert sum(single) == sum(pooled) == 60 * 3
    assert r"\toprule" in (results / "summary.tex").read_text(encoding="utf-8")


def test_a_pack_holds_models_and_provenance_and_a_study_its_predictions(finished_once):
    pack = finished_once.folder / "results/dots/source/seeds-000-001"
    assert sorted(file.name for file in (pack / "models").iterdir() if not file.name.startswith(".")) == [
        "architecture.json",
        "seed-000.weights.h5",
        "seed-001.weights.h5",
    ]
    for split, images in (("test", 60), ("test-large", 120)):
        with np.load(finished_once.folder / f"results/dots/predictions/{split}.npz") as predictions:
            assert predictions["variant/source"].shape == (2, images)
    assert '"digest"' in (pack / "provenance.json").read_text(encoding="utf-8")


def test_prepared_arrays_can_be_memory_mapped_with_labels_and_ids(finished_once):
    array = np.load(finished_once.folder / "results/prepared/dots/test.npy", mmap_mode="r")
    assert array["image"].shape == (60, 40, 40, 1)
    assert array["image"].dtype == np.float32
    assert array["id"].tolist() == list(range(1, 61))
    assert set(array["label"].tolist()) <= set(range(6))


@pytest.mark.slow
def test_the_same_config_gives_the_same_bytes_whatever_the_pack_size(finished_once, finished):
    """tests/cluster computes the images, and the variant with a single pack, again."""
    for path in (finished.folder / "results/dots").iterdir():
        if path.is_file():
            path.unlink()
        elif path.name != "accurate":
            shutil.rmtree(path)
    names = ["summary.tex", "claims.tex", "figures/seeds.pdf"]
    finished.run(*[f"results/dots/{name}" for name in names], "--config", "seeds_per_job=1")
    first, second = finished_once.digests(), finished.digests()
    one_pack = "results/dots/source/seeds-000-001/"
    several_packs = ("results/dots/source/seeds-000-000/", "results/dots/source/seeds-001-001/")
    same = {name: digest for name, digest in second.items() if not name.startswith(several_packs)}
    assert len(same) > 25
    assert {name: first.get(name) for name in same} == same
    for seed in (0, 1):
        weights = f"models/seed-{seed:03d}.weights.h5"
        assert first[one_pack + weights] == second[f"results/dots/source/seeds-{seed:03d}-{seed:03d}/{weights}"]


@pytest.mark.slow
def test_more_seeds_leave_the_old_ones_untouched_and_count_in_the_tables(finished):
    before = finished.digests()
    table = "results/dots/summary.csv"  # without the figures, which take longer than the training
    finished.run(table, "--config", "seeds=3")
    after = finished.digests()
    old = {name: digest for name, digest in before.items() if "/seeds-" in name}
    assert old
    assert {name: after[name] for name in old} == old
    assert any("source/seeds-002-002" in name for name in after)
    with (finished.folder / table).open(encoding="utf-8", newline="") as file:
        assert {row["n"] for row in csv.DictReader(file) if row["variant"] == "source"} == {"3"}
    assert finished.plan(table, "--config", "seeds=3") == {}


def test_a_plan_needs_no_slurm_and_runs_nothing(fresh, tmp_path):
    bare = tmp_path / "bin"
    bare.mkdir()
    for tool in ("python3", "bash", "env", "git", "which"):
        (bare / tool).symlink_to(sys.executable if tool == "python3" else str(shutil.which(tool)))
    done = fresh.snakemake("--profile", "slurm", "--dry-run", variables={"PATH": str(bare)})
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    assert "train" in printed
    assert not (fresh.folder / "results").exists()
    assert not (fresh.folder / "data").exists()


def test_a_model_that_uses_no_gpu_is_a_job_of_the_rule_without_one(fresh):
    plan = fresh.plan("digits")
    assert (plan["train"], plan["train_on_cpu"], plan["predict"]) == (2, 1, 1)
    file = fresh.folder / "config/studies/digits.yaml"
    study = yaml.safe_load(file.read_text(encoding="utf-8"))
    study |= {"variants": {"scikit-learn": study["variants"]["scikit-learn"]}, "claims": [], "compare": "consecutive"}
    file.write_text(yaml.safe_dump(study), encoding="utf-8")
    plan = fresh.plan("digits")
    assert (plan["train_on_cpu"], plan["predict_on_cpu"]) == (1, 1)
    assert not plan.keys() & {"train", "predict"}


def test_a_second_gpu_is_refused_before_a_job_is_sent(fresh):
    fresh.edit("slurm/config.yaml", "gres: gpu:1", "gres: gpu:2")
    done = fresh.snakemake("--profile", "slurm")
    assert done.returncode != 0
    assert "error: profile: set-resources.find_gpu.gres: gpu:2: asks for 2 GPUs for a job" in done.stdout + done.stderr
    assert not (fresh.folder / "results").exists()


@pytest.mark.slow
def test_snakemakes_own_report_has_captions_categories_and_labels(finished, tmp_path):
    page = tmp_path / "report.html"
    finished.run("--report", str(page))
    text = page.read_text(encoding="utf-8")
    for expected in ("Training curves", "Measured against claimed", "fifty test images"):
        assert expected in text
    for what in ("Contact sheet", "Confusion", "Errors"):
        for variant in ("source", "accurate"):
            assert f'{{"content": "{what}", "variant": "{variant}"}}' in text
    for group in ("Tables", "Figures", "Figures of each variant"):
        assert f'"{group}"' in text
    caption = (
        r"Study \u003ctt class=\"docutils literal\">dots\u003c/tt>, variant \u003ctt class=\"docutils literal\">source"
    )
    assert caption in text, "a caption names its study and its variant"
