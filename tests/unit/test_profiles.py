"""The Slurm profile fits the rules: rules that share a job request the resources of one of them."""

import re
import shutil
import subprocess
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]
PROFILE = yaml.safe_load((REPOSITORY / "slurm/config.yaml").read_text(encoding="utf-8"))


def test_rules_that_share_a_job_do_not_ask_for_the_cores_and_the_memory_of_all_of_them(rules):
    grouped = {name: rule for name, rule in rules.items() if rule["group"]}
    assert {"prepare", "evaluate"} <= grouped.keys()
    assert PROFILE["default-resources"]["at_once"] == 1
    assert not [name for name in grouped if "at_once" in PROFILE["set-resources"].get(name, {})]
    assert "at_once=local" in PROFILE["set-resource-scopes"]
    several = {name for name, rule in grouped.items() if not rule["one_thread"]}
    assert {name for name in several if not name.startswith("figures_")} == PROFILE["set-threads"].keys()


def test_the_profile_sets_resources_of_rules_that_exist(rules):
    assert PROFILE["set-resources"].keys() <= rules.keys()


def test_models_that_use_no_gpu_do_not_take_one(rules):
    sections = PROFILE["set-resources"]
    on_cpu = [name for name in rules if name.endswith("_on_cpu")]
    assert on_cpu == ["train_on_cpu", "predict_on_cpu"]
    for name in on_cpu:
        assert sections[name.removesuffix("_on_cpu")].keys() - sections[name].keys() == {"slurm_partition", "gres"}


def test_no_more_than_two_smoke_tests_run_on_a_login_node():
    assert "smoke_tests=2" in PROFILE["resources"]
    assert PROFILE["set-resources"]["smoke_test"]["smoke_tests"] == 1


def test_the_command_of_the_docs_gives_all_rules_of_the_profile_their_prefix_in_a_module(tmp_path):
    shutil.copytree(REPOSITORY / "slurm", tmp_path / "slurm")
    docs = (REPOSITORY / "config/README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^sed -i .*$", docs, re.MULTILINE)
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    found = yaml.safe_load((tmp_path / "slurm/config.yaml").read_text(encoding="utf-8"))
    keys = ("set-resources", "set-threads")
    assert found == PROFILE | {key: {f"calotype_{name}": given for name, given in PROFILE[key].items()} for key in keys}
