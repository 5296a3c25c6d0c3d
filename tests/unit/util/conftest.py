"""Python files of a user, and their digests."""

from pathlib import Path

import pytest

from calotype.util import code_digest
from calotype.util.code_digest import NO_RESULT, reach


class Files:
    """Python files of a user; one of them defines the function `net`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def digest(self, text: str | None = None, file: str = "nets.py", name: str = "net", **beside: str) -> str:
        """Write files and return the digest of a function, as a new process computes it."""
        files = {f"{other}.py": content for other, content in beside.items()} | ({} if text is None else {file: text})
        for other, content in files.items():
            path = self.folder / other.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        code_digest.forget()
        return code_digest.code_digest(f"{self.folder / file}:{name}", NO_RESULT)

    def unclear(self, file: str = "nets.py") -> dict[str, str]:
        """Return the files that count as a whole: the reason, by file name."""
        found = reach(f"{self.folder / file}:net", NO_RESULT).unclear
        return {Path(path).name: why for path, why in found.items()}


@pytest.fixture
def files(tmp_path):
    """Return the folder of a user's files, without digests from earlier tests."""
    code_digest.forget()
    yield Files(tmp_path / "models")
    code_digest.forget()
