"""Only a change that can alter a result computes it again: each test edits one thing and reads the plan."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from custom_code import LAYERS, MODELS, STEPS

from calotype.config.load import load
from calotype.config.paths import Layout
from calotype.planning.check import whole_files
from calotype.util import code_digest

# The most expensive rules, which must not run again without need.
DEAR = {"draw", "fetch_dataset", "catalogue", "measure", "prepare", "smoke_test", "train"}
PACKS = [
    f"results/{variant}/seeds-{seeds}/provenance.json"
    for variant, seeds in (
        ("dots/source", "000-001"),
        ("dots/accurate", "000-000"),
        ("own/net", "000-000"),
        ("own/plain", "000-000"),
    )
]
BOTH = (*PACKS, "--config", "studies=[dots,own]")
CODE = "workflow/calotype"


@pytest.fixture(scope="module")
def project(finished_once, tmp_path_factory):
    """Return a finished project with custom code: two variants, and images that a function prepares."""
    folder = tmp_path_factory.mktemp("identity") / "project"
    shutil.copytree(finished_once.folder, folder)
    made = type(finished_once)(folder)
    for file, text in {"my_models": MODELS, "my_layers": LAYERS, "sizes": "POOL = 4\n"}.items():
        (folder / "code").mkdir(exist_ok=True)
        (folder / f"code/{file}.py").write_text(text, encoding="utf-8")
    (folder / "code/my_steps.py").write_text(STEPS, encoding="utf-8")
    (folder / "code/steps_helper.py").write_text("LEAST = 2\n", encoding="utf-8")
    for name in ("scale", "lift"):
        array(folder / f"{name}.npy", 1)
    datasets = yaml.safe_load((folder / "config/datasets.yaml").read_text(encoding="utf-8"))
    own = {
        "name": "custom",
        "function": "code/my_steps.py:lift",
        "arguments": {"by": "lift.npy"},
        "files": ["lift.npy"],
    }
    datasets["lifted"] = datasets["dots"] | {"prepare": ["grey", own, "scale"]}
    datasets["lifted"]["splits"] = {name: {"images": 20, "seed": 1} for name in ("train", "test")}
    (folder / "config/datasets.yaml").write_text(yaml.safe_dump(datasets), encoding="utf-8")
    study = {
        "title": "Own code",
        "dataset": "lifted",
        "task": "count",
        "tests": ["test"],
        "defaults": {"loss": "mean_squared_error", "optimizer": "adam", "epochs": 1, "batch_size": 10, "seeds": 1},
        "variants": {
            "net": {
                "model": "code/my_models.py:net",
                "model_arguments": {"first": "scale.npy"},
                "files": ["scale.npy"],
            },
            "plain": {"model": "code/my_models.py:plain"},
        },
    }
    (folder / "config/studies/own.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    made.run(*BOTH)
    assert made.plan(*BOTH) == {}
    return made


def array(path: Path, number: int) -> None:
    np.save(path, np.full(3, number))


class Edits:
    """Edits of files, and the way back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before: dict[Path, bytes] = {}

    def __call__(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} has changed; choose another line for this test"
        self.before.setdefault(path, path.read_bytes())
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def undo(self) -> None:
        for path, content in self.before.items():
            path.write_bytes(content)


@pytest.fixture
def edit(project):
    edits = Edits(project.folder)
    yield edits
    edits.undo()


def dear(project) -> dict[str, int]:
    """Return the expensive jobs that a dry run plans."""
    return {rule: count for rule, count in project.plan(*BOTH).items() if rule in DEAR}


def test_the_page_of_the_figures_computes_nothing_again(project):
    """Also no table: predictions and evaluation have the params that they had."""
    asked = ("results/dots/summary.csv", *BOTH)
    before = project.plan(*asked)
    assert project.plan(*asked, "figures={preset: nature, font: serif}") == before
    assert not before.keys() & DEAR


# ---- Nothing is trained or prepared again ----------------------------------------------------------------------------

HARMLESS = {
    "one more optimizer": [(f"{CODE}/config/optimizer.py", '"adam", "adamax"', '"adam", "adam2", "adamax"')],
    "one more loss": [(f"{CODE}/tasks/labels.py", '    "huber",\n', '    "huber",\n    "huber2",\n')],
    "one more augmentation": [
        (f"{CODE}/config/augmentation.py", '"noise", "erase"]', '"noise", "erase", "fade"]'),
        (
            f"{CODE}/training/augmentation.py",
            "class Kind(",
            "def fade(images):\n    return images / 2\n\n\nclass Kind(",
        ),
        (
            f"{CODE}/training/augmentation.py",
            '    "erase": Kind(',
            '    "fade": Kind(lambda *_: [], lambda images, *_: fade(images)),\n    "erase": Kind(',
        ),
    ],
    "one more metric": [
        (
            f"{CODE}/metrics/numbers.py",
            "COUNTS = (\n",
            'def none(run):\n    return 0.0\n\n\nCOUNTS = (\n    Metric("none", "none", none),\n',
        )
    ],
    "a key of the recipe at its default": [
        (
            f"{CODE}/config/recipe.py",
            "    epochs: PositiveInt",
            '    calm: int = Field(3, description="None.")\n    epochs: PositiveInt',
        )
    ],
    "a key of a step at its default": [
        (
            f"{CODE}/steps/tone.py",
            '    name: Literal["grey"]\n',
            '    name: Literal["grey"]\n    calm: int = 3\n',
        )
    ],
    "another limit": [
        (f"{CODE}/config/optimizer.py", "Field(ge=0, lt=1)", "Field(ge=0, lt=0.9)"),
        (f"{CODE}/config/optimizer_arguments.py", "Field(ge=2)", "Field(ge=3)"),
        (f"{CODE}/steps/geometry.py", "Field(ge=1, le=16384)", "Field(ge=1, le=20000)"),
    ],
    "a check of a step": [
        (f"{CODE}/steps/levels.py", 'need_levels(known, "it")', "need_levels(known, self.name)"),
        (f"{CODE}/steps/base.py", 'in ("unit", "any")', 'in ("unit", "any", "none")'),
        (f"{CODE}/steps/base.py", "LARGEST = 65535", "LARGEST = 4095"),
        (
            f"{CODE}/steps/custom.py",
            "    def after(",
            "    def check(self, known: Known) -> None:\n        if known.size == (1, 1):\n"
            '            raise ValueError("small")\n\n    def after(',
        ),
    ],
    "diverged runs are an error": [("config/studies/own.yaml", "task: count", "task: count\nmay_diverge: false")],
    "other comparisons": [("config/studies/own.yaml", "task: count", "task: count\ncompare: all\nworth: 0.5")],
    "the title of a step": [(f"{CODE}/steps/base.py", '} px"] if', '} pixels"] if')],
    "a description": [
        (f"{CODE}/config/recipe.py", '"Passes over the training images."', '"How often each image is seen."'),
        (f"{CODE}/config/dataset_drawn.py", '"Number of images."', '"How many images to draw."'),
        (f"{CODE}/steps/tone.py", 'description="`mean` of', 'description="The `mean` of'),
        (f"{CODE}/steps/tone.py", '    """One channel', '    """Grey: one channel'),
    ],
    "the text of an error": [
        (
            f"{CODE}/training/keras_trainer.py",
            "leaves none to train on, ",
            "leaves nothing to train on, ",
        ),
        (f"{CODE}/training/loop.py", '"%s: cannot write a checkpoint', '"%s: no room for a checkpoint'),
        (f"{CODE}/preparation/prepare.py", "all images of ", "the images of "),
    ],
    "a line of a log": [
        (f"{CODE}/training/loop.py", "    total = ", '    logger.info("%s: all seeds done", name)\n    total = '),
        (f"{CODE}/training/loop.py", 'logger.debug("%s: saved %s", self.name, self._place(seed, run))', "pass"),
    ],
    "a comment and a docstring": [
        (f"{CODE}/training/loop.py", "AT_ONCE = ", "# of training\nAT_ONCE = "),
        (f"{CODE}/data/draw_dots.py", '"""Draw images', '"""Make images'),
        ("workflow/scripts/train.py", '"""Train', '"""Really train'),
    ],
    "a model that no variant names": [(f"{CODE}/training/models.py", "0.25", "0.3")],
    "the other trainer": [
        (
            f"{CODE}/training/sklearn_model.py",
            "if self._is_finite() else math.nan",
            "if self._is_finite() else math.inf",
        )
    ],
    "a function and a constant of the user's that nothing uses": [
        (
            "code/my_models.py",
            "def plain(",
            "OTHER = 3\n\ndef other(shape, outputs):\n    return UNITS\n\ndef plain(",
        ),
        ("code/sizes.py", "POOL", "# of a side\nWIDTH = 3\nPOOL"),
        ("code/my_steps.py", "def lift(", "def sink(image):\n    return image\n\n\ndef lift("),
    ],
}


def test_what_changes_no_result_trains_and_prepares_nothing(project, edit):
    """All of it at once, as each plan takes seconds; where something is planned, each by itself, to name it."""
    for edits in HARMLESS.values():
        for each in edits:
            edit(*each)
    if dear(project):
        planned = {}
        for what, edits in HARMLESS.items():
            edit.undo()
            for each in edits:
                edit(*each)
            planned[what] = dear(project)
        assert {what: jobs for what, jobs in planned.items() if jobs} == {}


def test_files_that_are_touched_or_copied_train_and_prepare_nothing(project):
    for file in [*project.folder.glob("*.npy"), *project.folder.glob("code/*.py")]:
        content = file.read_bytes()
        file.unlink()
        file.write_bytes(content)
    assert dear(project) == {}


# ---- Changes that retrain --------------------------------------------------------------------------------------------


ALL = {"dots/source", "dots/accurate", "own/net", "own/plain"}
MODEL = "code/my_models.py"


@pytest.mark.parametrize(
    ("file", "old", "new", "trained"),
    [
        (MODEL, "UNITS, ROUNDS = 3", "UNITS, ROUNDS = 4", {"own/net"}),
        ("code/sizes.py", "POOL = 4", "POOL = 8", {"own/net"}),
        (MODEL, "layers.Flatten()", "layers.ReLU(), keras.layers.Flatten()", {"own/plain"}),
        (MODEL, "import numpy as np", "from my_layers import *\nimport numpy as np", {"own/net", "own/plain"}),
        (f"{CODE}/training/models.py", "(32, 128, 256)", "(32, 128, 255)", {"dots/source"}),
        (f"{CODE}/training/augmentation.py", "symmetry // bit % 2", "symmetry // bit % 2 + 0", {"dots/accurate"}),
        (f"{CODE}/training/loop.py", "AT_ONCE = 0.5", "AT_ONCE = 0.4", ALL),
        (f"{CODE}/config/recipe.py", '"val_") in', '"val_") not in', ALL),
    ],
)
def test_a_change_trains_what_it_can_change(project, edit, file, old, new, trained):
    """The last edit is in no training code: it changes a value of the config."""
    edit(file, old, new)
    assert {name.split()[0] for name in project.trainings(*BOTH)} == trained
    assert not dear(project).keys() & {"draw", "prepare"}


def test_check_is_told_which_files_count_as_a_whole_and_why(project, edit, monkeypatch):
    edit(MODEL, "import numpy as np", "from my_layers import *\nimport numpy as np")
    monkeypatch.chdir(project.folder)
    code_digest.forget()
    config = yaml.safe_load(Path("config/config.yaml").read_text(encoding="utf-8")) | {"studies": ["own"]}
    assert whole_files(Layout(load(config)), ["dots"]) == {}
    assert whole_files(Layout(load(config)), ["own"]) == {
        MODEL: "it imports all names of my_layers",
        "code/my_layers.py": "my_models.py imports all of its names",
    }


def test_a_changed_file_that_a_model_reads_trains_it(project):
    array(project.folder / "scale.npy", 2)
    assert project.trainings(*BOTH) == ["own/net 0-0"]
    array(project.folder / "scale.npy", 1)
    assert dear(project) == {}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("code/steps_helper.py", "LEAST = 2", "LEAST = 3"),
        (f"{CODE}/steps/base.py", "np.rint(image)", "np.rint(image + 0)"),
        (f"{CODE}/steps/custom.py", "else image.copy()", "else image + 0"),
        (f"{CODE}/steps/custom.py", "return Known(values=None)", "return Known(values=None, channels=1)"),
    ],
)
def test_a_change_of_a_step_prepares_what_takes_it(project, edit, file, old, new):
    edit(file, old, new)
    assert dear(project)["prepare"] == 1
    assert {name.split("/")[0] for name in project.trainings(*BOTH)} == {"own"}


def test_a_changed_file_that_a_step_reads_prepares_again(project):
    array(project.folder / "lift.npy", 2)
    assert dear(project)["prepare"] == 1
    array(project.folder / "lift.npy", 1)


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("scale.npy", r"config/studies/own\.yaml: variants\.net\.files\.0: scale\.npy not found"),
        ("lift.npy", r"config/datasets\.yaml: lifted\.prepare\.1\.custom\.files\.0: lift\.npy not found"),
    ],
)
def test_a_file_that_is_missing_is_an_error_before_any_job(project, file, key):
    path = project.folder / file
    content = path.read_bytes()
    path.unlink()
    done = project.snakemake("--dry-run", *BOTH)
    path.write_bytes(content)
    assert done.returncode
    assert re.search(key, done.stdout + done.stderr)


def test_a_path_that_is_not_declared_is_an_error_before_any_job(project, edit):
    edit("config/studies/own.yaml", "files:\n    - scale.npy", "files: []")
    done = project.snakemake("--dry-run", *BOTH)
    assert done.returncode
    problem = r"variants\.net\.model_arguments\.first: scale\.npy is an undeclared file or folder"
    assert re.search(problem, done.stdout + done.stderr)


# ---- A model that diverges in its first steps ------------------------------------------------------------------------


def test_a_custom_model_that_diverges_is_trained_and_marked_unless_the_study_forbids_it(project, edit):
    variant = "  {0}:\n    model: code/my_models.py:plain\n    optimizer: {{name: adam, learning_rate: {1}}}\n"
    edit("config/studies/own.yaml", "variants:\n", "variants:\n" + variant.format("fast", "1.0e+30"))
    target = "results/own/fast/seeds-000-000/provenance.json"
    printed = " ".join(project.run(target).split())
    assert "the training diverges: the loss of the first 2 step(s) is inf. Its runs will be marked" in printed
    assert "diverged in epoch 1" in (project.folder / "results/logs/train/own/fast/000-000.log").read_text("utf-8")
    edit("config/studies/own.yaml", "task: count", "task: count\nmay_diverge: false")
    assert project.plan(target) == {}
    edit("config/studies/own.yaml", "variants:\n", "variants:\n" + variant.format("faster", "1.0e+31"))
    done = project.snakemake("--cores", "2", target.replace("fast", "faster"))
    assert done.returncode
    text = " ".join((done.stdout + done.stderr).split())
    assert "own/faster: model: code/my_models.py:plain: the training diverges: the loss of the first" in text
    assert "Hint: lower the learning rate, or set `may_diverge: true` in the study." in text
    assert not (project.folder / "results/own/faster").exists()
