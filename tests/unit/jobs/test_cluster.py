"""A cluster as its user sees it, read from outputs of real Slurms and from the forms in its documentation."""

import pytest

from calotype.jobs import cluster
from calotype.jobs.cluster import Association, Cluster, Nodes, Qos
from calotype.jobs.cluster_access import Access, Limit, access_to
from calotype.util.errors import CalotypeError


def accesses() -> dict[str, Access]:
    """Read the cluster, and return the way to use each partition."""
    found = cluster.read()
    return {partition.name: access_to(partition, found) for partition in found.partitions}


@pytest.mark.usefixtures("rich")
def test_partitions_that_a_user_cannot_use_are_told_with_slurms_reason():
    assert {name: access.refusal for name, access in accesses().items()} == {
        **dict.fromkeys(["short", "cpu", "gpu", "mig", "gpu-long", "secret"], ""),
        "endless": "all its nodes are down or drained",
        "chem": "only for account chemistry",
        "staff": "only for group irc",
        "empty": "has no nodes",
        "closed": "is closed (DOWN)",
        "whole": "only for jobs of 2 nodes or more",
        "resv": "only with a reservation",
        "adm": "for administrators",
    }


def test_limits_of_partition_account_and_qos_all_count(rich):
    found = accesses()
    assert found["cpu"].minutes == Limit(3 * 1440, "MaxTime of cpu")
    assert found["gpu"].minutes == Limit(90, "MaxWall of QoS gpuq")
    assert found["gpu"].submitted == Limit(20, "MaxSubmit of account lab")
    assert (found["cpu"].running.value, found["gpu"].running.value) == (10, 4)
    assert (found["gpu-long"].qos, found["gpu-long"].names_qos) == ("long", True)
    assert found["gpu-long"].minutes == Limit(5 * 1440, "MaxWall of QoS long")
    rich.edit("config", "associations,limits,qos", "associations")
    found = accesses()
    assert found["gpu"].minutes == Limit(120, "MaxTime of gpu"), "Slurm does not enforce the others"
    assert found["gpu"].submitted == Limit()


def test_gpus_are_counted_by_type_on_nodes_that_are_up(rich):
    found = {partition.name: partition for partition in cluster.read().partitions}
    assert [nodes.gpus for nodes in found["gpu"].nodes] == [{"a100": 2}, {"t4": 2}]
    assert [nodes.shards for nodes in found["gpu"].nodes] == [0, 8]
    assert (found["gpu"].gpus, found["gpu"].mib(gpu=True)) == (4, 16000)
    assert found["cpu"].mib() == 8000, "MaxMemPerNode"
    rich.edit("nodes", "gpu|1|idle|8|12000", "gpu|1|down*|8|12000")
    found = {partition.name: partition for partition in cluster.read().partitions}
    assert found["gpu"].gpus == 2


def test_another_account_is_named_where_the_default_one_may_not_go(rich):
    rich.partition("chem", AllowAccounts="chemistry,other")
    found = accesses()["chem"]
    assert (found.refusal, found.account, found.names_account) == ("", "other", True)
    rich.edit("user", "private|other||", "private|other|mig|")
    assert accesses()["chem"].refusal == "only for account chemistry, other", "the account is for mig only"


def test_a_partition_that_denies_an_account_or_a_qos_is_read_as_such(rich):
    rich.partition("mig", DenyAccounts="lab")
    rich.partition("gpu-long", AllowQos="ALL", DenyQos="normal")
    found = accesses()
    assert (found["mig"].account, found["mig"].names_account) == ("other", True)
    assert (found["gpu-long"].account, found["gpu-long"].qos) == ("lab", "long")


def test_an_account_without_a_list_of_qos_has_the_normal_one(rich):
    rich.edit("user", "long,normal", "")
    rich.edit("user", "private|other||normal", "private|other||")
    rich.edit("user", "private|root||normal", "private|root||")
    rich.partition("gpu-long", AllowQos="high,normal")
    assert (accesses()["gpu-long"].refusal, accesses()["gpu-long"].names_qos) == ("", False)
    rich.partition("gpu-long", AllowQos="high")
    assert accesses()["gpu-long"].refusal == "only for QoS high"


def test_without_accounting_partitions_can_still_be_used(bare):
    found = cluster.read()
    assert not found.has_accounting
    assert not [command for command in bare.asked if command.startswith("sacctmgr")]
    ways = accesses()
    assert {name: way.refusal for name, way in ways.items()} == dict.fromkeys(["cpu", "gpu", "urgent"], "")
    assert ways["cpu"].partition.mib() == 0, "the nodes declare no memory"


def test_an_accounting_that_does_not_answer_is_not_taken_for_a_missing_account(rich):
    (rich.folder / "user.txt").unlink()
    found = cluster.read()
    assert found.has_accounting
    assert not found.accounting_answers
    assert accesses()["gpu"].refusal == ""
    assert accesses()["chem"].refusal == "only for account chemistry, and Slurm does not tell your accounts"


def test_a_user_without_an_account_is_told_where_slurm_asks_for_one(rich):
    (rich.folder / "user.txt").write_text("", encoding="utf-8")
    assert accesses()["gpu"].refusal == "you have no account"


def test_accounts_of_other_clusters_are_apart(rich):
    rich.edit("user", "private|other||", "alps|other||")
    found = cluster.read()
    assert found.elsewhere == ("alps",)
    assert [each.account for each in found.associations] == ["lab", "root"]


def test_a_machine_without_slurm_or_access_to_it_ends_with_one_sentence(rich, tmp_path, monkeypatch):
    (rich.folder / "nodes.txt").write_text("", encoding="utf-8")
    (rich.folder / "partitions.txt").write_text("", encoding="utf-8")
    with pytest.raises(CalotypeError, match=r"^cluster: Slurm shows no partition\.\nHint: ask the administrators"):
        cluster.read()
    (rich.folder / "config.txt").unlink()
    with pytest.raises(CalotypeError, match=r"^cluster: Slurm does not answer `scontrol show config`: cat: .*\nHint: "):
        cluster.read()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        CalotypeError, match=r"no Slurm on this machine: `sinfo` not found.\nHint: call this on a login"
    ):
        cluster.read()


# Forms that the documentation of Slurm gives, and that large sites use.
FORMS = {
    "gpu:tesla_v100-pcie-16gb:4(S:0-1),lustre:1": ({"tesla_v100-pcie-16gb": 4}, 0),
    "gpu:nvidia_a100_3g.20gb:4(S:0,2),gpu:nvidia_a100_1g.5gb:7(S:1)": (
        {"nvidia_a100_3g.20gb": 4, "nvidia_a100_1g.5gb": 7},
        0,
    ),
    "gpu:8(S:0-7)": ({"": 8}, 0),
    "shard:h100:16,gpu:h100:4,mps:400": ({"h100": 4}, 16),
    "craynetwork:4": ({}, 0),
    "(null)": ({}, 0),
}


@pytest.mark.parametrize("gres", FORMS)
def test_each_way_to_write_the_gpus_of_a_node_is_read(gres):
    (found,) = cluster.partitions_of("PartitionName=p", f"p*|3|mixed|64|512000|{gres}|intel,ib")
    assert found.nodes == (Nodes(3, False, 64, 512000, *FORMS[gres], ("intel", "ib")),)


@pytest.mark.parametrize("state", ["down", "down*", "drained", "draining", "fail", "idle*", "maint", "unk", "reboot^"])
def test_nodes_that_start_no_job_do_not_count(state):
    (found,) = cluster.partitions_of("PartitionName=p", f"p|3|{state}|64|512000|gpu:4|(null)")
    assert (found.gpus, found.mib()) == (0, 0)


@pytest.mark.parametrize("state", ["idle", "mixed", "allocated", "idle~", "completing", "planned", "mixed-"])
def test_nodes_that_work_or_sleep_count(state):
    (found,) = cluster.partitions_of("PartitionName=p", f"p|3|{state}|64|512000|gpu:4|(null)")
    assert (found.gpus, found.mib(gpu=True)) == (12, 512000)


def test_memory_for_each_core_limits_a_job_to_that_of_all_cores():
    (found,) = cluster.partitions_of("PartitionName=p MaxMemPerCPU=1000", "p|1|idle|8|16000|(null)|(null)")
    assert found.mib() == 8000


def test_a_partition_of_a_newer_slurm_is_read():
    """The fields of 24.11, which has more than 22.05."""
    shown = (
        "PartitionName=batch AllowGroups=ALL DenyAccounts=guests AllowQos=normal,high AllocNodes=ALL Default=YES "
        "QoS=N/A DefaultTime=01:00:00 DisableRootJobs=NO ExclusiveUser=NO ExclusiveTopo=NO GraceTime=0 Hidden=NO "
        "MaxNodes=UNLIMITED MaxTime=UNLIMITED MinNodes=0 LLN=NO MaxCPUsPerNode=UNLIMITED MaxCPUsPerSocket=UNLIMITED "
        "Nodes=n[1-4] PriorityJobFactor=1 PriorityTier=1 RootOnly=NO ReqResv=NO OverSubscribe=YES:4 "
        "OverTimeLimit=NONE PreemptMode=OFF State=UP TotalCPUs=256 TotalNodes=4 SelectTypeParameters=NONE "
        "JobDefaults=DefCpuPerGPU=8 DefMemPerNode=UNLIMITED MaxMemPerNode=UNLIMITED "
        "TRES=cpu=256,mem=2000000M,node=4,billing=256,gres/gpu=16"
    )
    (found,) = cluster.partitions_of(shown, "batch*|4|idle|64|500000|gpu:h100:4|(null)")
    assert found.is_default
    assert found.minutes is None
    lab = Association("lab", "", ("high",), "", None, None, None)
    here = Cluster({}, "ada", frozenset(), (found,), True, "lab", (lab,), qos={"high": Qos(minutes=60)})
    assert access_to(found, here).minutes == Limit(), "limits are not enforced"
    assert access_to(found, here).names_qos is False
