"""The modules that each stage's digest counts: an import that lets a stage reach too much would train for nothing."""

import json
from pathlib import Path

from calotype.util.code_digest import reach

REPOSITORY = Path(__file__).parents[2]
REACHED = Path(__file__).with_name("code_reach.txt")


def test_a_stage_reaches_the_modules_that_it_is_meant_to_and_no_others(fresh, tmp_path):
    """The default plan gives the entry points, the modules that each excludes, and the table entries that it uses."""
    fresh.plan("--config", "studies=[dots,digits]")
    kept = json.loads((fresh.folder / ".snakemake/contents/code.json").read_text(encoding="utf-8"))
    found: dict[str, set[str]] = {}
    for key in kept.keys() - {"state"}:
        entry, without, picks = json.loads(key)
        name = Path(entry).name
        if name == entry and "predict" not in entry:
            continue  # a figure, a step or a reader: each reaches little
        if name != entry:
            entry = REPOSITORY / "workflow/scripts" / name
        definitions = reach(entry, tuple(without), picks).definitions
        modules = {definition.partition(":")[0] for definition in definitions} - {"<entry>", "calotype"}
        found.setdefault(name, set()).update(modules)
    text = "".join("\n    ".join([name, *sorted(found[name])]) + "\n" for name in sorted(found))
    (tmp_path / "reached.txt").write_text(text, encoding="utf-8")
    advice = f"see that each change is meant, then: cp {tmp_path}/reached.txt {REACHED.relative_to(REPOSITORY)}"
    assert text == REACHED.read_text(encoding="utf-8"), advice
