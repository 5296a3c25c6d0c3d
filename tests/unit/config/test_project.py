"""A call is refused for its config before Snakemake plans anything, and the error names where the value comes from."""

import time
from pathlib import Path

import pytest
import yaml
from unit.config.test_bad_config import DATASETS, SETTINGS, STUDIES  # the smallest of projects

from calotype.config.project import check_settings_file, open_project
from calotype.util.errors import CalotypeError


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Open a project with settings of the command line, and give the error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CALOTYPE_DATA", raising=False)
    Path("config/studies").mkdir(parents=True)
    datasets = {"dots": DATASETS["dots"]}
    Path("config/datasets.yaml").write_text(yaml.safe_dump(datasets), encoding="utf-8")
    Path("config/studies/dots.yaml").write_text(yaml.safe_dump(STUDIES["dots"]), encoding="utf-8")
    written = SETTINGS | {"studies": ["dots"]}
    Path("config/config.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    assert open_project(written, ["config/config.yaml"]).config.settings.studies == ["dots"]

    def give(typed, *, main=True, **settings):
        before = time.process_time()
        with pytest.raises(CalotypeError) as problem:
            open_project(written | settings | typed, ["config/config.yaml"], typed, main=main)
        assert time.process_time() - before < 3
        return str(problem.value)

    return give


TYPED = "command line (--config): "


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"studies": "dots"}, f"{TYPED}studies: \"dots\" is not a list. Hint: --config 'studies=[dots]'"),
        ({"paper": "a, b"}, f"{TYPED}paper: \"a, b\" is not a list. Hint: --config 'paper=[a, b]'"),
        ({"studies": "[dots"}, f"{TYPED}studies: \"[dots\" is not a list. Hint: --config 'studies=[dots]'"),
        ({"seeds": "many"}, f'{TYPED}seeds: "many" is not a whole number.'),
        ({"sedes": 2}, f"{TYPED}sedes: is not a known key. Hint: did you mean `seeds`?"),
        ({"studies": ["x" * 3000]}, f"{TYPED}studies: study `{'x' * 59}... not found"),
        ({"studies": ["dost"]}, f"{TYPED}studies: study `dost` not found"),
        ({"results": "/dev/null/x"}, f"{TYPED}results: /dev/null/x: /dev/null is not a folder."),
        ({"data": "x" * 300}, f"{TYPED}data: {'x' * 40}...: the path is too long."),
        ({"local_data": "nowhere"}, f"{TYPED}local_data: nowhere: folder not found."),
    ],
)
def test_a_mistake_on_the_command_line_is_not_looked_for_in_the_file(refused, typed, message):
    found = refused(typed)
    assert message in found
    assert "config.yaml" not in found


def test_a_mistake_in_the_file_is_not_blamed_on_the_command_line(refused):
    found = refused({"seeds": 2}, studies="dots", local_data="nowhere")
    assert found == 'config/config.yaml: studies: "dots" is not a list.'
    assert refused({"seeds": 2}, local_data="nowhere").startswith("config/config.yaml: local_data: nowhere: folder not")


def test_a_folder_of_files_that_is_mistyped_does_not_start_a_download(refused, monkeypatch):
    monkeypatch.setenv("CALOTYPE_DATA", "/nowhere")
    assert refused({}).startswith("CALOTYPE_DATA: /nowhere: folder not found.")


def test_a_job_on_a_node_does_not_need_the_folder_of_files_to_fetch(refused, monkeypatch):
    monkeypatch.setenv("CALOTYPE_DATA", "/nowhere")
    assert "local_data" not in refused({"seeds": 0}, main=False)
    assert open_project(SETTINGS | {"studies": ["dots"], "local_data": "/nowhere"}, ["config/config.yaml"], main=False)


@pytest.mark.parametrize("seeds", [10_001, 10**9, 10**200])
def test_seeds_beyond_all_sense_do_not_keep_a_call_waiting(refused, seeds):
    assert "seeds: " in refused({"seeds": seeds})
    assert "out of range: it must be <= 10000" in refused({"seeds_per_job": seeds})


def test_thousands_of_wrong_keys_do_not_keep_a_call_waiting(refused):
    found = refused({f"k{number}{'k' * 3000}": 1 for number in range(5_000)})
    assert found.endswith("and more errors.")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"seeds: 5\n\tpaper: [dots]\n", "config/config.yaml, line 2: not valid YAML"),
        (b"seeds: 5\n paper: [dots]\n", "config/config.yaml, line 2: not valid YAML"),
        ("seeds: 5\nname: Übung\n".encode("latin-1"), "config/config.yaml, line 2: not UTF-8 text."),
        (b"", "config/config.yaml: is not a mapping"),
        (b"[dots]", "config/config.yaml: is not a mapping"),
    ],
)
def test_a_mistake_in_the_form_of_config_yaml_is_named_with_its_line(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    Path("config/config.yaml").write_bytes(content)
    with pytest.raises(CalotypeError, match=r"config/config\.yaml") as problem:
        check_settings_file(Path("config/config.yaml"))
    assert str(problem.value).startswith(message)
