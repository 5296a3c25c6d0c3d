"""Find the folder of the workflow. A hosted repository is copied first, as Snakemake downloads only the rule files.

The rules run this file before they can import the library, so it imports nothing of it.
"""

import os
import runpy
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

COPIES = Path(".snakemake/calotype")


def importable_workflow(rules: Any) -> Path:
    """Find the folder of the workflow, and make its library importable here and in the processes of scripts."""
    folder = workflow_folder(rules)
    library = str(folder.resolve())
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [library, os.environ.get("PYTHONPATH")]))
    sys.path.insert(0, library)
    bytecode = runpy.run_path(str(folder / "calotype/util/bytecode.py"))  # not imported: its own byte code may be bad
    bytecode["repair"]([library])
    bytecode["install"]()
    return folder


def workflow_folder(rules: Any) -> Path:
    """Return the folder with scripts and library, given the folder of the rules as Snakemake's `SourceFile`."""
    if hasattr(rules, "hosted_repo"):
        return copy_of_repository(rules.hosted_repo.repo, rules.ref) / Path(rules.path).parent
    folder = Path(rules.get_path_or_uri(secret_free=True)).resolve().parent
    if not (folder / "calotype").is_dir():
        raise FileNotFoundError(
            f"{rules}: no library beside these rules.\nHint: use a clone or a git submodule, "
            '`snakefile: "calotype/Snakefile"`, or a git server, `snakefile: github("<owner>/calotype", '
            'path="Snakefile", ...)`.'
        )
    return folder


def copy_of_repository(repository: Any, revision: str) -> Path:
    """Copy all files of one commit of a `git.Repo` into the project, once, and return the copy.

    Its path is the same for each commit, so another commit with the same code makes nothing run again.
    """
    commit = repository.commit(revision).hexsha
    COPIES.mkdir(parents=True, exist_ok=True)
    if not (COPIES / commit).exists():
        with tempfile.TemporaryFile() as archive, tempfile.TemporaryDirectory(dir=COPIES) as aside:
            repository.archive(archive, commit)
            archive.seek(0)
            with tarfile.open(fileobj=archive) as files:
                # Debian 12 has Python 3.11.2, where `extractall` has no argument `filter`.
                files.extraction_filter = getattr(tarfile, "data_filter", None)
                files.extractall(Path(aside, "copy"))
            os.replace(Path(aside, "copy"), COPIES / commit)
    current = COPIES / "current"
    if not current.exists() or current.resolve().name != commit:
        Path(COPIES, commit, "link").symlink_to(commit)
        os.replace(COPIES / commit / "link", current)
    return current
