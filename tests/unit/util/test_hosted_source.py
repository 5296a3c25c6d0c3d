"""The workflow finds its library, also if Snakemake fetched only the rule files from a server."""

import ast
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import git
import pytest

from calotype.util import hosted_source


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Return a git repository with one rule file and one file of the library."""
    folder = tmp_path / "server"
    for file in ("workflow/rules/common.smk", "workflow/calotype/util/files.py"):
        (folder / file).parent.mkdir(parents=True)
        (folder / file).write_text("# first\n", encoding="utf-8")
    made = git.Repo.init(folder, initial_branch="main")
    commit(made, "first")
    monkeypatch.chdir(tmp_path)
    return made


def commit(repository, message):
    author = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    call = ["git", *author, "commit", "--quiet", "--allow-empty", "--message", message]
    subprocess.run(["git", "add", "."], cwd=repository.working_dir, check=True)
    subprocess.run(call, cwd=repository.working_dir, check=True)


def hosted(repository):
    """Return the rules folder of a hosted repository, with the attributes of Snakemake's class that are read."""
    return SimpleNamespace(hosted_repo=SimpleNamespace(repo=repository), ref="main", path="workflow/rules")


def test_the_library_of_a_hosted_repository_is_copied_beside_its_rules(repository):
    found = hosted_source.workflow_folder(hosted(repository))
    assert (found / "calotype/util/files.py").read_text(encoding="utf-8") == "# first\n"


def test_another_commit_is_found_by_the_same_path_so_that_nothing_runs_again(repository):
    before = hosted_source.workflow_folder(hosted(repository))
    Path(repository.working_dir, "workflow/calotype/util/files.py").write_text("# second\n", encoding="utf-8")
    commit(repository, "second")
    after = hosted_source.workflow_folder(hosted(repository))
    assert before == after
    assert (after / "calotype/util/files.py").read_text(encoding="utf-8") == "# second\n"


def test_a_copy_that_exists_is_used_again(repository):
    found = hosted_source.workflow_folder(hosted(repository))
    (found / "kept").touch()
    assert (hosted_source.workflow_folder(hosted(repository)) / "kept").exists()


def test_rules_without_the_library_beside_them_are_refused_with_the_ways_to_name_them(tmp_path):
    rules = SimpleNamespace(get_path_or_uri=lambda **_: str(tmp_path / "workflow/rules"))
    with pytest.raises(FileNotFoundError, match=r"no library(.|\n)*github"):
        hosted_source.workflow_folder(rules)


def test_it_can_run_before_the_library_can_be_imported():
    tree = ast.parse(Path(hosted_source.__file__).read_text(encoding="utf-8"))
    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    modules |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules <= sys.stdlib_module_names
