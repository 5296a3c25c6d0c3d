"""A config as it should not be: each mistake is one line that names file and key, whatever YAML can make of it."""

import copy
import datetime
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from calotype.config.load import Config, load
from calotype.config.static_checks import check_studies
from calotype.util.errors import CalotypeError

SETTINGS = {
    "studies": ["leaves"],
    "paper": ["dots"],
    "seeds": 2,
    "seeds_per_job": 2,
    "data": "data",
    "results": "results",
}
DATASETS: dict[str, Any] = {
    "dots": {
        "source": "dots",
        "drawing": {"minimum": 0, "maximum": 5, "width": 40, "quality": 75},
        "splits": {"train": {"images": 10, "seed": 1}, "test": {"images": 5, "seed": 2}},
        "prepare": ["grey", "scale"],
    },
    "leaves": {
        "source": "images",
        "folder": "images",
        "table": {"file": "labels.csv", "image": "image", "label": "label", "weight": "weight", "group": "plate"},
        "classes": ["elm", "oak"],
        "splits": {"train": {"share": 0.8}, "test": {"share": 0.2}},
        "random": {"seed": 1, "stratify": True},
        "alpha": "white",
        "ignore": ["*.txt"],
        "unlabelled": "ignore",
        "prepare": [{"name": "resize", "width": 8, "height": 8}, "grey", "scale"],
    },
    "digits": {
        "source": "idx",
        "fetch": {"files": {"images": "a" * 64, "labels": "b" * 64}, "sources": [{"folder": "/usr/share/digits"}]},
        "classes": ["0", "1"],
        "splits": {"train": {"images": "images", "labels": "labels", "first": 0, "number": 5}},
    },
}
STUDIES: dict[str, Any] = {
    "dots": {
        "title": "Dots",
        "dataset": "dots",
        "task": "count",
        "tests": ["test"],
        "variants": {"net": {"model": "dense", "loss": "huber", "optimizer": "adam", "epochs": 1, "batch_size": 8}},
    },
    "leaves": {
        "title": "Leaves",
        "description": "Of trees.",
        "source": {"title": "A book", "url": "https://example.org/leaves"},
        "dataset": "leaves",
        "task": "classify",
        "metrics": ["accuracy", "log_loss"],
        "tests": ["test"],
        "may_diverge": True,
        "defaults": {
            "model": "dense",
            "model_arguments": {"units": [4]},
            "loss": "categorical_crossentropy",
            "optimizer": {"name": "sgd", "learning_rate": 0.01, "arguments": {"momentum": 0.9}},
            "epochs": 2,
            "batch_size": 8,
        },
        "variants": {
            "plain": {"label": "Plain", "description": "As it is.", "seeds": 2, "seeds_per_job": 1},
            "more": {
                "augment": ["flip", {"name": "shift", "pixels": 1}],
                "validation_split": 0.1,
                "patience": 3,
                "restore_best_weights": True,
                "class_weight": "balanced",
                "label_smoothing": 0.1,
                "test_time_augmentation": ["flip"],
                "threads": 1,
            },
            "swept": {"grid": {"batch_size": [4, 8], "optimizer.learning_rate": [0.1, 0.01]}},
        },
        "claims": [{"variant": "plain", "split": "test", "metric": "accuracy", "value": 0.9, "quote": "Nine in ten."}],
    },
}
FILES = {"config": "config/config.yaml", "datasets": "config/datasets.yaml"} | {
    name: f"config/studies/{name}.yaml" for name in STUDIES
}
INNARDS = (
    "Traceback",
    "pydantic",
    "validation error",
    "input_type",
    "<unicode",
    "object at",
    "codec",
    "NoneType",
    "literal[",
    "dict[",
)


@pytest.fixture(autouse=True)
def _a_config_with_nothing_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the folder of images that it names."""
    for name in ("config/studies", "images"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "images/labels.csv").write_text("image,label\n", encoding="utf-8")
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "images/0.png")
    monkeypatch.chdir(tmp_path)
    Path(FILES["datasets"]).write_text(text_of("datasets"), encoding="utf-8")
    for name in STUDIES:
        Path(FILES[name]).write_text(text_of(name), encoding="utf-8")


def content_of(file: str) -> dict[str, Any]:
    return copy.deepcopy({"config": SETTINGS, "datasets": DATASETS, **STUDIES}[file])


def dumped(content: Any) -> str:
    return yaml.dump(content, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False, allow_unicode=True)


def text_of(file: str) -> str:
    return dumped(content_of(file))


def read(settings: Any = None) -> Config:
    """Read and check the config, as each call of Snakemake does."""
    config = load(SETTINGS if settings is None else settings)
    check_studies(config)
    return config


def outcome(settings: Any = None) -> str:
    """Return the error of a config; an empty text if it is accepted."""
    try:
        read(settings)
    except CalotypeError as error:
        return str(error)
    return ""


def complaint(file: str, settings: Any = None) -> str:
    """Return the error of a mistake in a file; it must be our own error, and no file may be written."""
    before = {*Path().rglob("*")}
    with pytest.raises(CalotypeError) as caught:
        read(settings)
    text = str(caught.value)
    assert text.startswith(FILES[file]), text
    assert not [word for word in INNARDS if word in text], text
    assert all(line.isprintable() for line in text.splitlines()), text
    assert max(map(len, text.splitlines())) < 400, text
    assert {*Path().rglob("*")} == before
    return text


def test_the_config_that_the_mistakes_are_put_into_has_none():
    assert [*read().studies] == ["leaves", "dots"]


# ---- Any value in any place ------------------------------------------------------------------------------------------

# Values by mistake: of each YAML type, and of types that YAML creates implicitly.
SLIPS: list[Any] = [
    None,
    True,
    -1,
    10**30,
    float("nan"),
    "",
    "'; touch hacked #\n`touch hacked`$(touch hacked)",
    [],
    {},
    {1: [2, {3: 4}]},
    {datetime.date(2024, 2, 29): b"\xff"},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to each value in a tree of mappings and lists."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


EVERYWHERE = {
    f"{file}: {'.'.join(map(str, path))}": (file, path)
    for file in ("config", "datasets", "leaves")
    for path in places({"config": SETTINGS, "datasets": DATASETS, **STUDIES}[file])
}


@pytest.mark.parametrize("what", EVERYWHERE)
def test_whatever_stands_for_a_value_is_taken_or_named_with_its_file_and_key(what):
    file, (*above, last) = EVERYWHERE[what]
    for slip in SLIPS:
        content = place = content_of(file)
        for key in above:
            place = place[key]
        place[last] = slip
        if file != "config":
            Path(FILES[file]).write_text(dumped(content), encoding="utf-8")
        text = outcome(content if file == "config" else None)
        shown = f"{what} = {slip!r}: {text}"
        if text:
            # A study may be where a wrong dataset shows, and the config where a study does.
            assert text.startswith("config/"), shown
            assert not [word for word in INNARDS if word in text], shown
            assert all(line.isprintable() for line in text.splitlines()), shown
            assert len(text.splitlines()) <= 21, shown
            named = re.findall(r"[A-Za-z_-]+", text)
            assert slip in (None, {}) or any(str(key) in named for key in (*above, last)), shown
    assert not [*Path().rglob("hacked*")]


@pytest.mark.parametrize("what", [what for what, (file, _) in EVERYWHERE.items() if file != "config"])
def test_whatever_is_missing_is_filled_in_or_named(what):
    file, (*above, last) = EVERYWHERE[what]
    content = place = content_of(file)
    for key in above:
        place = place[key]
    del place[last]
    Path(FILES[file]).write_text(dumped(content), encoding="utf-8")
    text = outcome()
    assert text.startswith("config/") or not text
    assert not [word for word in INNARDS if word in text]


# ---- Files that are no YAML, or more than that -----------------------------------------------------------------------

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
)
# The file of a study, and what must be said of it.
TEXTS: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "title: is missing"),
    "only comments": ("# title: Leaves\n", "title: is missing"),
    "a word": ("leaves\n", '"leaves" is not a mapping'),
    "a number": ("3\n", "3 is not a mapping"),
    "a list": ("- title: Leaves\n", "is not a mapping"),
    "nothing but null": ("~\n", "title: is missing"),
    "an open bracket": ("title: [\n", "line 2: not valid YAML"),
    "an open brace": ("title: {a: b\n", "not valid YAML"),
    "an open quote": ("title: 'Leaves\n", "not valid YAML"),
    "a tab": ("title: a\n\tdataset: b\n", "line 2: not valid YAML"),
    "two colons": ("a: b: c\n", "line 1: not valid YAML"),
    "a line too far left": ("variants:\n    a: {}\n  b: {}\n", "line 3: not valid YAML"),
    "a percent sign": ("title: %d\n", "line 1: not valid YAML"),
    "an at sign": ("title: @leaves\n", "line 1: not valid YAML"),
    "a wrong escape": ('title: "\\q"\n', "line 1: not valid YAML"),
    "an anchor that is not there": ("title: *leaves\n", "line 1: not valid YAML"),
    "an anchor that holds itself": ("title: &a [*a]\n", "an anchor that contains itself"),
    "anchors for a billion values": (LAUGHS, "its anchors expand to more than 1,000,000 values"),
    "thirty thousand brackets": ("[" * 30_000, "too deep"),
    "thirty thousand braces": ("{a: " * 30_000, "too deep"),
    "thirty thousand lists": ("- " * 30_000, "too deep"),
    "two documents": ("title: a\n---\ntitle: b\n", "not valid YAML"),
    "a key twice": ("title: a\ndataset: b\ntitle: c\n", "line 3: not valid YAML: duplicate key 'title'"),
    "a key twice, deep": ("defaults:\n  epochs: 1\n  epochs: 2\n", "line 3: not valid YAML: duplicate key 'epochs'"),
    "a key twice, in quotes": ("title: a\n'title': b\n", "duplicate key 'title'"),
    "a variant twice": (
        "variants:\n  a: {}\n  b: {}\n  a: {}\n",
        "line 4: not valid YAML: duplicate key 'a'",
    ),
    "a number twice": ("variants:\n  1: {}\n  1: {}\n", "duplicate key 1"),
    "a list for a key": ("? [a, b]\n: c\n", "not valid YAML"),
    "a mapping for a key": ("? {a: b}\n: c\n", "not valid YAML"),
    "a merge of nothing": ("<<: 3\n", "not valid YAML"),
    "a day that is none": ("title: 2024-02-30\n", "line 1: not valid YAML: '2024-02-30' is not of the type timestamp"),
    "an hour that is none": ("title: 2024-02-03 25:00:00\n", "is not of the type timestamp"),
    "a number that is none": ("title: !!int three\n", "'three' is not of the type int"),
    "a truth that is none": ("title: !!bool perhaps\n", "'perhaps' is not of the type bool"),
    "a number of five thousand digits": (f"title: {'1' * 5000}\n", "is not of the type int"),
    "a tag of ours": ("title: !leaves a\n", "line 1: not valid YAML: unknown tag `!leaves`"),
    "code": ("title: !!python/object/apply:os.system ['touch hacked']\n", "unknown tag `python/"),
    "code, new": ("title: !!python/object/new:os.system ['touch hacked']\n", "unknown tag `python/"),
    "a module": ("title: !!python/module:os\n", "unknown tag `python/"),
    "a name of Python's": ("title: !!python/name:os.system\n", "unknown tag `python/"),
    "a control character": ("title: a\x01b\n", "not valid YAML: special characters are not allowed"),
    "a zero": ("title: a\0b\n", "not valid YAML"),
    "another version": ("%YAML 9\n---\ntitle: a\n", "not valid YAML"),
    "text of Windows": ("a: b\ntitle: Blätter\n".encode("latin-1"), "line 2: not UTF-8 text"),
    "Unicode of Windows": ("title: Leaves\n".encode("utf-16"), "line 1: not UTF-8 text"),
    "an archive": (b"PK\x03\x04" + bytes(range(256)), "line 2: not UTF-8 text"),
    "zeros": (bytes(100), "not valid YAML"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_a_file_that_is_no_study_is_named_with_its_line(what):
    text, problem = TEXTS[what]
    Path(FILES["leaves"]).write_bytes(text if isinstance(text, bytes) else text.encode())
    assert problem in complaint("leaves")


@pytest.mark.parametrize("what", TEXTS)
def test_a_file_that_describes_no_datasets_is_named(what):
    text, _ = TEXTS[what]
    Path(FILES["datasets"]).write_bytes(text if isinstance(text, bytes) else text.encode())
    complaint("datasets")


def test_a_mark_before_a_file_and_ends_of_lines_of_windows_are_no_mistake():
    for file in ("datasets", *STUDIES):
        text = b"\xef\xbb\xbf" + text_of(file).replace("\n", "\r\n").encode()
        Path(FILES[file]).write_bytes(text)
    assert [*read().studies] == ["leaves", "dots"]


# ---- Names -----------------------------------------------------------------------------------------------------------

HOSTILE = [
    "$(touch hacked)",
    "`touch hacked`",
    "a; touch hacked",
    "a && touch hacked",
    "a | touch hacked",
    "a\ntouch hacked",
    "a'b",
    'a"b',
    "a b",
    "../a",
    "/etc/passwd",
    "a/b",
    "a\\b",
    ".",
    "..",
    "-rf",
    "--config",
    "{wildcards.study}",
    "{a}",
    "a*",
    "~",
    "é",
    "叶",
    "a\0",
    "a\x1b[31m",
    "",
    " ",
    "%s",
    "<b>",
    "a\n",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_could_do_harm_in_a_path_or_a_shell_is_refused_wherever_it_stands(name):
    """Names of datasets, splits, variants, studies and files become parts of paths and of commands."""
    for file, where in (("datasets", ()), ("datasets", ("leaves", "splits")), ("leaves", ("variants",))):
        content = place = content_of(file)
        for key in where:
            place = place[key]
        place[name] = copy.deepcopy(next(iter(place.values())))
        Path(FILES[file]).write_text(dumped(content), encoding="utf-8")
        assert "is not a plain name (letters, digits, - and _)" in complaint(file)
        Path(FILES[file]).write_text(text_of(file), encoding="utf-8")
    text = complaint("config", SETTINGS | {"studies": [name]})
    assert "studies.0: " in text
    assert "is not a plain name" in text


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("key", ["npm", "debian", "python"])
def test_a_package_that_could_do_harm_in_a_shell_is_refused(name, key):
    content = content_of("datasets")
    content["digits"]["fetch"]["sources"] = [{key: name}]
    Path(FILES["datasets"]).write_text(dumped(content), encoding="utf-8")
    assert f"digits.fetch.sources.0.{key}: " in complaint("datasets")


@pytest.mark.parametrize("key", ["name", "images", "data", "results", "local_data", "datasets", "study_files"])
@pytest.mark.parametrize("text", ["$(touch hacked)", "`touch hacked`", 'a";touch hacked;"', "a\\", "a\ntouch hacked"])
def test_what_the_command_line_hands_on_to_jobs_holds_nothing_that_a_shell_takes_for_a_command(key, text):
    """Snakemake repeats `--config` in the command of each job, between quotes that do not keep these out."""
    assert f"config/config.yaml: {key}: {text!r} is not" in complaint("config", SETTINGS | {key: text})


# ---- Suggested words -------------------------------------------------------------------------------------------------

MEANT = {
    "config: sedes": "seeds",
    "config: result": "results",
    "config: study": "studies",
    "datasets: leaves.clases": "classes",
    "datasets: leaves.foldr": "folder",
    "datasets: leaves.split": "splits",
    "datasets: leaves.table.lable": "label",
    "datasets: leaves.random.seeds": "seed",
    "datasets: leaves.splits.train.shares": "share",
    "datasets: leaves.prepare.0.widht": "width",
    "datasets: dots.drawing.minimun": "minimum",
    "datasets: digits.fetch.file": "files",
    "leaves: titel": "title",
    "leaves: variant": "variants",
    "leaves: source.link": "title",
    "leaves: defaults.batchsize": "batch_size",
    "leaves: defaults.optimizer.learningrate": "learning_rate",
    "leaves: variants.plain.epoch": "epochs",
    "leaves: variants.more.augment.1.pixel": "pixels",
    "leaves: claims.0.metrics": "metric",
}


@pytest.mark.parametrize("what", MEANT)
def test_a_misspelt_key_is_answered_with_what_was_meant(what):
    file, where = what.split(": ")
    *above, last = (int(step) if step.isdigit() else step for step in where.split("."))
    content = place = content_of(file)
    for key in above:
        place = place[key]
    place[last] = 1
    if file != "config":
        Path(FILES[file]).write_text(dumped(content), encoding="utf-8")
    text = complaint(file, content if file == "config" else None)
    assert "is not a known key" in text
    assert f"`{MEANT[what]}`" in text or f"allowed values are {MEANT[what]}" in text
    assert str(last) in text


# Old names, each where it stood. One of a key is replaced by its new one; one of a step or an augmentation is a value.
RENAMED = {
    "config: stream_above": "stream_above_mib",
    "leaves: variants.plain.test_views": "test_time_augmentation",
    "leaves: claims.0.says": "quote",
    "leaves: defaults.optimizer.warmup": "warmup_fraction",
    "leaves: variants.more.augment.0=symmetries": "dihedral",
    "datasets: leaves.prepare.0.name=own": "custom",
    "datasets: leaves.prepare.0.name=normalise.deviation": "std",
}


@pytest.mark.parametrize("what", RENAMED)
def test_an_old_name_is_refused_with_the_new_one(what):
    file, where = what.split(": ")
    where, _, value = where.partition("=")
    *above, last = (int(step) if step.isdigit() else step for step in where.split("."))
    content = place = content_of(file)
    for key in above:
        place = place[key]
    value, _, further = value.partition(".")
    place[last] = value or 1
    if further:
        place[further] = 1
    if file != "config":
        Path(FILES[file]).write_text(dumped(content), encoding="utf-8")
    assert f"renamed: use `{RENAMED[what]}`" in complaint(file, content if file == "config" else None)
