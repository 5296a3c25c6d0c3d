"""Spoilt config files: each is taken or refused with one error that names a file, at once."""

import random
import shutil
from pathlib import Path

import yaml
from conftest import REPOSITORY
from fuzz.bounded import counted, faults, run, sizes
from fuzz.mutators import spoil_tree, spoil_yaml

from calotype.config.project import check_settings_file, open_project
from calotype.util.errors import CalotypeError
from calotype.util.yaml_validation import read_yaml

SETTINGS = Path("config/config.yaml")


class _Plain(yaml.SafeDumper):
    """Writes each value in full, without anchors."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def mutants(number: int, seed: int) -> list[tuple[str, bytes]]:
    """Names of config files, each with a spoilt content."""
    draw = random.Random(seed)
    files = {str(file.relative_to(REPOSITORY)): file for file in sorted((REPOSITORY / "config").rglob("*.yaml"))}
    files = {name: file for name, file in files.items() if "tutorial" not in name}
    texts = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
    found = []
    for _ in range(number):
        name = draw.choice([*texts])
        if draw.random() < 0.6:
            tree = spoil_tree(yaml.safe_load(texts[name]), draw)
            text = yaml.dump(tree, Dumper=_Plain, sort_keys=False, allow_unicode=True)
            content = text.encode("utf-8", "surrogatepass")
        else:
            content = spoil_yaml(texts[name], draw)
        found.append((name, content))
    return found


def opened(case: tuple[str, bytes]) -> None:
    """Open a project in which one file is spoilt, as a call of Snakemake does."""
    name, content = case
    file = Path(name)
    before = file.read_bytes()
    file.write_bytes(content)
    try:
        check_settings_file(SETTINGS)
        layout = open_project(read_yaml(SETTINGS), [str(SETTINGS)])
        for report, studies in layout.reports().items():
            if studies and report not in layout.config.broken:
                layout.everything(report)
    except CalotypeError as error:
        if "config/" not in str(error) or len(str(error)) > 50_000:
            raise AssertionError("names no file, or is too long") from error
        raise
    finally:
        file.write_bytes(before)
        if Path("hacked").exists():
            raise AssertionError("code in the file was run")


@sizes(60, 1600)
def test_a_spoilt_config_file_is_one_error_and_no_traceback(number, tmp_path, monkeypatch, pytestconfig, note):
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    cases = mutants(number, pytestconfig.getoption("--fault-seed"))
    outcomes = run(opened, cases)
    note(f"config files: {counted(outcomes)}")
    assert not (found := faults(cases, outcomes, tmp_path)), "\n".join(found)
