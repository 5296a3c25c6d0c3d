"""Pages, captions and docstrings are plain English: short sentences, and one standard term for one thing."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("[a-z]*/README.md"), *ROOT.glob("[a-z]*/[a-z]*/README.md")})
TEXTS = {str(page.relative_to(ROOT)): [page] for page in PAGES}
TEXTS["captions"] = sorted((ROOT / "workflow/report").glob("*.rst"))
TEXTS |= {f"docstrings of {tree}": sorted((ROOT / tree).rglob("*.py")) for tree in ("workflow", "tests")}

LONG, LONG_FRACTION = 25, 0.05  # words of a sentence, and the fraction of sentences that may have more
WEAK, WEAK_FRACTION = re.compile(r"\b(what|that which|those (?:that|which))\b", re.IGNORECASE), 0.019  # of all words
QUESTION = re.compile(r"(What|Whether|How|Why|Where|When)\b")
INSTEAD = {  # terms that are never right, by the term to use
    "duplicate": "stands? there twice",
    "resume": "goe?s? on on",
    "split at random": "deals? out|dealt out",
    "fix": "mend(?:s|ed|ing)?",
    "again": "anew",
    "test-time augmentation": "test views?",
    "smoke test": r"rehears\w+",
    "most confident errors": "confident mistakes?",
    "scan": "surveys?",
    "custom": "of one's own",
    "killed": "without a word",
    "British spelling": r"colors?|colored|gray\w*|normaliz\w+|centers?|centered|neighbors?|behaviors?|labeled",
}
NEVER = {use: re.compile(rf"\b(?:{term})\b", re.IGNORECASE) for use, term in INSTEAD.items()}
# A list item, a heading, a row of a table, or a section of a docstring.
BEGINS = re.compile(r"\s*([-*|]|\d+\.|#+)(\s|$)|(Args|Attributes|Returns|Raises):")


def docstrings(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the docstrings of a module, with their first lines."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and (docstring := ast.get_docstring(node)):
            yield node.body[0].lineno, docstring


def paragraphs(file: Path) -> Iterator[list[tuple[int, str]]]:
    """Yield paragraphs, list items and cells of tables as numbered lines, without blocks of code and comments."""
    if file.suffix == ".py":
        texts = list(docstrings(file))
    else:
        text = file.read_text(encoding="utf-8")
        texts = [(1, re.sub(r"```.*?```|<!--.*?-->", lambda code: "\n" * code[0].count("\n"), text, flags=re.DOTALL))]
    for first, text in texts:
        lines: list[tuple[int, str]] = []
        for number, line in enumerate([*text.splitlines(), ""], first):
            if (begins := BEGINS.match(line)) or not line.strip():
                yield lines
                lines = []
            if line.lstrip().startswith("|"):
                yield from ([(number, cell)] for cell in line.split("|") if len(cell.split()) > 5)
            elif line.strip():
                lines.append((number, line[begins.end() :] if begins else line))


def sentences(text: str) -> Iterator[tuple[str, int]]:
    """Yield the sentences of a text after their places, and their numbers of words; code counts as one word."""
    for file in TEXTS[text]:
        for lines in paragraphs(file):
            whole = re.sub(r"``?[^`\n]+`?`", "CODE", "\n".join(line for _, line in lines))
            whole = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", whole)  # a link without its address
            for found in re.finditer(r"\S.*?(?:[.!?](?=\s)|\Z)", whole, re.DOTALL):
                number = lines[whole.count("\n", 0, found.start())][0]
                words = len(re.findall(r"[A-Za-z][\w'’-]*", found[0]))
                yield f"{file.relative_to(ROOT)}:{number}: {' '.join(found[0].split())}", words


@pytest.mark.parametrize("text", TEXTS)
def test_a_reader_understands_each_sentence_at_once(text):
    found = [(sentence, words) for sentence, words in sentences(text) if words]
    total = sum(words for _, words in found)
    assert total > 100, "nothing was measured"
    long = [sentence for sentence, words in found if words > LONG]
    weak = [sentence for sentence, _ in found for _ in WEAK.findall(sentence)]
    problems = [f"use {use!r}: {said}" for said, _ in found for use, term in NEVER.items() if term.search(said)]
    if len(long) > LONG_FRACTION * len(found):
        problems += [f"more than {LONG} words, as in {len(long)} of {len(found)}: {sentence}" for sentence in long]
    if len(weak) > WEAK_FRACTION * total:
        problems += [f"a weak relative, {len(weak)} in {total} words: {sentence}" for sentence in weak]
    assert not problems, "\n" + "\n".join(problems)


def test_a_docstring_begins_with_a_verb_or_a_noun():
    files = [*TEXTS["docstrings of workflow"], *TEXTS["docstrings of tests"]]
    begun = [(f"{file.relative_to(ROOT)}:{line}", text) for file in files for line, text in docstrings(file)]
    assert not (asked := [f"{place}: {text.splitlines()[0]}" for place, text in begun if QUESTION.match(text)]), asked


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 180
