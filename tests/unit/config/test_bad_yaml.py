"""Files that are not YAML, or have values that YAML makes by itself, are named with their line."""

from pathlib import Path

import pytest
from unit.mistakes import FILES, STUDIES, complaint, read, text_of

pytestmark = pytest.mark.usefixtures("valid_config")

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
