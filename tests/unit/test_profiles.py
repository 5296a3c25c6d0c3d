"""The Slurm profile fits the rules: what shares a job asks for no more than one of them needs."""

import re
import shutil
import subprocess
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]
PROFILE = yaml.safe_load((REPOSITORY / "slurm/config.yaml").read_text(encoding="utf-8"))


def grouped_rules(having: str = "") -> list[str]:
    """The names of all rules that are in a group, and have a line that begins so."""
    found = []
    for file in sorted((REPOSITORY / "workflow/rules").glob("*.smk")):
        rules = re.split(r"^rule (\w+):$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        bodies = zip(rules[1::2], rules[2::2], strict=True)
        found += [name for name, body in bodies if "\n    group:\n" in body and f"\n    {having}" in body]
    return found


def test_rules_that_share_a_job_do_not_ask_for_the_cores_and_the_memory_of_all_of_them():
    rules = grouped_rules()
    assert {"prepare", "evaluate", "seeds"} <= set(rules)
    assert {name for name in rules if PROFILE["set-resources"].get(name, {}).get("at_once") != 1} == set()
    assert "at_once=local" in PROFILE["set-resource-scopes"]
    assert dict.fromkeys(grouped_rules("threads: "), 1) == PROFILE["set-threads"]


def test_the_profile_sets_resources_of_rules_that_exist():
    text = "".join(file.read_text(encoding="utf-8") for file in (REPOSITORY / "workflow/rules").glob("*.smk"))
    assert set(PROFILE["set-resources"]) <= set(re.findall(r"^rule (\w+):$", text, re.MULTILINE))


def test_the_command_of_the_docs_gives_all_rules_of_the_profile_their_prefix_in_a_module(tmp_path):
    shutil.copytree(REPOSITORY / "slurm", tmp_path / "slurm")
    docs = (REPOSITORY / "config/README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^sed -i .*$", docs, re.MULTILINE)
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    found = yaml.safe_load((tmp_path / "slurm/config.yaml").read_text(encoding="utf-8"))
    renamed = {f"calotype_{name}": given for name, given in PROFILE["set-resources"].items()}
    assert found == PROFILE | {"set-resources": renamed}
