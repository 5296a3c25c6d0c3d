"""Find the folder of the workflow; of a hosted repository, copy it first, as Snakemake brings the rule files alone.

The rules run this file before they can import the library: it imports nothing of it.
"""

import os
import tarfile
import tempfile
from pathlib import Path
from typing import Any

COPIES = Path(".snakemake/calotype")


def workflow_folder(rules: Any) -> Path:
    """Find the folder that holds the rules, the scripts and the library.

    Args:
        rules: the folder of the rules, as Snakemake knows it (a `SourceFile`).

    Raises:
        FileNotFoundError: there is no library beside the rules.
    """
    if hasattr(rules, "hosted_repo"):
        return copy_of_repository(rules.hosted_repo.repo, rules.ref) / Path(rules.path).parent
    folder = Path(rules.get_path_or_uri(secret_free=True)).resolve().parent
    if not (folder / "calotype").is_dir():
        raise FileNotFoundError(
            f"{rules}: no library beside these rules.\nHint: name a clone or a git submodule, "
            '`snakefile: "calotype/Snakefile"`, or a git server, `snakefile: github("<owner>/calotype", '
            'path="Snakefile", ...)`.'
        )
    return folder


def copy_of_repository(repository: Any, revision: str) -> Path:
    """Copy all files of one commit into the project, once.

    Args:
        repository: a `git.Repo`.
        revision: a branch, tag or commit.

    Returns:
        The copy. The path is the same for each commit: another commit with the same code makes nothing run again.
    """
    commit = repository.commit(revision).hexsha
    COPIES.mkdir(parents=True, exist_ok=True)
    if not (COPIES / commit).exists():
        with tempfile.TemporaryFile() as archive, tempfile.TemporaryDirectory(dir=COPIES) as aside:
            repository.archive(archive, commit)
            archive.seek(0)
            with tarfile.open(fileobj=archive) as files:
                # Not an argument of `extractall`, which Python has since 3.11.4; Debian 12 has an older one.
                files.extraction_filter = getattr(tarfile, "data_filter", None)
                files.extractall(Path(aside, "copy"))
            os.replace(Path(aside, "copy"), COPIES / commit)
    current = COPIES / "current"
    if not current.exists() or current.resolve().name != commit:
        Path(COPIES, commit, "link").symlink_to(commit)
        os.replace(COPIES / commit / "link", current)
    return current
