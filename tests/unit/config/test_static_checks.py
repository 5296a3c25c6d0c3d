"""Errors in models are reported before a job waits in a queue, and do not stop other studies."""

import copy

import pytest
import yaml

from calotype.config import load as config
from calotype.config.datasets import DATASETS
from calotype.config.model_arguments import OF_MODEL
from calotype.config.static_checks import check_folder, check_model, check_studies
from calotype.util.errors import CalotypeError

# ---- The model of the config -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OF_MODEL)
def test_models_that_come_along_are_found(name):
    check_model(name, {}, "study.yaml: variants.wide")


@pytest.mark.parametrize("name", ["dots_sauce", "build", "layers", ""])
def test_a_model_that_does_not_exist_is_answered_with_those_that_do(name):
    with pytest.raises(CalotypeError, match=rf"^study\.yaml: variants\.wide\.model: .*`{name}`") as problem:
        check_model(name, {}, "study.yaml: variants.wide")
    hint = str(problem.value).split("\nHint: ")[1]
    assert "dots_source" in hint
    assert "build" not in hint


def test_a_custom_model_is_found_without_importing_it(tmp_path):
    (tmp_path / "nets.py").write_text("import nothing_that_is_installed\n\ndef net(shape, outputs):\n    pass\n")
    check_model(f"{tmp_path}/nets.py:net", {}, "key")


def test_a_missing_model_file_is_named(tmp_path):
    with pytest.raises(CalotypeError, match=r"nets\.py not found\.\nHint: correct the path: .* has no `nets\.py`"):
        check_model(f"{tmp_path}/nets.py:net", {}, "key")
    with pytest.raises(
        CalotypeError, match=r"^key\.model: file zz\.py not found\.\nHint: paths start from the working"
    ):
        check_model("zz.py:net", {}, "key")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("my_models:leafnet", "my_models.py:leafnet"),
        ("parts.nets:leafnet", "parts/nets.py:leafnet"),
        ("my_model.py:leafnet", "my_models.py"),
        ("part/nets.py:leafnet", "parts"),
        ("zz/nets.py:leafnet", None),
    ],
)
def test_a_model_named_like_a_module_or_mistyped_is_answered_with_the_path(tmp_path, monkeypatch, typed, meant):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts").mkdir()
    for file in ("my_models.py", "parts/nets.py"):
        (tmp_path / file).write_text("def leafnet(shape, outputs): pass\n")
    with pytest.raises(CalotypeError) as problem:
        check_model(typed, {}, "key")
    assert (f"`{meant}`" if meant else "paths start from the working directory.") in str(problem.value)


def test_a_missing_custom_function_is_answered_with_the_existing_ones(tmp_path):
    (tmp_path / "nets.py").write_text("def small(): pass\ndef large(): pass\ndef _helper(): pass\n")
    complaint = r"^key\.model: nets\.py has no function `net`\.\nHint: use one of small, large\.$"
    with pytest.raises(CalotypeError, match=complaint):
        check_model(f"{tmp_path}/nets.py:net", {}, "key")


@pytest.mark.parametrize(
    "content", [b"def net(:\n", b"def net():\n\treturn 1\n        return 2\n", b"# caf\xe9\n", b"\x00\x01", b"\xff\xfe"]
)
def test_a_model_file_that_is_not_python_is_answered_in_words(tmp_path, content):
    (tmp_path / "nets.py").write_bytes(content)
    with pytest.raises(CalotypeError, match=r"nets\.py(, line \d+)?: not (valid Python|UTF-8)"):
        check_model(f"{tmp_path}/nets.py:net", {}, "key")


def test_a_model_file_without_the_function_is_answered_with_the_form_of_a_name(tmp_path):
    (tmp_path / "nets.py").write_text("def net(shape, outputs): pass\n")
    with pytest.raises(CalotypeError) as problem:
        check_model(f"{tmp_path}/nets.py", {}, "key")
    assert str(problem.value).startswith("key.model: ")
    assert str(problem.value).endswith(f"\nHint: name a function of the file: {tmp_path}/nets.py:<function>.")


@pytest.mark.parametrize(
    ("signature", "complaint"),
    [
        ("shape, outputs, rat=1", None),
        ("shape, outputs, *, rat", None),
        ("shape, outputs, **rest", None),
        ("shape, outputs, rate=1, *, size=2", "`net` has no argument `rat`.\nHint: allowed arguments are rate, size."),
        ("rat, outputs", "`net` has no argument `rat`.\nHint: remove it: there are no arguments."),
        ("shape, outputs, *rat", "`net` has no argument `rat`.\nHint: remove it: there are no arguments."),
    ],
)
def test_an_argument_that_a_model_does_not_take_is_answered_with_those_that_it_takes(tmp_path, signature, complaint):
    (tmp_path / "nets.py").write_text(f"import nothing_that_is_installed\n\ndef net({signature}): pass\n")
    try:
        check_model(f"{tmp_path}/nets.py:net", {"rat": 0.5}, "study.yaml: variants.wide")
        found = None
    except CalotypeError as error:
        found = str(error)
    assert found == (complaint and f"study.yaml: variants.wide.model_arguments: {complaint}")


@pytest.mark.parametrize("name", ["sklearn.neural_network.MLPRegressor", "sklearn.svm.SVC", "MLPClassifier"])
def test_other_models_of_scikit_learn_are_refused(name):
    with pytest.raises(CalotypeError, match=r"^key\.model: model `.*` not found\.\nHint: "):
        check_model(name, {}, "key")


# ---- The models of all studies ---------------------------------------------------------------------------------------

STUDY = {
    "title": "Counting dots",
    "dataset": "dots",
    "task": "count",
    "tests": ["test"],
    "defaults": {"loss": "huber", "batch_size": 32, "optimizer": "adam", "epochs": 1},
    "variants": {"wide": {"model": "dots_source"}, "deep": {"model": "dots_source"}},
}
DOTS = {"source": "dots", "splits": {name: {"images": 5, "seed": 1} for name in ("train", "test")}}


@pytest.fixture
def load(tmp_path):
    """Load a config with these studies: the model of the second variant, by the name of the study."""
    (tmp_path / "config/studies").mkdir(parents=True)
    (tmp_path / "config/datasets.yaml").write_text(yaml.safe_dump({"dots": DOTS}))

    def loaded(models, **settings):
        for name, model in models.items():
            study = copy.deepcopy(STUDY)
            study["variants"]["deep"] |= {"model": model}
            (tmp_path / f"config/studies/{name}.yaml").write_text(yaml.safe_dump(study))
        return config.load({"studies": ["dots"], "seeds": 1} | settings, root=tmp_path)

    return loaded


@pytest.mark.parametrize("asked", [{"studies": ["dots", "later"]}, {"paper": ["later"]}])
def test_a_model_that_is_not_there_stops_a_study_that_is_asked_for(load, asked):
    with pytest.raises(CalotypeError, match=r"^config/studies/later\.yaml: variants\.deep\.model: ") as problem:
        check_studies(load({"dots": "dots_source", "later": "dots_sauce"}, **asked))
    assert "`dots_sauce`" in str(problem.value)


def test_a_model_that_is_not_there_stops_no_study_but_its_own(load):
    """A colleague's half-written file must not keep one from working."""
    loaded = load({"dots": "dots_source", "later": "nets.py:net", "right": "dots_source"})
    check_studies(loaded)
    assert list(loaded.studies) == ["dots", "right"]
    assert list(loaded.broken) == ["later"]
    assert loaded.broken["later"].startswith("config/studies/later.yaml: variants.deep.model: file nets.py not found.")


def test_what_was_broken_when_it_was_read_stays_so(load, tmp_path):
    (tmp_path / "config/studies/another.yaml").write_text("title: [")
    loaded = load({"dots": "dots_source", "later": "dots_sauce"})
    check_studies(loaded)
    assert list(loaded.broken) == ["another", "later"]


def test_arguments_of_all_variants_are_checked(load):
    loaded = load({"dots": "dots_source"})
    wrong = loaded.studies["dots"].variants["deep"].model_copy(update={"model_arguments": {"units": [3]}})
    loaded.studies["dots"].variants["deep"] = wrong
    with pytest.raises(CalotypeError, match=r"^config/studies/dots\.yaml: variants\.deep\.model_arguments\.units: "):
        check_studies(loaded)


# ---- A user's own images ---------------------------------------------------------------------------------------------

OWN = {"folder": "{}", "classes": ["a", "b"], "splits": {"train": {"share": 1.0}}}


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"source": "images", "folder": "{}/nowhere"}, "leaves.folder: folder "),
        ({"source": "images", "folder": "{}/" + "x" * 300}, "leaves.folder: folder "),
        ({"source": "images", "table": {"file": "x.csv"}}, "leaves.table.file: file x.csv not found."),
        ({"source": "images", "table": {"file": "x" * 300}}, "leaves.table.file: file xxx"),
        ({"source": "arrays", "arrays": {"images": "x.npz:i", "labels": "y.npy"}}, "leaves.arrays.images: file "),
        (
            {"source": "arrays", "splits": {"train": {"images": "x.npz:i", "labels": "y.npy"}}},
            "leaves.splits.train.images: file x.npz not found.",
        ),
    ],
)
def test_missing_user_images_are_named_by_their_key(tmp_path, keys, complaint):
    entry = OWN | keys | {"folder": (OWN | keys)["folder"].format(tmp_path)}
    with pytest.raises(CalotypeError) as problem:
        check_folder(DATASETS[entry["source"]](**entry), "leaves")
    assert str(problem.value).startswith(complaint)
    assert "\nHint: " in str(problem.value)
