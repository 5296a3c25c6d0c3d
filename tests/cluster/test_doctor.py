"""`snakemake cluster` on a real Slurm, the profile that it writes, and each form of a request that the profile shows.

The calls run side by side.
"""

import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster.private_slurm import PrivateSlurm
from cluster.slurm_config import ACCOUNT, GPU_NODES, NODE_MEMORY, user_name
from cluster.test_cluster import PATIENCE, PRINTED, SNAKEMAKE
from conftest import copy_project

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

REPOSITORY = Path(__file__).parents[2]
PROFILE = (REPOSITORY / "slurm/config.yaml").read_text(encoding="utf-8")
QUICK = ["--slurm-init-seconds-before-status-checks", "3"]
CPU_PARTITION = {"slurm_partition: short": "slurm_partition: cpu"}  # the names of the private Slurm
# Forms of requests that are comments of the profile: by key, the fields of `scontrol show job` that they must reach.
FIELDS = {
    "slurm_account": ["Account={}"],
    "qos": ["QOS={}"],
    "gres": ["TresPerNode=gres:{}"],
    "gpu": ["TresPerJob=gres:gpu:{}"],
    "gpu_model": ["TresPerJob=gres:gpu:{}"],
    "constraint": ["Features={}"],
    "slurm_partition": ["Partition={}"],
    "slurm_extra": ["Reservation=my_course"],
}


def forms() -> dict[str, dict[str, Any]]:
    """Return the commented lines of the profile as resources, one form each; `gpu_model` also needs `gpu`."""
    found = re.findall(r"^ +# ((?:slurm_\w+|qos|gres|gpu|gpu_model|constraint): .*)$", PROFILE, re.MULTILINE)
    lines = [yaml.safe_load(CPU_PARTITION.get(line, line)) for line in dict.fromkeys(found)]
    assert {key for line in lines for key in line} == FIELDS.keys()
    return {f"form_{number}": line for number, line in enumerate(lines)}


def profile_of_forms() -> dict[str, Any]:
    """Return a profile that asks for each form in place of the line that it replaces."""
    sections = {}
    for name, form in forms().items():
        given = {"slurm_partition": "gpu", "gres": "gpu:1", "mem_mb": 500, "runtime": 5, "slurm_extra": ""} | form
        if form.keys() & {"gpu", "gpu_model"}:
            del given["gres"]
            given["gpu"] = 1
        if form.get("slurm_partition") == "cpu":
            del given["gres"]
        given["slurm_extra"] += " --begin=now+1hour"  # a job would need seconds of a core
        sections[name] = given
    return {"executor": "slurm", "jobs": 50, "set-resources": sections}


def prepare(slurm: PrivateSlurm) -> None:
    """Add the accounts, the QoS and the reservation that the profile names, and a limit."""
    for account in ("my_project", "my_gpu_project"):
        slurm.client("sacctmgr", "-i", "add", "account", account)
        slurm.client("sacctmgr", "-i", "add", "user", user_name(), f"account={account}")
    slurm.client("sacctmgr", "-i", "add", "qos", "gpu")
    slurm.client("sacctmgr", "-i", "modify", "user", user_name(), "set", "qos+=gpu")
    reservation = ["ReservationName=my_course", f"Users={user_name()}", f"Nodes={GPU_NODES[-1]}"]
    slurm.client("scontrol", "create", *reservation, "StartTime=now", "Duration=60", "Flags=IGNORE_JOBS")


def call(slurm: PrivateSlurm, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a call of Snakemake whose output is added to a file."""
    with (folder / PRINTED).open("ab") as printed:
        return subprocess.Popen(
            [str(SNAKEMAKE), *arguments],
            cwd=folder,
            env={key: value for key, value in slurm.env.items() if key != "PYTHONDONTWRITEBYTECODE"},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
        )


@dataclass(frozen=True)
class Seen:
    """Output of the calls, and the jobs of the forms."""

    folder: Path  # of the project
    page: str
    refused: str  # the second call that writes to the same folder
    run: str
    jobs: dict[str, str]  # `scontrol show job`, by form


@pytest.fixture(scope="module")
def seen(slurm: PrivateSlurm, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Look at the cluster, write a profile and use it; meanwhile, send a job for each form of a request."""
    base = tmp_path_factory.mktemp("doctor")
    project, others = base / "project", base / "forms"
    copy_project(project)
    (others / "forms").mkdir(parents=True)
    shutil.copy2(Path(__file__).with_name("forms.smk"), others / "Snakefile")
    (others / "forms/config.yaml").write_text(yaml.safe_dump(profile_of_forms()), encoding="utf-8")
    prepare(slurm)
    config = [f"library={REPOSITORY / 'workflow'}", f"forms={','.join(forms())}"]
    sent = call(slurm, others, "--profile", "forms", *QUICK, "--config", *config)
    try:
        pages = []
        for status in (0, 1):
            (project / PRINTED).unlink(missing_ok=True)
            look = call(slurm, project, "--cores", "1", "cluster", "--config", "write=my-slurm")
            assert look.wait(PATIENCE) == status, (project / PRINTED).read_text()
            pages.append((project / PRINTED).read_text())
        (project / PRINTED).unlink()
        targets = ["gpu_test", "results/prepared/dots/train.json"]
        assert call(slurm, project, "--profile", "my-slurm", *QUICK, *targets).wait(PATIENCE) == 1
        while (others / PRINTED).read_text().count("has been submitted") < len(forms()):
            assert sent.poll() is None, (others / PRINTED).read_text()
            time.sleep(0.2)
        shown = slurm.client("scontrol", "--oneliner", "show", "job")
    finally:
        sent.send_signal(signal.SIGINT)
        sent.wait()
        slurm.client("scontrol", "delete", "ReservationName=my_course", check=False)
    jobs = {found[1]: line for line in shown.splitlines() if (found := re.search(r"Comment=rule_(form_\d+)", line))}
    return Seen(project, pages[0], pages[1], (project / PRINTED).read_text(), jobs)


def test_the_page_shows_partitions_accounts_gpus_and_the_way_to_go_on(seen):
    assert re.search(rf"^You +{user_name()}; accounts: {ACCOUNT} \(default\), .*my_project", seen.page, re.MULTILINE)
    assert re.search(r"^\*  cpu +24 h +2 +8 +16,000  -$", seen.page, re.MULTILINE)
    assert re.search(r"^   gpu +24 h +2 +8 +16,000  1 x a100 \+ 1 x 1g\.10gb \(8 shards\)$", seen.page, re.MULTILINE)
    assert re.search(r"^  gpu: chosen for training and prediction, 4 GPUs; would start ", seen.page, re.MULTILINE)
    assert "Next    snakemake --profile my-slurm gpu_test" in seen.page
    assert max(map(len, re.findall(r"^Slurm  .*?^Wrote", seen.page, re.MULTILINE | re.DOTALL)[0].splitlines())) <= 80


def test_the_written_profile_asks_for_no_more_than_the_partition_has(seen):
    written = yaml.safe_load((seen.folder / "my-slurm/config.yaml").read_text(encoding="utf-8"))
    shipped = yaml.safe_load(PROFILE)
    for rule in ("find_gpu", "train", "predict"):
        asked = f"min((2000 + 2000 * threads) * 2 ** (attempt - 1), {NODE_MEMORY})"
        assert written["set-resources"][rule]["mem_mb"] == asked
    assert written["group-components"] == ["data=45"]  # a day, and 32 minutes for two attempts at a split
    assert written.keys() == shipped.keys()


def test_an_existing_profile_is_never_replaced(seen):
    assert "error: write: my-slurm/config.yaml already exists; nothing was written." in seen.refused
    assert "Partitions" not in seen.refused


def test_the_written_profile_sends_jobs_that_finish(seen):
    assert (seen.folder / "results/prepared/dots/train.json").exists()
    assert len(re.findall("has been submitted with SLURM jobid", seen.run)) == 2


def test_a_job_on_a_node_without_a_usable_gpu_says_why_and_what_to_install(seen):
    (block,) = re.findall(r"^Failed: find_gpu\n(?:  .*\n)*", seen.run, re.MULTILINE)
    assert re.search(r"Slurm job \d+ on g[12]: FAILED", block)
    assert re.search(r"TensorFlow sees no GPU on \S+: TensorFlow \S+ of this environment is for CPUs only\.\n", block)
    assert "Hint: pip install -r envs/gpu.txt" in block
    assert "Submitted again" not in block


@pytest.mark.parametrize("name", forms())
def test_each_form_of_a_request_that_the_profile_shows_reaches_slurm(seen, name):
    (form,) = forms()[name].items()
    job = seen.jobs[name]
    for field in FIELDS[form[0]]:
        assert field.format(form[1]) in job
    assert "JobState=PENDING Reason=BeginTime" in job


def test_a_controller_that_is_away_is_said_in_one_sentence(slurm, tmp_path):
    away = tmp_path / "slurm.conf"
    text = (slurm.folder / "slurm.conf").read_text(encoding="utf-8")
    away.write_text(re.sub(r"^SlurmctldPort=\d+", "SlurmctldPort=1", text, flags=re.MULTILINE), encoding="utf-8")
    environment = slurm.env | {"SLURM_CONF": str(away), "PYTHONPATH": str(REPOSITORY / "workflow")}
    code = "from calotype.jobs import cluster\ntry:\n    cluster.read()\nexcept Exception as error:\n    print(error)"
    command = [str(SNAKEMAKE.with_name("python")), "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "cluster: Slurm does not answer `scontrol show config`: " in done.stdout
    assert "Unable to contact slurm controller" in done.stdout
    assert "Hint: try again later; `scontrol ping` shows if the controller is up." in done.stdout
