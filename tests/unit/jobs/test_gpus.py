"""Local trainings have a GPU each and do not wait for a dead one; Slurm is not asked for GPUs that stay idle."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from calotype.jobs import gpus
from calotype.util.errors import CalotypeError

SNAKEMAKE = Path(sys.executable).with_name("snakemake")
LIBRARY = Path(gpus.__file__).parents[2]
CARDS = """\
GPU 0: NVIDIA H100 (UUID: GPU-aa)
GPU 1: NVIDIA H100 (UUID: GPU-bb)
  MIG 3g.40gb     Device  0: (UUID: MIG-b0)
  MIG 3g.40gb     Device  1: (UUID: MIG-b1)
"""
TWO = "GPU 0: NVIDIA H100 (UUID: GPU-aa)\nGPU 1: NVIDIA H100 (UUID: GPU-bb)\n"
# Each job notes the GPU that it sees at its start and at its end.
RULES = """
import sys

from calotype.jobs import gpus

gpus.plan(workflow)


rule all:
    input:
        expand("{number}", number=range(4)),


rule train:
    output:
        "{number}",
    resources:
        gpu_jobs=1,
    params:
        python=sys.executable,
    shell:
        "{params.python} job.py {config[together]} && touch {output}"
"""
# A job ends when as many as may run at a time have started, so that they meet also on a busy machine.
JOB = """
import os, sys, time
from calotype.jobs import gpus

def note(what):
    file = os.open("notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{what} {os.environ.get('CUDA_VISIBLE_DEVICES')}\\n".encode())

gpus.take({'gpu_jobs': 1})
note("start")
started, together, patience = open("notes").read().count("start"), int(sys.argv[1]), time.time() + 30
while open("notes").read().count("start") < -(-started // together) * together and time.time() < patience:
    time.sleep(0.05)
note("end")
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Return a function that gives this machine cards, as `nvidia-smi` lists them, and a TensorFlow for them."""

    def make(listed: str, cuda: bool = True) -> dict[str, str]:
        tool, built = tmp_path / "bin/nvidia-smi", tmp_path / "lib/tensorflow/python/platform/build_info.py"
        for file in (tool, built, tmp_path / "lib/tensorflow/__init__.py"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        tool.write_text(f"#!/bin/sh\ncat <<'END'\n{listed}END\n", encoding="utf-8")
        tool.chmod(0o755)
        built.write_text(f"build_info = OrderedDict([('is_cuda_build', {cuda})])\n", encoding="utf-8")
        path = f"{tool.parent}{os.pathsep}{os.environ['PATH']}"
        monkeypatch.setenv("PATH", path)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        return os.environ | {"PYTHONPATH": f"{tmp_path}/lib:{LIBRARY}", "TMPDIR": str(tmp_path)}

    return make


def call(folder: Path, environment: dict[str, str], together: int, *arguments: str) -> list[str]:
    """Run four jobs on four cores, `together` at a time; return their notes."""
    (folder / "Snakefile").write_text(RULES, encoding="utf-8")
    (folder / "job.py").write_text(JOB, encoding="utf-8")
    command = [str(SNAKEMAKE), "--cores", "4", *arguments, "--config", f"together={together}"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return (folder / "notes").read_text(encoding="utf-8").splitlines()


def most_at_a_time(notes: list[str]) -> dict[str, int]:
    """Return the largest number of jobs that ran on each GPU at a time."""
    now, most = dict[str, int](), dict[str, int]()
    for what, gpu in map(str.split, notes):
        now[gpu] = now.get(gpu, 0) + (1 if what == "start" else -1)
        most[gpu] = max(most.get(gpu, 0), now[gpu])
    return most


def test_each_job_has_a_gpu_of_its_own_and_none_waits_in_vain(tmp_path, machine):
    assert most_at_a_time(call(tmp_path, machine(TWO), 2)) == {"GPU-aa": 1, "GPU-bb": 1}


def test_a_user_lets_two_jobs_share_a_gpu(tmp_path, machine):
    notes = call(tmp_path, machine(TWO), 4, "--resources", "gpu_jobs=4")
    assert most_at_a_time(notes) == {"GPU-aa": 2, "GPU-bb": 2}


def test_jobs_on_a_cpu_are_as_many_as_there_are_cores_beside_gpus_that_tensorflow_cannot_use(tmp_path, machine):
    assert most_at_a_time(call(tmp_path, machine(TWO, cuda=False), 4)) == {"None": 4}


def test_a_call_of_another_project_waits_for_its_gpu_until_the_job_that_holds_it_is_killed(machine):
    environment = machine(TWO) | {gpus.PLANNED: "GPU-aa"}
    take = "import time; from calotype.jobs import gpus; gpus.take({'gpu_jobs': 1})"
    hold = f"{take}; print('has it', flush=True); time.sleep(60)"
    first, second = (
        subprocess.Popen([sys.executable, "-c", hold], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    try:
        (ready, *_), *_ = select.select([first.stdout, second.stdout], [], [])
        holder, waiting = (first, second) if ready is first.stdout else (second, first)
        holder.kill()
        assert waiting.stdout.readline() == "has it\n"
    finally:
        for each in (first, second):
            each.kill()
            each.wait()
            each.stdout.close()


def test_parts_of_a_divided_card_are_gpus_of_their_own(machine):
    machine(CARDS)
    assert gpus.visible() == ["GPU-aa", "MIG-b0", "MIG-b1"]


@pytest.mark.parametrize(("given", "expected"), [("1,3", ["1", "3"]), ("", []), ("-1", []), ("2,-1,0", ["2"])])
def test_a_user_hides_gpus_from_all_jobs(machine, monkeypatch, given, expected):
    machine(TWO)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert gpus.visible() == expected


@pytest.mark.parametrize(
    "asked",
    [
        {"gres": "gpu:2"},
        {"gres": "gpu:a100:4"},
        {"gres": "'gpu:2' if attempt > 1 else 'gpu:1'"},
        {"gpu": 2, "gpu_model": "a100"},
        {"slurm_extra": "--signal=TERM@60 --gpus=2"},
        {"slurm_extra": "--gpus-per-node a100:2"},
        {"slurm_extra": "--gres=gpu:h100:2"},
        {"slurm_extra": "--gres=gpu:a100-80gb:2"},
        {"slurm_extra": "-G 2"},
    ],
)
def test_a_second_gpu_that_would_be_idle_is_refused(asked):
    (key,) = asked.keys() - {"gpu_model"}
    with pytest.raises(CalotypeError, match=rf"set-resources\.train\.{key}: .*: asks for \d GPUs for a job") as refused:
        gpus.refuse_several({"train": asked})
    assert str(asked[key]) in str(refused.value)


def test_one_gpu_in_any_form_is_accepted():
    forms = (
        *({"gres": gres} for gres in ("gpu:1", "gpu", "gpu:a100:1", "shard:8", "gpu:2g.20gb", "gpu:2g.20gb:1")),
        *({"gpu": 1, "gpu_model": "a100"}, {"slurm_extra": "--gpus=1 --cpus-per-gpu=4 --gres=shard:4"}, {}),
    )
    for form in forms:
        gpus.refuse_several({"train": form | {"mem_mb": "min(4000 * 2 ** attempt, 9)"}})
