"""Use of a GPU, measured by NVIDIA's bindings on an invented driver: of two GPUs, a process uses the second."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MEASURE = """
import json
from calotype.jobs.gpu_use import GpuUse
use = GpuUse()
for _ in range(4):
    use.sample()
print(json.dumps(use.record()))
"""
COMPILER = shutil.which("cc") or shutil.which("gcc")


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """Return the folder of the library of the invented driver."""
    if COMPILER is None:
        pytest.skip("no C compiler here; on Debian: apt-get install gcc")
    folder = tmp_path_factory.mktemp("driver")
    source = Path(__file__).with_name("fake_nvml.c")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-o", folder / "libnvidia-ml.so.1", source], check=True)
    return folder


def measured(driver, what="", **environment):
    """Measure in a process that sees the driver, with the environment of a job."""
    base = {key: value for key, value in os.environ.items() if key != "CUDA_VISIBLE_DEVICES"}
    library = {"LD_LIBRARY_PATH": str(driver)} if driver else {}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE],
        env=base | library | {"PYTHONPATH": str(ROOT / "workflow"), "FAKE_NVML": what} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_the_gpu_on_which_a_process_computes_is_measured(driver):
    """CUDA may number GPUs in another order than NVML does."""
    found = measured(driver, CUDA_VISIBLE_DEVICES="0")
    assert found == {"name": "Second", "busy_percent": 50.0, "memory_mib": 512, "energy_joules": 5}


@pytest.mark.parametrize("visible", ["1", "GPU-second", "1,0"])
def test_the_gpu_of_a_job_is_measured_with_its_energy(driver, visible):
    found = measured(driver, CUDA_VISIBLE_DEVICES=visible)
    assert found == {"name": "Second", "busy_percent": 50.0, "memory_mib": 512, "energy_joules": 5}


def test_a_container_that_hides_processes_gives_the_memory_of_the_device(driver):
    found = measured(driver, "without processes", CUDA_VISIBLE_DEVICES="0")
    assert found["name"] == "First"
    assert found["memory_mib"] == 700


@pytest.mark.parametrize(("lacks", "key"), [("utilization", "busy_percent"), ("energy", "energy_joules")])
def test_a_gpu_that_does_not_tell_one_value_still_tells_the_others(driver, lacks, key):
    found = measured(driver, f"without {lacks}", CUDA_VISIBLE_DEVICES="1")
    assert key not in found
    assert found["memory_mib"] == 512


@pytest.mark.parametrize("environment", [{"CUDA_VISIBLE_DEVICES": ""}, {"CUDA_VISIBLE_DEVICES": "-1"}])
def test_a_job_without_a_gpu_records_none(driver, environment):
    assert measured(driver, **environment) == {}


def test_no_driver_and_a_driver_that_fails_are_no_errors(driver):
    assert measured(driver, "driver too old") == {}
    assert measured(None) == {}
