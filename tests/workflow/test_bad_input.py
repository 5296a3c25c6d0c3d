"""Mistakes of a user: one error that names file, key or image, and a hint; no traceback, nothing half-written."""

import hashlib
import io
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from conftest import copy_project
from handmade import encoded, png

STUDY = "config/studies/dots.yaml"
TRAINING = ("train", "train-large")


def refused(project, *arguments, targets=()):
    """Return the output of a call that Snakemake must refuse, without a traceback."""
    done = project.snakemake("--cores", "1", *targets, *arguments)
    printed = done.stdout + done.stderr
    assert done.returncode != 0, printed
    assert "Traceback" not in printed
    return printed


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "config/config.yaml",
            "seeds: 2",
            "seeds: 0\nseed: 2",
            "seed: is not a known key. Hint: did you mean",
        ),
        (
            "config/config.yaml",
            "seeds: 2",
            "seeds: 2\nseeds: 3",
            "line 7: not valid YAML: duplicate key 'seeds'",
        ),
        ("config/config.yaml", "seeds: 2", "\tseeds: 2", "config/config.yaml, line 6: not valid YAML: "),
        (STUDY, "dots_source", "dots_sorce", "model `dots_sorce` not found.\nHint: did you mean `dots_source`?"),
        ("config/datasets.yaml", "maximum: 5", "maximum: [", "config/datasets.yaml, line"),
    ],
)
def test_a_mistake_in_config_is_named_before_anything_runs(fresh, file, old, new, message):
    """One of each place where it can be seen; tests/unit has hundreds."""
    fresh.edit(file, old, new)
    assert message in refused(fresh)
    assert not (fresh.folder / "results").exists()


def test_all_mistakes_of_a_file_are_named_at_once(fresh):
    fresh.edit(STUDY, "batch_size: 32", "batch_size: 3.5")
    fresh.edit(STUDY, "epochs: 2", "epochs: 0")
    printed = refused(fresh)
    assert printed.count(f"{STUDY}: defaults.batch_size: 3.5 is not a whole number.") == 1
    assert f"{STUDY}: variants.source.epochs: 0 is not a positive whole number." in printed


def test_a_results_folder_that_cannot_be_written_is_named_before_anything_runs(fresh):
    printed = refused(fresh, "--config", "results=Snakefile/results")
    assert "results: Snakefile/results: Snakefile is not a folder." in printed
    assert "Hint: set another folder" in printed


def test_a_list_typed_without_brackets_is_answered_with_the_right_quotes(fresh):
    printed = refused(fresh, "--dry-run", "--config", "studies=dots")
    assert "command line (--config): studies: \"dots\" is not a list. Hint: --config 'studies=[dots]'" in printed


@pytest.mark.parametrize(
    ("target", "closest"),
    [("fahsion", "fashion"), ("papr", "paper"), ("results/dots/figures/seeds.pgn", "results/dots/figures/seeds.png")],
)
def test_a_mistyped_target_is_answered_with_the_closest(fresh, target, closest):
    printed = refused(fresh, target)
    assert f"target `{target}`: " in printed
    assert f"Hint: did you mean `{closest}`?" in printed
    if "/" not in target:
        assert "Targets are all, check, check_paper, cluster, digits, dots," in printed


def test_byte_code_that_a_full_disk_truncated_does_not_end_every_later_call(fresh):
    assert fresh.plan()
    files = sorted((fresh.folder / "workflow/calotype").rglob("*.pyc"))
    assert len(files) > 20
    for file in files:
        os.truncate(file, 50)
    done = fresh.snakemake("--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
    for file in files:
        assert f"{file.name}: truncated byte code" in done.stderr


@pytest.fixture
def drawn(finished):
    """Return a project whose images have been drawn but not prepared."""
    shutil.rmtree(finished.folder / "results")
    return finished


def test_broken_images_and_labels_are_named_with_the_file_and_nothing_is_prepared(drawn):
    """A mistake in each split, in one call; tests/unit/data/test_readers.py has the others."""
    raw = drawn.folder / "data/dots"
    image = raw / "test/img7.jpg"
    image.write_bytes(image.read_bytes()[:300])
    (raw / "test-large/img7.jpg").unlink()
    labels = {split: (raw / split / "labels.csv").read_text(encoding="utf-8").splitlines() for split in TRAINING}
    (raw / "train/labels.csv").write_text("\n".join(labels["train"][:-1]) + "\n", encoding="utf-8")
    labels["train-large"][3] = "3,3,17"
    (raw / "train-large/labels.csv").write_text("\n".join(labels["train-large"]) + "\n", encoding="utf-8")
    targets = [f"results/prepared/dots/{split}.npy" for split in ("test", "test-large", *TRAINING)]
    printed = " ".join(refused(drawn, "--keep-going", targets=targets).split())
    for message in (
        "data/dots/test/img7.jpg: truncated",
        "data/dots/test-large/img7.jpg: has a label, but the image is missing",
        "data/dots/train/img64.jpg: has no label",
        "data/dots/train-large/labels.csv: image 3: the count 17 is not in 0..5",
    ):
        assert message in printed
    assert not list((drawn.folder / "results").rglob("*.npy"))
    assert not list((drawn.folder / "results").rglob("*.partial*"))


@pytest.mark.slow
def test_a_model_function_that_fails_says_so_and_leaves_no_pack(finished):
    (finished.folder / "mine.py").write_text("def net(shape, outputs):\n    return 5\n", encoding="utf-8")
    study = finished.study()
    study["variants"] = {"mine": study["variants"]["source"] | {"model": "mine.py:net", "seeds": 1}}
    study["claims"] = []
    finished.write_study(study)
    printed = refused(finished)
    assert "model: mine.py:net: must return a Keras model, not int." in printed
    assert not (finished.folder / "results/dots/mine/seeds-000-000/models").exists()


def test_two_variants_with_one_name_are_refused(fresh):
    text = (fresh.folder / STUDY).read_text(encoding="utf-8")
    doubled = text.replace("  accurate:", "  source:")
    assert doubled != text
    (fresh.folder / STUDY).write_text(doubled, encoding="utf-8")
    assert "duplicate key 'source'" in refused(fresh)
    assert yaml.safe_load(text)


# ---- Images of the user's own ----------------------------------------------------------------------------------------

HOSTILE = ["$(touch hacked)", "`touch hacked`", "; touch hacked;", "a'b\"c", "-rf", "{wildcards.dataset}", "叶 子"]
PIXELS = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), np.uint8)


class Burglar:
    """Object that writes a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("hacked"),)


def images(folder: Path) -> None:
    """Images of two classes, which have names that a shell would take for commands."""
    for label, name in enumerate(HOSTILE[:2]):
        (folder / name).mkdir(parents=True)
        for i, stem in enumerate(HOSTILE):
            (folder / name / f"{stem}.png").write_bytes(png(PIXELS[7 * label + i]))


def write(name: str, content: bytes):
    return lambda folder: (folder / HOSTILE[0] / name).write_bytes(content)


def escape(folder: Path) -> None:
    (folder / HOSTILE[0] / "link.png").symlink_to("/etc/hostname")


def both_sides(folder: Path) -> None:
    for i, path in enumerate(sorted(folder.rglob("*.png"))):
        path.write_bytes(png(PIXELS[i % 2]))


def table(text: str):
    def spoil(folder: Path) -> None:
        for i in range(2):
            (folder / f"{i}.png").write_bytes(png(PIXELS[i]))
        for name in HOSTILE[:2]:
            shutil.rmtree(folder / name)
        (folder / "labels.csv").write_text(text, encoding="utf-8")

    return spoil


TABLE: dict[str, Any] = {"table": {"file": "labels.csv"}, "labels": "numbers", "classes": []}
# Each: the change of the images, further keys of the entry, and the expected output.
BROKEN: dict[str, tuple[Any, dict[str, Any], tuple[str, ...]]] = {
    "cut": (
        write("cut.jpg", encoded(PIXELS[20], "JPEG")[:-100]),
        {},
        ("cut: 1 image(s) cannot be used:", "$(touch hacked)/cut.jpg: truncated or damaged", "Hint: restore it"),
    ),
    "bomb": (
        write("bomb.png", png(PIXELS[20], claims=(60_000, 60_000))),
        {},
        ("$(touch hacked)/bomb.png: its header claims more than 100,000,000 px", "Hint: scale it down"),
    ),
    "pipe": (
        lambda folder: os.mkfifo(folder / HOSTILE[0] / "pipe.png"),
        {},
        ("$(touch hacked)/pipe.png: not a file, but a pipe, a socket or a device", "Hint: move it away"),
    ),
    "escape": (escape, {}, ("link.png: a link to /etc/hostname, outside escape", "Hint: copy the image")),
    "both": (both_sides, {}, ("have the same pixels as one of another split", "duplicates: allow")),
    "above": (
        table("image,label\n0.png,1\n../secret.png,2\n"),
        TABLE,
        ("above/labels.csv:", "line 3: '../secret.png' is not in above"),
    ),
    "words": (
        table("image,label\n0.png,1\n1.png,$(touch hacked)\n"),
        TABLE,
        ("1.png: '$(touch hacked)' is not a number",),
    ),
    "sizes": (
        write("small.png", png(PIXELS[20, :4])),
        {"splits": {"train": {"share": 1.0}}},
        ("8 x 4 px (3 channels)", "Hint: end `prepare` with `resize`"),
    ),
}


def test_every_broken_dataset_is_named_and_a_right_one_is_prepared_beside_them(tmp_path):
    """One call that continues, as a night's run meets them."""
    project = copy_project(tmp_path / "project")
    entry = {
        "source": "images",
        "classes": HOSTILE[:2],
        "splits": {"train": {"share": 0.5}, "test": {"share": 0.5}},
        "prepare": ["scale"],
    }
    datasets = yaml.safe_load((project.folder / "config/datasets.yaml").read_text(encoding="utf-8"))
    for name, (spoil, keys, _) in {**BROKEN, "right": (lambda _: None, {}, ())}.items():
        images(project.folder / name)
        spoil(project.folder / name)
        datasets[name] = entry | {"folder": name} | keys
    buffer = io.BytesIO()
    np.savez(buffer, x=np.array([Burglar()] * 4, object), y=np.arange(4) % 2)
    (project.folder / "mine").mkdir()
    (project.folder / "mine/pickled.npz").write_bytes(buffer.getvalue())
    files = {"pickled.npz": hashlib.sha256(buffer.getvalue()).hexdigest()}
    datasets["pickled"] = {
        "source": "npz",
        "fetch": {"files": files, "sources": [{"folder": "mine"}]},
        "classes": ["a", "b"],
        "splits": {"train": {"file": "pickled.npz", "images": "x", "labels": "y"}},
    }
    (project.folder / "config/datasets.yaml").write_text(yaml.safe_dump(datasets, sort_keys=False), encoding="utf-8")
    targets = [f"results/prepared/{name}/train.npy" for name in (*BROKEN, "pickled", "right")]
    printed = refused(project, "--keep-going", targets=targets)
    for name, (_, _, parts) in BROKEN.items():
        logs = [path for path in (project.folder / "results/logs").rglob("*.log") if name in str(path)]
        log = "".join(path.read_text(encoding="utf-8") for path in logs)
        for part in parts:
            assert " ".join(part.split()) in " ".join(printed.split()), f"{name}: {part}"
            assert part in log, f"{name}: {part}"
    assert "`x` holds Python objects, which are never read" in printed
    made = {path.parent.name for path in (project.folder / "results").rglob("*.npy")}
    assert made == {"right"}
    assert len(np.load(project.folder / targets[-1])) == len(HOSTILE)
    assert not [*project.folder.rglob("*.partial*"), *tmp_path.rglob("hacked*")]


# ---- Commands in names -----------------------------------------------------------------------------------------------


def test_a_study_of_images_with_commands_for_names_runs_none_of_them(fresh, tmp_path):
    images(fresh.folder / "x; touch hacked")
    printed = fresh.run("new_study", "--config", "name=leaves", "images=x; touch hacked")
    assert "leaves: 14 images in x; touch hacked" in printed
    written = yaml.safe_load((fresh.folder / "config/datasets.yaml").read_text(encoding="utf-8"))["leaves"]
    assert sorted(written["classes"]) == sorted(HOSTILE[:2])
    fresh.run("results/prepared/leaves/train.npy")
    assert not [*tmp_path.rglob("hacked*")]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("name", "x; touch hacked", "name: `x; touch hacked` cannot be the name of a study."),
        ("results", "out`touch hacked`", "results: 'out`touch hacked`' is not a plain path"),
    ],
)
def test_a_command_on_the_command_line_is_refused_before_it_could_reach_a_job(fresh, tmp_path, key, value, message):
    images(fresh.folder / "leaves")
    given = {"name": "leaves", "images": "leaves"} | {key: value}
    arguments = [f"{name}={text}" for name, text in given.items()]
    assert message in " ".join(refused(fresh, "--config", *arguments, targets=["new_study"]).split())
    assert not [*tmp_path.rglob("hacked*"), *fresh.folder.glob("results/prepared")]


def test_a_cluster_run_is_refused_for_a_name_that_is_a_command(fresh, tmp_path):
    datasets = yaml.safe_load((fresh.folder / "config/datasets.yaml").read_text(encoding="utf-8"))
    datasets["$(touch hacked)"] = datasets["dots"]
    (fresh.folder / "config/datasets.yaml").write_text(yaml.safe_dump(datasets), encoding="utf-8")
    study = fresh.folder / STUDY
    shutil.copy(study, study.with_name("a; touch hacked.yaml"))
    done = fresh.snakemake("--profile", "slurm", "--dry-run", "--config", "studies=['a; touch hacked']")
    printed = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "Traceback" not in printed
    assert 'studies.0: "a; touch hacked" is not a plain name (letters, digits, - and _).' in printed
    done = fresh.snakemake("--profile", "slurm", "--dry-run")
    printed = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "config/datasets.yaml: '$(touch hacked)' is not a plain name" in printed
    assert not [*tmp_path.rglob("hacked*")]
