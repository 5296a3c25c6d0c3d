"""Studies that classify fetched images, from the files to the report; a small Fashion-MNIST is made of digits."""

import csv
import hashlib
import shutil
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from conftest import REPOSITORY, Project, copy_project, figure_names
from sklearn.datasets import load_digits

DATASET = "fashion-mnist"
SPLITS = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", slice(0, 300)),
          "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", slice(300, 420))}  # fmt: skip


def write_idx(folder: Path) -> dict[str, str]:
    """Write digits of 28 x 28 px as four IDX files; gives their checksums."""
    digits = load_digits()
    images = np.stack([cv2.resize(image * 15, (28, 28)) for image in digits.images[:420]]).astype(np.uint8)
    labels = digits.target[:420].astype(np.uint8)
    folder.mkdir(parents=True)
    checksums = {}
    for image_file, label_file, part in SPLITS.values():
        for name, array in ((image_file, images[part]), (label_file, labels[part])):
            content = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
            (folder / name).write_bytes(content)
            checksums[name] = hashlib.sha256(content).hexdigest()
    return checksums


def small_fashion(folder: Path) -> Project:
    """Return the project with small files in a user's folder, and few epochs."""
    project = copy_project(folder)
    checksums = write_idx(folder / "mine")
    datasets = yaml.safe_load((folder / "config/datasets.yaml").read_text(encoding="utf-8"))
    datasets[DATASET]["fetch"] = {"files": checksums, "sources": [{"folder": "nowhere"}]}
    (folder / "config/datasets.yaml").write_text(yaml.safe_dump(datasets, sort_keys=False), encoding="utf-8")
    file = folder / "config/studies/fashion.yaml"
    study = yaml.safe_load(file.read_text(encoding="utf-8"))
    study["example"] = 66
    for variant in study["variants"].values():
        variant |= {"epochs": 2, "batch_size": 32, "seeds": 2}
    accurate = study["variants"]["accurate"]  # tests/unit/training/test_accurate.py has its net as it is
    accurate["seeds"] = 1
    accurate["model_arguments"]["blocks"] = [[8, 2, 5], [16, 1, 3, "pool"], [16, 1, 3, "residual"]]
    file.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    project.edit("config/config.yaml", "results: results", "local_data: mine\nresults: results")
    return project


@pytest.fixture(scope="module")
def printed_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run the small study by its name; tests must not change it."""
    project = small_fashion(tmp_path_factory.mktemp("paper") / "project")
    (project.folder / "printed.txt").write_text(project.run("fashion"), encoding="utf-8")
    return project


@pytest.fixture
def printed(printed_once, tmp_path):
    """Return a copy of the finished small study that a test may edit."""
    shutil.copytree(printed_once.folder, tmp_path / "project")
    return Project(tmp_path / "project")


def rows(file: Path) -> list[dict[str, str]]:
    """Return the lines of a CSV file."""
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_one_study_can_be_asked_for_by_name_and_says_what_it_found(printed_once):
    text = (printed_once.folder / "printed.txt").read_text(encoding="utf-8")
    assert "Report: results/fashion.html" in text
    assert "claimed: parameters 804,554 (source); measured: 804,554; agrees" in text
    assert not (printed_once.folder / "results/dots").exists()
    assert printed_once.plan("fashion") == {}


def test_a_paper_with_stale_numbers_is_found_before_it_is_sent(printed):
    """The check reads results, and computes none."""
    paper = printed.folder / "paper.tex"
    paper.write_text(r"\calotype{fashion/source/parameters} \calotype{fashion/sauce/parameters}", encoding="utf-8")
    stale = printed.snakemake("--cores", "1", "check_paper", "--config", "manuscript=paper.tex")
    assert stale.returncode != 0
    assert "paper.tex:1: no number `fashion/sauce/parameters`. Hint: did you mean" in stale.stdout + stale.stderr
    paper.write_text(r"\calotype{fashion/source/parameters}", encoding="utf-8")
    text = printed.run("check_paper", "--config", "manuscript=paper.tex")
    assert "1 of 1 macros have a number" in text
    assert "train" not in text


def test_every_figure_of_a_study_that_classifies_comes_as_pdf_svg_and_png(printed_once):
    folder = printed_once.folder / "results/fashion/figures"
    figures = figure_names("classify", ["source", "accurate"], ["example", "feature_maps"])
    assert sorted(str(file.relative_to(folder).with_suffix("")) for file in folder.rglob("*.svg")) == figures
    for figure in figures:
        for suffix, start in ((".pdf", b"%PDF"), (".svg", b"<?xml"), (".png", b"\x89PNG")):
            assert (folder / f"{figure}{suffix}").read_bytes().startswith(start)


def test_the_claims_table_holds_every_claim_with_its_measurement(printed_once):
    claims = rows(printed_once.folder / "results/fashion/claims.csv")
    study = yaml.safe_load((printed_once.folder / "config/studies/fashion.yaml").read_text(encoding="utf-8"))
    assert [claim["quote"] for claim in claims] == [claim["quote"] for claim in study["claims"]]
    runs = rows(printed_once.folder / "results/fashion/runs.csv")
    for claim in claims:
        assert claim["verdict"] in ("agrees", "agrees (weak)", "differs", "open")
        if claim["metric"] == "parameters":
            assert claim["mean"] == claim["number"]
            continue
        values = [float(row["value"]) for row in runs
                  if row["variant"] == claim["variant"] and row["metric"] == claim["metric"]]  # fmt: skip
        assert len(values) == int(claim["n"]) == 2
        assert float(claim["mean"]) == pytest.approx(np.mean(values))


def test_the_report_names_the_classes_and_the_layers(printed_once):
    page = (printed_once.folder / "results/fashion.html").read_text(encoding="utf-8")
    for expected in ("Ankle boot", "MaxPooling2D", "804,554", "val_accuracy"):
        assert expected in page


def test_prepared_images_keep_the_numbers_that_the_source_counts_them_by(printed_once):
    array = np.load(printed_once.folder / f"results/prepared/{DATASET}/test.npy", mmap_mode="r")
    assert array["id"].tolist() == list(range(120))
    assert array["image"].shape == (120, 28, 28, 1)
    assert 0 <= array["image"].min() <= array["image"].max() <= 1


def test_probabilities_of_every_class_are_kept(printed_once):
    found = np.load(printed_once.folder / "results/fashion/predictions/test.npz")["variant/source"]
    assert found.shape == (2, 120, 10)
    assert np.allclose(found.sum(axis=-1), 1, atol=1e-5)


def test_names_of_classes_and_the_example_train_nothing(printed):
    printed.edit("config/datasets.yaml", "Ankle boot", "Boot")
    printed.edit("config/studies/fashion.yaml", "example: 66", "example: 67")
    plan = printed.plan("fashion")
    assert not plan.keys() & {"fetch_dataset", "prepare", "train", "evaluate"}
    assert plan["figures_classify_example_feature_maps"] == 1


def test_another_mirror_fetches_nothing_again(printed):
    printed.edit("config/datasets.yaml", "folder: nowhere", "folder: elsewhere")
    assert printed.plan("fashion").keys() <= {"report", "fashion"}  # the report gives the source


def test_another_held_out_part_trains_again_and_fetches_nothing(printed):
    printed.edit("config/studies/fashion.yaml", "validation_split: 0.1", "validation_split: 0.2")
    plan = printed.plan("fashion")
    assert plan["train"] >= 1
    assert not plan.keys() & {"fetch_dataset", "prepare"}


def test_a_file_that_was_changed_after_it_was_fetched_is_not_used(printed):
    file = printed.folder / f"data/{DATASET}/t10k-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:-1] + b"\x07")
    manifest = f"results/prepared/{DATASET}/test.json"
    (printed.folder / manifest).unlink()
    done = printed.snakemake("--cores", "1", manifest)
    text = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "t10k-images-idx3-ubyte: its SHA-256 is not the one in datasets.yaml" in text
    assert "Traceback" not in text


def test_files_stay_when_a_later_fetch_fails(printed):
    for file in (printed.folder / "mine").iterdir():
        file.unlink()
    label = printed.folder / f"data/{DATASET}/t10k-labels-idx1-ubyte"
    before = label.read_bytes()
    printed.edit("config/datasets.yaml", hashlib.sha256(before).hexdigest(), "f" * 64)
    done = printed.snakemake("--cores", "1", "fashion")
    assert "t10k-labels-idx1-ubyte" in done.stdout + done.stderr
    assert done.returncode != 0
    assert label.read_bytes() == before
    assert len(list(label.parent.glob("*ubyte"))) == 4


def test_results_elsewhere_fetch_nothing_again(printed):
    assert "fetch_dataset" not in printed.plan("fashion", "--config", "results=other")


def test_a_fix_in_the_code_that_fetches_fetches_nothing_again(printed):
    printed.edit(
        "workflow/calotype/fetch/fetch.py", "from calotype.util.errors", "import calotype\nfrom calotype.util.errors"
    )
    assert "fetch_dataset" not in printed.plan("fashion")


def test_another_checksum_fetches_again(printed):
    checksum = hashlib.sha256((printed.folder / "mine/t10k-labels-idx1-ubyte").read_bytes()).hexdigest()
    printed.edit("config/datasets.yaml", checksum, "f" * 64)
    assert printed.plan("fashion")["fetch_dataset"] == 1


def test_a_wrong_file_is_not_used_and_the_message_says_what_was_tried_and_what_to_do(tmp_path):
    project = small_fashion(tmp_path / "project")
    file = project.folder / "mine/t10k-labels-idx1-ubyte"
    file.write_bytes(file.read_bytes()[:-1] + b"\x0b")
    done = project.snakemake("--cores", "1", "fashion")
    text = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "Traceback" not in text
    for expected in ("t10k-labels-idx1-ubyte", "mine", "nowhere", "CALOTYPE_DATA", "local_data"):
        assert expected in text
    assert not (project.folder / f"data/{DATASET}").exists()


def test_fetch_brings_every_dataset_before_jobs_on_machines_without_internet(tmp_path):
    project = small_fashion(tmp_path / "project")
    datasets = yaml.safe_load((project.folder / "config/datasets.yaml").read_text(encoding="utf-8"))
    del datasets["mnist"]  # this one would come from the network
    (project.folder / "config/datasets.yaml").write_text(yaml.safe_dump(datasets, sort_keys=False), encoding="utf-8")
    for study in ("mnist-dnn", "mnist-ablation"):
        (project.folder / f"config/studies/{study}.yaml").unlink()
    project.edit("config/config.yaml", "paper: [dots, digits, mnist-dnn, mnist-ablation, fashion]", "paper: [fashion]")
    project.run("fetch")
    assert (project.folder / "data/digits/digits.csv").is_file()
    assert len(list((project.folder / f"data/{DATASET}").glob("*ubyte"))) == 4
    assert "fetch_dataset" not in project.plan("paper")


def test_the_paper_holds_all_five_studies(fresh):
    paper = fresh.plan("paper")
    assert paper["evaluate"] == paper["claims"] == 5


def test_the_default_call_stays_small():
    settings = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text(encoding="utf-8"))
    assert settings["studies"] == ["dots", "digits"]
    assert set(settings["studies"]) < set(settings["paper"])


def test_local_files_may_be_named_by_the_environment(tmp_path, monkeypatch):
    project = small_fashion(tmp_path / "project")
    project.edit("config/config.yaml", "local_data: mine\n", "")
    monkeypatch.setenv("CALOTYPE_DATA", str(project.folder / "mine"))
    project.run(f"data/{DATASET}/SHA256SUMS")
    assert len(list((project.folder / f"data/{DATASET}").glob("*ubyte"))) == 4


def test_a_study_that_is_called_like_a_rule_is_refused_with_what_to_do(fresh):
    shutil.copy(fresh.folder / "config/studies/dots.yaml", fresh.folder / "config/studies/train.yaml")
    done = fresh.snakemake("--dry-run")
    assert done.returncode != 0
    assert "config/studies/train.yaml: `train` is the name of a rule" in done.stdout + done.stderr


def test_a_study_that_is_being_written_is_in_nobodys_way_until_it_is_asked_for(fresh):
    (fresh.folder / "config/studies/draft.yaml").write_text("title: 5\n", encoding="utf-8")
    (fresh.folder / "config/studies/.#dots.yaml").write_text("", encoding="utf-8")
    assert fresh.plan()["evaluate"] == 1
    done = fresh.snakemake("--dry-run", "draft")
    assert done.returncode != 0
    assert "config/studies/draft.yaml: title: 5 is not text" in done.stdout + done.stderr


def test_a_paper_without_studies_says_so(fresh):
    fresh.edit("config/config.yaml", "paper: [dots, digits, mnist-dnn, mnist-ablation, fashion]", "paper: []")
    done = fresh.snakemake("--dry-run", "paper")
    assert done.returncode != 0
    assert "paper: no study found" in done.stdout + done.stderr


@pytest.mark.slow
def test_a_classify_study_has_the_same_bytes_whatever_the_pack_size(printed_once, printed):
    """Every table and figure depends on these bytes; test_run.py checks a study that counts."""
    source = "results/fashion/source"
    shutil.rmtree(printed.folder / "results/fashion")
    alone, together = printed.folder / source / "seeds-001-001", printed_once.folder / source / "seeds-000-001"
    printed.run(f"{source}/seeds-001-001/history.csv", "--config", "seeds_per_job=1")
    assert printed.trainings("fashion", "--config", "seeds_per_job=1") == ["fashion/accurate 0-0", "fashion/source 0-0"]
    weights = "models/seed-001.weights.h5"
    assert (alone / weights).read_bytes() == (together / weights).read_bytes()
    for name in ("models/architecture.json", "layers.csv"):
        assert (alone / name).read_bytes() == (together / name).read_bytes()
    history = [row for row in rows(together / "history.csv") if row["seed"] == "1"]
    assert history
    assert rows(alone / "history.csv") == history
    with np.load(alone / "predictions/test.npz") as one, np.load(together / "predictions/test.npz") as two:
        assert one["array/1"].tobytes() == two["array/1"].tobytes()


@pytest.mark.slow
def test_keras_and_scikit_learn_are_compared_in_the_digits_study(fresh):
    file = fresh.folder / "config/studies/digits.yaml"
    study = yaml.safe_load(file.read_text(encoding="utf-8"))
    study["defaults"] |= {"seeds": 3, "epochs": 5}
    study["variants"] = {key: study["variants"][key] for key in ("source", "scikit-learn")}
    file.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    fresh.run("results/digits/claims.csv")
    summary = rows(fresh.folder / "results/digits/summary.csv")
    found = {(row["variant"], row["n"]) for row in summary if (row["split"], row["metric"]) == ("test", "accuracy")}
    assert found == {("source", "3"), ("scikit-learn", "3")}
    (similar,) = (row for row in rows(fresh.folder / "results/digits/claims.csv") if row["kind"] == "similar_to")
    assert (similar["variant"], similar["other"], similar["metric"]) == ("source", "scikit-learn", "accuracy")
    assert similar["verdict"] in ("agrees", "agrees (weak)", "differs")
