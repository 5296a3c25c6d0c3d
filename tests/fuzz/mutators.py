"""Spoil bytes, text and plain data, the same way for the same seed."""

import copy
import random
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


# ---- Bytes -----------------------------------------------------------------------------------------------------------


def _flip(content: bytearray, draw: random.Random) -> None:
    for _ in range(draw.choice((1, 1, 3, 12))):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)


def _cut(content: bytearray, draw: random.Random) -> None:
    del content[draw.randrange(len(content)) :]


def _lose(content: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(content))
    del content[start : start + draw.randint(1, 40)]


def _add(content: bytearray, draw: random.Random) -> None:
    start = draw.randint(0, len(content))
    content[start:start] = draw.randbytes(draw.randint(1, 40))


def _repeat(content: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(content))
    content[start:start] = content[start : start + draw.randint(1, 300)]


def _blank(content: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(content))
    content[start : start + 64] = bytes(len(content[start : start + 64]))


def _extreme(content: bytearray, draw: random.Random) -> None:
    """Put an extreme number near the beginning, where formats keep sizes."""
    width, code = draw.choice(((1, "B"), (2, "H"), (4, "I")))
    number = draw.choice(EXTREMES) & (256**width - 1)
    start = draw.randrange(min(len(content), draw.choice((32, 128, 512))))
    content[start : start + width] = struct.pack(draw.choice("<>") + code, number)


SPOILERS: Sequence[Callable[[bytearray, random.Random], None]] = (
    _flip, _cut, _lose, _add, _repeat, _blank, _extreme, _extreme,
)  # fmt: skip


def spoil(content: bytes, draw: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """Damage a file in one or two ways; with others, sometimes go on as one of them."""
    found = bytearray(content)
    if others and draw.random() < 0.05:
        other = draw.choice(others)
        start = draw.randrange(min(len(found), len(other)))
        found[start:] = other[start:]
    for _ in range(draw.choice((1, 1, 1, 2))):
        if found:
            draw.choice(SPOILERS)(found, draw)
    return bytes(found)


def with_png_checksums(content: bytes) -> bytes:
    """Make the checksums of all whole chunks of a PNG right, so that a reader looks further."""
    found, place = bytearray(content), 8
    while place + 12 <= len(found):
        end = place + 8 + int.from_bytes(found[place : place + 4], "big")
        if end + 4 > len(found):
            break
        found[end : end + 4] = struct.pack(">I", zlib.crc32(found[place + 4 : end]))
        place = end + 4
    return bytes(found)


def with_tar_checksum(content: bytes) -> bytes:
    """Make the checksum of the first header of a tar file right."""
    found = bytearray(content)
    found[148:156] = b" " * 8
    found[148:156] = b"%06o\0 " % sum(found[:512])
    return bytes(found)


# ---- Plain data ------------------------------------------------------------------------------------------------------

VALUES: Sequence[Any] = (
    None, True, False, 0, -1, 1, 2, 10**9, 2**31, 2**64, 10**300, -(10**40), 0.5, -0.0, 1e308, 5e-324,
    float("nan"), float("inf"), float("-inf"), "", " ", "\n", "a\tb", "x" * 50_000, "Übergröße", "\u202e", "\x1b[31m",
    "..", "../up", "/", "/dev/zero", "/dev/stdin", "-o", "~", "$(touch hacked)", "`touch hacked`", "{dataset}", "%s",
    "=1+1", "no.py:f", "/dev/zero:f", "config/config.yaml:f", ":", "1e5", "0x10", "null", [], {}, [[]], [{}], [None],
    ["x", "x"], list(range(3000)), {"": ""}, {"x": {"x": {"x": {}}}}, {"name": "x"}, {"name": None}, {"values": [1]},
    {f"key{number}": number for number in range(400)},
)  # fmt: skip
KEYS: Sequence[Any] = (
    "", " ", "x", "name", "source", "seeds", "__class__", "__init__", "model_config", "model_fields", "copy", "a.b",
    "a/b", "..", "$x", "-x", "ключ", "y" * 4000, None, True, 1, 2.5,
)  # fmt: skip
Path = tuple[Any, ...]


def _places(tree: Any, here: Path = ()) -> list[Path]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [here, *(place for key, value in items for place in _places(value, (*here, key)))]


def _at(tree: Any, place: Path) -> Any:
    for key in place:
        tree = tree[key]
    return tree


def spoil_tree(tree: Any, draw: random.Random) -> Any:
    """Change one to three values or keys of plain data: wrong types, extremes, other keys, parts in other places."""
    root = [copy.deepcopy(tree)]
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        *above, key = draw.choice(_places(root)[1:])
        parent = _at(root, tuple(above))
        kind = draw.choice(("replace", "replace", "remove", "rename", "add", "wrap", "move", "scale"))
        if kind == "remove" and above:
            del parent[key]
        elif kind == "rename" and isinstance(parent, dict):
            near = (f"{key}s", str(key).upper(), str(key)[:-1])
            parent[draw.choice((*near, *KEYS))] = parent.pop(key)
        elif kind == "add" and isinstance(parent[key], dict):
            parent[key][draw.choice(KEYS)] = draw.choice(VALUES)
        elif kind == "add" and isinstance(parent[key], list):
            parent[key].append(draw.choice(VALUES))
        elif kind == "wrap":
            parent[key] = draw.choice(([parent[key]], {"x": parent[key]}))
        elif kind == "move":
            parent[key] = copy.deepcopy(_at(root, draw.choice(_places(root))))
        elif kind == "scale" and isinstance(parent[key], int | float):
            parent[key] = draw.choice((-parent[key], parent[key] * 10**7, parent[key] + 0.5, str(parent[key])))
        else:
            parent[key] = copy.deepcopy(draw.choice(VALUES))
        if not isinstance(root, list) or not root:
            break
    return root[0] if root else None


# ---- YAML ------------------------------------------------------------------------------------------------------------

LINES = (
    "<<: *x", "<<: 3", "<<: {seeds: 3}", "<<: [{seeds: 1}, 2]", "---", "...", "%YAML 3.0", "- x", "? x", "x: *x",
    "\tx: 1", "x: &x [*x]", "&x : &y {*y : 1}", "@", "`", "!x", "x: !!python/name:os.system", "x: |", "x: >9", "x: 'y",
)  # fmt: skip
SCALARS = (
    "!!int x", "!!int ''", "!!float ''", "!!bool 1", "!!timestamp 2000-13-45", "2000-02-30", "!!binary 'ä'",
    "!!set [x]", "!!omap {x: 1}", "!!map [1]", "!!seq {x: 1}", "!!python/object/apply:os.system ['touch hacked']",
    "0x" + "f" * 4000, "9" * 5000, "1:" * 1500 + "1", "0b", "1e999", "-.inf", ".nan", '"\\x00"', '"\\ud800"',
    '"\\Uffffffff"', "? ? ? x", "[" * 60, "{x: " * 60, "*unknown", "&x", "~", "=", "<<", "- - -",
)  # fmt: skip


def spoil_yaml(text: str, draw: random.Random) -> bytes:
    """Change the text of a YAML file as a slip of the hand, an editor, or a bad disk would."""
    lines = text.split("\n")
    place = draw.randrange(len(lines))
    kinds = ("bytes", "line", "double", "drop", "indent", "tab", "scalar", "encoding", "ends")
    kind = draw.choices(kinds, (2, 1, 1, 1, 1, 1, 2, 1, 1))[0]
    if kind == "bytes":
        return spoil(text.encode(), draw)
    if kind == "encoding":
        encoding = draw.choice(("latin-1", "utf-16", "utf-32", "utf-8-sig", "cp037"))
        return text.replace("e", "é", 1).encode(encoding, "replace")
    if kind == "ends":
        return text.replace("\n", draw.choice(("\r", "\r\n", "\x85", "\u2028", "\n\n"))).encode()
    if kind == "line":
        lines.insert(place, " " * draw.choice((0, 0, 2, 4)) + draw.choice(LINES))
    elif kind == "double":
        lines.insert(place, lines[place])
    elif kind == "drop":
        del lines[place]
    elif kind == "indent":
        lines[place] = " " * draw.randrange(8) + lines[place].lstrip()
    elif kind == "tab":
        lines[place] = lines[place].replace("  ", "\t", 1) if "  " in lines[place] else f"\t{lines[place]}"
    else:
        lines[place] = lines[place].partition(":")[0] + ": " + draw.choice(SCALARS)
    return "\n".join(lines).encode("utf-8", "surrogatepass")
