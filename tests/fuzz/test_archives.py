"""Damaged downloads, packages and checkpoints: the content is right, or it is not used."""

import gzip
import hashlib
import io
import random
import shutil
import tarfile
from functools import cache
from pathlib import Path

import numpy as np
from fuzz.bounded import counted, faults, run, sizes
from fuzz.mutators import spoil, with_tar_checksum

from calotype.fetch.fetch import SUMS, fetch
from calotype.fetch.package_managers import _unpack
from calotype.fetch.state import Limits, Order, UnusableError
from calotype.training.checkpoints import Checkpoint, load, save
from calotype.util.errors import CalotypeError

CONTENT = b"labels\n" * 300
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()
LIMITS = Limits(file=2**20, package=2**22)
ARRAYS = {"weights": np.arange(400, dtype=np.float32), "state": np.zeros((3, 4)), "none": np.zeros(0)}
VALUES = {"epoch": 3, "history": [0.25, 0.5]}


def packed(mode: str) -> bytes:
    """Return a package with the file, another one, a link and a folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, kind, content in (
            ("package", tarfile.DIRTYPE, b""),
            ("package/other", tarfile.REGTYPE, b"other" * 500),
            ("package/link", tarfile.SYMTYPE, b""),
            ("package/labels", tarfile.REGTYPE, CONTENT),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.size, member.linkname = (
                kind,
                len(content),
                "/etc/hostname" if name[-4:] == "link" else "",
            )
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@cache
def whole() -> dict[str, bytes]:
    """Return an undamaged file of each kind."""
    folder = Path("whole")
    save(folder, "run", Checkpoint(ARRAYS, VALUES))
    checkpoint = (folder / "000001.npz").read_bytes()
    shutil.rmtree(folder)
    bomb = gzip.compress(bytes(2**25))
    return {
        "gz": gzip.compress(CONTENT), "bomb": bomb, "tar.gz": packed("w:gz"), "tar": packed("w"), "npz": checkpoint,
    }  # fmt: skip


def mutants(number: int, seed: int) -> list[tuple[str, bytes]]:
    """Kinds of files, each with a spoilt content."""
    draw = random.Random(seed)
    found = []
    for place in range(number):
        kind = [*whole()][place % len(whole())]
        content = whole()[kind]
        if kind == "tar" and draw.random() < 0.6:
            start = 512 * draw.randrange(3)
            head = bytearray(content[start : start + 512])
            for _ in range(draw.choice((1, 2, 6))):
                head[draw.randrange(345)] = draw.choice((0, 0x20, 0x2F, 0x30, 0x37, 0x80, 0xFF, draw.randrange(256)))
            content = content[:start] + with_tar_checksum(bytes(head)) + content[start + 512 :]
        elif "gz" in kind and draw.random() < 0.2:
            content = content[:3] + bytes([draw.randrange(256)]) + content[4 : draw.randint(4, 60)]
        elif kind == "gz" and draw.random() < 0.3:
            content = content + draw.choice((content, b"\0" * 9, b"\x1f\x8b", draw.randbytes(30)))
        else:
            content = spoil(content, draw)
        found.append((kind, content))
    return found


def used(case: tuple[str, bytes]) -> None:
    """Take what can be used of a file; an assertion fails if something else came of it."""
    kind, content = case
    for folder in ("had", "mine", "run"):
        shutil.rmtree(folder, ignore_errors=True)
    if kind == "npz":
        _resumed(content)
    elif kind.startswith("tar"):
        _unpacked(content, "r|gz" if kind == "tar.gz" else "r|")
    else:
        _had_from_a_folder(content)


def _resumed(content: bytes) -> None:
    Path("run").mkdir()
    Path("run/000001.npz").write_bytes(content)
    found = load(Path("run"), "run")
    if found is None:
        assert not Path("run/000001.npz").exists(), "a damaged checkpoint would count as one of the two that are kept"
    else:
        assert found.values == VALUES
        assert found.arrays.keys() == ARRAYS.keys()
        assert all(np.array_equal(found.arrays[name], array) for name, array in ARRAYS.items())


def _unpacked(content: bytes, mode: str) -> None:
    Path("had").mkdir()
    order = Order("d", {"labels": CHECKSUM}, Path("had"), Path("parts"), LIMITS)
    try:
        _unpack(order, "package", io.BytesIO(content), mode)
    except UnusableError as error:
        if not 10 < len(str(error)) < 300:
            raise AssertionError("no reason, or too long") from error
    kept = {path.name: path.read_bytes() for path in Path("had").iterdir()}
    assert kept == ({} if order.missing else {"labels": CONTENT})


def _had_from_a_folder(content: bytes) -> None:
    Path("mine").mkdir()
    Path("mine/labels.gz").write_bytes(content)
    try:
        fetch(Path("had"), {"labels": CHECKSUM}, [], name="d", own=[Path("mine")], parts=Path("parts"), limits=LIMITS)
    except CalotypeError as error:
        if "labels.gz" not in str(error) or Path("had").exists():
            raise AssertionError("names no file, or has left something") from error
        raise
    assert {path.name for path in Path("had").iterdir()} == {"labels", SUMS}
    assert Path("had/labels").read_bytes() == CONTENT


@sizes(150, 1500)
def test_a_damaged_archive_or_checkpoint_is_never_used_and_no_traceback(
    number, tmp_path, monkeypatch, pytestconfig, note
):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    kinds = run(used, [*whole().items()])
    assert [end.kind for end in kinds] == ["read", "refused", "read", "read", "read"]
    cases = mutants(number, pytestconfig.getoption("--fault-seed"))
    outcomes = run(used, cases)
    note(f"archives and checkpoints: {counted(outcomes)}")
    assert not (found := faults(cases, outcomes, tmp_path)), "\n".join(found)
