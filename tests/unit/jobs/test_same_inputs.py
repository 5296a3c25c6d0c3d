"""Jobs whose inputs were written again with the same content do not run; no other job is lost."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from calotype.jobs import same_inputs

SNAKEMAKE = Path(sys.executable).with_name("snakemake")
LIBRARY = Path(same_inputs.__file__).parents[2]
# Images, two models that train on them, and a table of both. The images of `flat` are always the same.
RULES = """
from calotype.jobs import same_inputs

assert same_inputs.install() is None


rule all:
    input:
        "table",
        branch(config.get("flaky"), then="flaky"),


rule prepare:
    output:
        images="images.npy",
        manifest="images.json",
    params:
        level=config["level"],
    shell:
        "sleep 2; echo {params.level} > {output.images}; cp {output.images} {output.manifest}"


rule train:
    input:
        images=ancient("images.npy"),
        manifest="images.json",
    output:
        "{model}.h5",
    params:
        epochs=lambda wildcards: config[wildcards.model],
    shell:
        "cat {input.manifest} > {output}; echo {params.epochs} >> {output}"


rule table:
    input:
        expand("{model}.h5", model=["small", "large"]),
    output:
        "table",
    params:
        label=config["label"],
    shell:
        "cat {input} > {output}; echo {params.label} >> {output}"


rule flaky:
    output:
        "flaky",
    retries: 1
    threads: lambda wildcards, attempt: attempt  # the second attempt waits for a core
    shell:
        "test -e failed || {{ touch failed; false; }}; touch {output}"
"""
FIRST = {"level": 1, "small": 1, "large": 1, "label": "none"}


@pytest.fixture
def ran(tmp_path: Path) -> Callable[..., list[str]]:
    """Return a function that calls Snakemake, and returns the sorted names of the jobs that ran."""
    (tmp_path / "Snakefile").write_text(RULES, encoding="utf-8")

    def call(*arguments: str, **changed: object) -> list[str]:
        config = [f"{key}={value}" for key, value in (FIRST | changed).items()]
        done = subprocess.run(
            [str(SNAKEMAKE), "--cores", "2", *arguments, "--config", *config],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(LIBRARY)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found = re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", done.stdout + done.stderr, re.MULTILINE)
        return sorted({*found} - {"all"})

    assert call() == ["prepare", "table", "train"]
    return call


@pytest.mark.slow
def test_the_same_images_run_nothing_and_other_images_train(ran, tmp_path):
    (tmp_path / "images.json").unlink()
    (tmp_path / "table").unlink()
    assert ran("--forcerun", "prepare") == ["prepare", "table"]
    assert ran(level=2) == ["prepare", "table", "train"]
    assert ran(level=2) == []


@pytest.mark.slow
def test_a_reason_to_train_counts_beside_the_same_images(ran, tmp_path):
    assert ran("images.json", level=2) == ["prepare"]
    assert ran(small=2) == ["prepare", "table", "train"]
    assert [int(*(tmp_path / f"{name}.h5").read_text().split()[1:]) for name in ("small", "large")] == [2, 1]
    assert ran("images.json", level=2, small=2) == ["prepare"]
    assert ran(label="new", small=2) == ["prepare", "table"]
    assert ran("--forcerun", "prepare", "train", label="new", small=2) == ["prepare", "train"]
    assert ran("--forceall", label="new", small=2) == ["prepare", "table", "train"]


@pytest.mark.slow
def test_a_failed_job_that_waits_for_its_retry_is_not_lost(ran):
    assert ran("--forcerun", "prepare", flaky=True) == ["flaky", "prepare"]


def test_a_snakemake_with_another_plan_is_noticed():
    from snakemake import api  # noqa: F401 # before its parts, which import each other
    from snakemake.dag import DAG

    assert same_inputs.fits(DAG)
    assert not same_inputs.fits(type("DAG", (DAG,), {"finish": None}))
    assert not same_inputs.fits(type("DAG", (DAG,), {"__init__": lambda _: None}))
