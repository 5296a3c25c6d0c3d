"""Names, packages and paths that could harm in a shell are refused."""

import copy
from pathlib import Path

import pytest
from unit.mistakes import (
    FILES,
    SETTINGS,
    complaint,
    content_of,
    dumped,
    text_of,
)

pytestmark = pytest.mark.usefixtures("valid_config")

HOSTILE = [
    "$(touch hacked)",
    "`touch hacked`",
    "a; touch hacked",
    "a && touch hacked",
    "a | touch hacked",
    "a\ntouch hacked",
    "a'b",
    'a"b',
    "a b",
    "../a",
    "/etc/passwd",
    "a/b",
    "a\\b",
    ".",
    "..",
    "-rf",
    "--config",
    "{wildcards.study}",
    "{a}",
    "a*",
    "~",
    "é",
    "叶",
    "a\0",
    "a\x1b[31m",
    "",
    " ",
    "%s",
    "<b>",
    "a\n",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_could_do_harm_in_a_path_or_a_shell_is_refused_wherever_it_stands(name):
    """Names of datasets, splits, variants, studies and files become parts of paths and of commands."""
    for file, where in (("datasets", ()), ("datasets", ("leaves", "splits")), ("leaves", ("variants",))):
        content = place = content_of(file)
        for key in where:
            place = place[key]
        place[name] = copy.deepcopy(next(iter(place.values())))
        Path(FILES[file]).write_text(dumped(content), encoding="utf-8")
        assert "is not a plain name (letters, digits, - and _)" in complaint(file)
        Path(FILES[file]).write_text(text_of(file), encoding="utf-8")
    text = complaint("config", SETTINGS | {"studies": [name]})
    assert "studies.0: " in text
    assert "is not a plain name" in text


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("key", ["npm", "debian", "python"])
def test_a_package_that_could_do_harm_in_a_shell_is_refused(name, key):
    content = content_of("datasets")
    content["digits"]["fetch"]["sources"] = [{key: name}]
    Path(FILES["datasets"]).write_text(dumped(content), encoding="utf-8")
    assert f"digits.fetch.sources.0.{key}: " in complaint("datasets")


@pytest.mark.parametrize("key", ["name", "images", "data", "results", "local_data", "datasets", "study_files"])
@pytest.mark.parametrize("text", ["$(touch hacked)", "`touch hacked`", 'a";touch hacked;"', "a\\", "a\ntouch hacked"])
def test_what_the_command_line_hands_on_to_jobs_holds_nothing_that_a_shell_takes_for_a_command(key, text):
    """Snakemake repeats `--config` in the command of each job, between quotes that do not keep these out."""
    assert f"config/config.yaml: {key}: {text!r} is not" in complaint("config", SETTINGS | {key: text})
