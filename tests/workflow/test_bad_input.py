"""Mistakes of a user: one error that names file, key or image, and a hint; no traceback, nothing half-written."""

import shutil

import pytest
import yaml

STUDY = "config/studies/dots.yaml"


def refused(project, *arguments, targets=()):
    """What Snakemake prints when it refuses; nothing may have been made."""
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
            "seed: 2",
            "config.yaml: seed: is not a known key. Hint: did you mean `seeds`?",
        ),
        (
            "config/config.yaml",
            "[dots]",
            "[dot]",
            "no study `dot` (config/studies/dot.yaml).\nHint: did you mean `dots`?",
        ),
        (STUDY, "dots_source", "dots_sorce", "models.py has no function `dots_sorce`."),
        (STUDY, "dataset: dots", "dataset: dot", f"{STUDY}: dataset: `dot` is not in config/datasets.yaml."),
        ("config/datasets.yaml", "maximum: 5", "maximum: [", "config/datasets.yaml, line"),
    ],
)
def test_a_mistake_in_config_is_named_before_anything_runs(fresh, file, old, new, message):
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
    assert "Hint: name another folder" in printed


@pytest.fixture
def drawn(finished):
    """A project whose test images have been drawn, and not yet prepared."""
    shutil.rmtree(finished.folder / "results")
    return finished


TARGET = "results/prepared/dots/test.npy"


def prepared_refused(project):
    printed = refused(project, targets=[TARGET])
    assert not (project.folder / TARGET).exists()
    assert not list((project.folder / "results").rglob("*.partial*"))
    return printed


def test_a_truncated_image_is_named(drawn):
    image = drawn.folder / "data/dots/test/img7.jpg"
    image.write_bytes(image.read_bytes()[:300])
    assert "data/dots/test/img7.jpg: truncated" in prepared_refused(drawn)


def test_a_missing_image_is_named(drawn):
    (drawn.folder / "data/dots/test/img7.jpg").unlink()
    assert "img7.jpg: has a label, but there is no such image" in prepared_refused(drawn)


def test_an_image_without_label_is_named(drawn):
    labels = drawn.folder / "data/dots/test/labels.csv"
    labels.write_text("".join(labels.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    assert "img60.jpg: has no label" in prepared_refused(drawn)


def test_a_label_out_of_range_is_named(drawn):
    labels = drawn.folder / "data/dots/test/labels.csv"
    lines = labels.read_text(encoding="utf-8").splitlines()
    lines[3] = "3,3,17"
    labels.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert "image 3: the count 17 is not in 0..5" in prepared_refused(drawn)


@pytest.mark.slow
def test_a_model_function_that_fails_says_so_and_leaves_no_pack(finished):
    (finished.folder / "mine.py").write_text("def net(shape, outputs):\n    return 5\n", encoding="utf-8")
    study = finished.study()
    study["variants"] = {"mine": study["variants"]["source"] | {"model": "mine.py:net", "seeds": 1}}
    study["claims"] = []
    finished.write_study(study)
    printed = refused(finished)
    assert "model: mine.py:net: returned int, not a Keras model." in printed
    assert not (finished.folder / "results/dots/mine/seeds-000-000/models").exists()


def test_two_variants_with_one_name_are_refused(fresh):
    text = (fresh.folder / STUDY).read_text(encoding="utf-8")
    doubled = text.replace("  accurate:", "  source:")
    assert doubled != text
    (fresh.folder / STUDY).write_text(doubled, encoding="utf-8")
    assert "the key 'source' stands there twice" in refused(fresh)
    assert yaml.safe_load(text)
