"""A result knows what made it; only what can change it makes it again."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from calotype.training import provenance
from calotype.training.result import Pack
from calotype.util import code_digest

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted(path.name for path in (ROOT / "workflow/scripts").glob("*.py"))


def forget() -> None:
    """Be a new process, which has read no file yet."""
    code_digest.code_digest.cache_clear()
    code_digest._substance.cache_clear()


class Code:
    """A copy of the workflow's code that a test may edit."""

    def __init__(self, folder: Path):
        self.folder = folder

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} has changed; choose another line for this test"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def append(self, file: str, text: str) -> None:
        with open(self.folder / file, "a", encoding="utf-8") as opened:
            opened.write(text)

    def digest(self, script: str, without: tuple[str, ...] = ()) -> str:
        forget()  # a new process each time, in the workflow
        return code_digest.code_digest(self.folder / "scripts" / script, without)


@pytest.fixture
def code(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "workflow", tmp_path / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code_digest, "LIBRARY", tmp_path / "workflow" / "calotype")
    yield Code(tmp_path / "workflow")
    forget()


# ---- What makes a stage run again ------------------------------------------------------------------------------------


def test_comments_docstrings_and_layout_retrain_nothing(code):
    before = code.digest("draw.py")
    code.append("scripts/draw.py", "\n\n# a comment\n")
    code.edit("scripts/draw.py", '"""Draw one split of a dataset of dots."""', '"""Another docstring."""')
    code.append("calotype/data/draw_dots.py", "\n# a comment\n")
    code.edit("calotype/data/draw_dots.py", "    rng = np.random", "\n    # a comment\n    rng = np.random")
    code.edit("calotype/data/draw_dots.py", '    """Place the dots of a whole split.', '    """Put them there.')
    code.edit("calotype/util/errors.py", '    """Says what', '    """Tells what')
    code.edit("calotype/util/files.py", '"""Write files and folders', '"""Make files and folders')
    assert code.digest("draw.py") == before


def test_descriptions_of_config_keys_retrain_nothing(code):
    before = code.digest("train.py")
    code.edit("calotype/config/recipe.py", "Passes over the training images.", "How often each image is seen.")
    assert code.digest("train.py") == before
    code.edit("calotype/config/recipe.py", ', description="The split to train on."', "")
    assert code.digest("train.py") == before
    code.edit("calotype/config/recipe.py", 'train: str = Field("train"', 'train: str = Field("other"')
    assert code.digest("train.py") != before, "a default is no description"


def test_a_description_of_anything_but_a_config_key_is_noticed(code):
    code.append("calotype/data/draw_dots.py", '\nANOTHER = dict(description="one", title="two")\n')
    before = code.digest("draw.py")
    code.edit("calotype/data/draw_dots.py", 'dict(description="one"', 'dict(description="1"')
    assert code.digest("draw.py") != before


def test_a_docstring_added_or_taken_away_retrains_nothing(code):
    code.append("calotype/data/draw_dots.py", "\n\ndef extra():\n    return 1\n")
    before = code.digest("draw.py")
    code.edit("calotype/data/draw_dots.py", "def extra():\n", 'def extra():\n    """Now explained."""\n')
    assert code.digest("draw.py") == before


def test_a_changed_line_of_the_script_is_noticed(code):
    before = code.digest("draw.py")
    code.edit("scripts/draw.py", "snakemake.log[0]", "snakemake.log[1]")
    assert code.digest("draw.py") != before


@pytest.mark.parametrize("module", ["dots", "files", "errors", "console"])
def test_a_changed_line_of_a_module_is_noticed_however_indirectly_it_is_imported(code, module):
    before = code.digest("draw.py")
    code.append(f"calotype/{module}.py", "\nANOTHER = 1\n")
    assert code.digest("draw.py") != before


def test_a_changed_constant_is_noticed(code):
    before = code.digest("draw.py")
    code.edit("calotype/data/draw_dots.py", "MARGIN = 0.04", "MARGIN = 0.05")
    assert code.digest("draw.py") != before


def test_a_text_that_is_no_docstring_is_noticed(code):
    before = code.digest("draw.py")
    code.edit("calotype/data/draw_dots.py", '"labels.csv"', '"counts.csv"')
    assert code.digest("draw.py") != before


def test_a_new_import_is_followed(code):
    before = code.digest("draw.py")
    code.append(
        "calotype/util/errors.py", "\n\ndef late():\n    from calotype import statistics\n    return statistics\n"
    )
    with_import = code.digest("draw.py")
    code.append("calotype/util/statistics.py", "\nANOTHER = 1\n")
    assert len({before, with_import, code.digest("draw.py")}) == 3


def test_modules_that_import_each_other_do_not_hang(code):
    before = code.digest("draw.py")
    code.append("calotype/util/errors.py", "\nimport calotype.util.files\n")
    assert code.digest("draw.py") != before


def test_figures_tables_and_config_checks_retrain_nothing(code):
    before = code.digest("train.py")
    for module in HARMLESS:
        code.append(f"calotype/{module}.py", "\nANOTHER = 1\n")
    assert code.digest("train.py") == before


# What a training neither reads nor computes.
HARMLESS = (
    "config", "studies", "datasets", "validation", "metrics", "layout", "sources", "idx", "raw", "images", "dots",
    "evaluation", "measures", "statistics", "claims", "tables", "report", "figures", "figures_count",
    "figures_classify", "figures_calibration", "figures_binary", "figures_regress", "figures_mistakes", "features",
)  # fmt: skip


@pytest.mark.parametrize(
    "module", ["training", "augment", "models", "backend", "recipe", "pack", "scikit", "splits", "runs", "checkpoints"]
)
def test_a_changed_line_of_what_trains_is_noticed(code, module):
    """Also of the modules that the script imports late, where it knows which library trains."""
    before = code.digest("train.py")
    code.append(f"calotype/{module}.py", "\nANOTHER = 1\n")
    assert code.digest("train.py") != before


def test_claims_and_latex_measure_nothing_anew(code):
    before = code.digest("evaluate.py")
    for module in ("claims", "tables", "studies", "layout", "report", "figures", "training", "recipe"):
        code.append(f"calotype/{module}.py", "\nANOTHER = 1\n")
    assert code.digest("evaluate.py") == before


ASK = """
import ast, os, sys, types
import cv2, jinja2, matplotlib.pyplot, pandas, psutil, pydantic, scipy.special, yaml  # once, before the forks
for name in ("tensorflow", "keras"):  # they load nothing of ours, and take seconds
    sys.modules[name] = types.ModuleType(name)
sys.modules["keras"].layers = sys.modules["keras"].Model = None
for script in sys.argv[1:]:
    if os.fork() == 0:
        tree = ast.parse(open(script, encoding="utf-8").read())
        imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        exec(ast.unparse(ast.Module(imports, [])), {})
        print(os.path.basename(script), *[name for name in sys.modules if name.startswith("calotype.")], flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, script
"""


@pytest.fixture(scope="module")
def loaded():
    """The calotype modules that each script loads, as Python itself says."""
    asked = subprocess.run(
        [sys.executable, "-c", ASK, *(str(ROOT / "workflow/scripts" / script) for script in SCRIPTS)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
        check=True,
    )
    return {script: modules for script, *modules in map(str.split, asked.stdout.splitlines())}


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_no_module_that_a_script_loads_escapes_its_digest(code, loaded, script, monkeypatch):
    """Else it could change what the script does, and nobody would notice."""
    assert "calotype.util.entry_point" in loaded[script]
    read, parse = set(), code_digest.parse
    monkeypatch.setattr(code_digest, "parse", lambda path: read.add(path) or parse(path))
    before = code.digest(script)
    files = {name: code.folder / f"{name.replace('.', '/')}.py" for name in loaded[script]}
    assert [name for name, file in files.items() if file not in read] == []
    code.append(f"calotype/{files[loaded[script][-1]].name}", "\nANOTHER = 1\n")
    assert code.digest(script) != before


def test_a_training_with_keras_is_not_repeated_for_what_only_scikit_learn_runs(code):
    """And the other way round: `without` names the library that a variant does not train with."""
    keras, scikit = (
        ("calotype.training.sklearn_trainer",),
        ("calotype.training.backend", "calotype.training.keras_trainer"),
    )
    before = {without: code.digest("train.py", without) for without in ((), keras, scikit)}
    assert len(set(before.values())) == 3
    code.append("calotype/training/sklearn_trainer.py", "\nANOTHER = 1\n")
    assert {without for without in before if code.digest("train.py", without) != before[without]} == {(), scikit}
    code.edit("calotype/training/sklearn_trainer.py", "\nANOTHER = 1\n", "")
    code.append("calotype/training/augmentation.py", "\nANOTHER = 1\n")
    assert {without for without in before if code.digest("train.py", without) != before[without]} == {(), keras}


def test_a_module_that_is_left_out_is_left_out_however_indirectly_it_is_imported(code):
    before = code.digest("train.py", ("calotype.training.backend",))
    code.append("calotype/training/backend.py", "\nANOTHER = 1\n")  # of training.py, augment.py and models.py
    assert code.digest("train.py", ("calotype.training.backend",)) == before


def test_code_in_the_package_itself_does_not_escape(code):
    """Python runs calotype/__init__.py before any module of it."""
    before = code.digest("draw.py")
    code.append("calotype/__init__.py", "\nimport calotype.data.draw_dots\ncalotype.dots.MARGIN = 0.05\n")
    assert code.digest("draw.py") != before


def test_another_place_on_disk_retrains_nothing(code, tmp_path, monkeypatch):
    before = code.digest("train.py")
    shutil.move(tmp_path / "workflow", tmp_path / "elsewhere")
    code.folder = tmp_path / "elsewhere"
    monkeypatch.setattr(code_digest, "LIBRARY", code.folder / "calotype")
    assert code.digest("train.py") == before


def test_a_digest_is_the_same_in_every_process(code):
    ask = "import sys, pathlib, calotype.training.provenance as p; print(p.code_digest(pathlib.Path(sys.argv[1])))"
    script = code.folder / "scripts" / "train.py"
    found = {
        subprocess.run(
            [sys.executable, "-c", ask, str(script)],
            env={**os.environ, "PYTHONPATH": str(code.folder), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {code.digest("train.py")}


def test_own_model_file_that_changes_retrains(tmp_path):
    forget()
    file = tmp_path / "nets.py"
    digests = []
    for text in ("def net(): return 1\n", "def net(): return 1  # comment\n", "def net(): return 2\n"):
        forget()
        file.write_text(text)
        digests.append(code_digest.own_code(f"{file}:net"))
    forget()
    assert digests[0] == digests[1] != digests[2]
    assert code_digest.own_code("dots_source") is None


# ---- The record ------------------------------------------------------------------------------------------------------


def pack(**changes):
    layers = pd.DataFrame(
        [("dense", "Dense", "(None, 3)", 30), ("dense_1", "Dense", "(None, 2)", 8)],
        columns=["layer", "kind", "output_shape", "parameters"],
    )
    history = pd.DataFrame([(3, 1, "loss", 0.5)], columns=["seed", "epoch", "metric", "value"])
    made = {"layers": layers, "history": history, "predictions": {}, "seconds": {3: 1.5, 4: 2.5}}
    return Pack(**made | changes)


def test_secrets_of_the_environment_are_not_published(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "s3cret-v4lue")
    monkeypatch.setenv("SLURM_JOB_COMMENT", "s3cret-comment")
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    text = json.dumps(
        provenance.record(
            code="abc", config={"epochs": 3}, data=[{"sha256": "d"}], identity="i", device="cpu", pack=pack()
        )
    )
    assert "s3cret" not in text
    assert "WANDB" not in text
    harmless = {"SLURM_JOB_ID", "SLURM_JOB_PARTITION"}
    values = {value for key, value in os.environ.items() if key not in harmless and len(value) > 12}
    host = provenance.platform.node()
    assert not [value for value in values if value in text and value != host]


def test_record_says_what_is_needed_to_do_it_again(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    monkeypatch.setenv("SLURM_JOB_PARTITION", "gpu")
    record = provenance.record(
        code="abc",
        config={"epochs": 3},
        data=({"sha256": str(i)} for i in range(2)),
        identity="f00d",
        device="A100",
        pack=pack(best_epochs={3: 7}, diverged={4: 2}, machines={3: ["EPYC, A100"], 4: ["EPYC, A100", "EPYC, H100"]}),
    )
    record = json.loads(json.dumps(record))  # as the workflow keeps it
    assert (record["parameters"], record["seconds"], record["best_epochs"]) == (38, {"3": 1.5, "4": 2.5}, {"3": 7})
    assert record["identity"] == "f00d"
    assert record["diverged"] == {"4": 2}
    assert record["machines"] == {"3": ["EPYC, A100"], "4": ["EPYC, A100", "EPYC, H100"]}
    assert {"wall_seconds", "cpu_seconds", "peak_memory_mib"} <= set(record), "the report shows them"
    assert record["code"]["digest"] == "abc"
    assert record["config"] == {"epochs": 3}
    assert record["data"] == [{"sha256": "0"}, {"sha256": "1"}]
    assert record["job"] == {"slurm": "4711", "partition": "gpu"}
    assert record["machine"]["device"] == "A100"
    assert record["machine"]["cores"] >= 1
    assert {"python", "numpy", "keras", "pytest"} <= set(record["packages"])
    assert (record["fixed"]["floatx"], record["fixed"]["KERAS_BACKEND"]) == ("float32", "tensorflow")


def identity(**changes):
    base = {"code": "abc", "own_model": None, "config": {"epochs": 3, "batch_size": 8}, "data": [{"sha256": "d"}]}
    return provenance.identity(**base | changes)


def test_all_that_a_result_depends_on_is_part_of_its_identity():
    """Else a run would resume from a checkpoint of another one."""
    found = {
        identity(),
        identity(code="abd"),
        identity(own_model="nets"),
        identity(config={"epochs": 4, "batch_size": 8}),
        identity(data=[{"sha256": "e"}]),
        identity(data=[{"sha256": "d"}, {"sha256": "e"}]),
    }
    found |= {identity(packages={"keras": version}) for version in ("3.14", "3.15")}
    assert len(found) == 8


def test_another_version_of_a_package_that_computes_nothing_is_no_other_identity():
    """Else an upgrade of the progress bar would discard the checkpoints of a week."""
    versions = {"keras": "3.15", "rich": "15.0", "python": "3.11.7", "snakemake": "9.27"}
    assert identity(packages=versions) == identity(packages=versions | {"rich": "16.0", "python": "3.11.9"})


def test_the_same_training_has_the_same_identity_in_every_process_and_place(monkeypatch):
    """Also on another machine, in another job: a training may go on there."""
    before = identity()
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    assert identity() == before
    assert identity(config={"batch_size": 8, "epochs": 3}, data=({"sha256": "d"} for _ in range(1))) == before
    ask = (
        "from calotype.training import provenance; print(provenance.identity("
        "code='abc', own_model=None, config={'epochs': 3, 'batch_size': 8}, data=[{'sha256': 'd'}]))"
    )
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow"), "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == before


def test_cost_is_that_of_this_process():
    cost = provenance.process_cost()
    assert set(cost) == {"wall_seconds", "cpu_seconds", "peak_memory_mib"}
    assert 0 < cost["wall_seconds"] < 24 * 3600
    assert cost["cpu_seconds"] > 0
    used = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20
    assert used * 0.9 <= cost["peak_memory_mib"] < 2**20


def git(folder, *arguments):
    command = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e@example.org", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_changed_files_do_not_pass_for_the_commit(tmp_path):
    assert provenance.git_revision(tmp_path) is None
    git(tmp_path, "init")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert provenance.git_revision(tmp_path) == commit
    git(tmp_path, "tag", "v1")
    assert provenance.git_revision(tmp_path) == commit, "a tag may move, a commit may not"
    (tmp_path / "file").write_text("2")
    assert provenance.git_revision(tmp_path) == f"{commit}-dirty"
