"""Configuration of a private Slurm: nodes, partitions, and limits of jobs.

There are two nodes without and some with GPUs. The GPUs are links to /dev/null, and the nodes declare more cores and
memory than the machine has. Each node with GPUs has a whole one and a slice of another, which jobs may also share.
"""

import os
import pwd
import re
import shlex
import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

CLUSTER = "private"
ACCOUNT = "lab"
CPU_NODES = ("c1", "c2")
GPU_NODES = ("g1", "g2")
NODE_CPUS = 8
NODE_MEMORY = 16_000  # MiB, each
GPU_TYPES = ("a100", "1g.10gb")  # of a node, one each; the second is a slice
GPUS_PER_NODE = len(GPU_TYPES)
SHARDS_PER_NODE = 8
URGENT = "urgent"  # the partition whose jobs preempt all others on the GPU nodes
GRACE = 5  # s that a preempted job still has

# Debian installs daemons into folders that are not in a user's PATH.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])

CGROUP_V1_MEMORY = Path("/sys/fs/cgroup/memory")

SLURM_CONF = """\
ClusterName={cluster}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
# A requeued job starts one second after this lifetime of a credential; Slurm's default is 120 s.
AuthInfo=socket={folder}/munge.socket,cred_expire={cred_expire}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdLogFile={folder}/slurmd-%n.log
# Two clusters may run on one machine, and control groups are named by node and job.
FirstJobId={first_job}
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
MinJobAge=300
KillWait=5
InactiveLimit=0
SlurmdTimeout={slurmd_timeout}

# Slurm starts preempted jobs and jobs of a failed node again.
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE

# Tracking of processes and limits of memory.
ProctrackType={proctrack}
TaskPlugin={task}
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
{memory_parameters}

# The tests should wait for jobs, not for the scheduler.
SchedulerParameters=batch_sched_delay=0,sched_min_interval=1,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides

AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={dbd_port}
AccountingStoragePass={folder}/munge.socket
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment

GresTypes=gpu,shard
{nodes}
PartitionName=DEFAULT MaxTime=24:00:00 DefMemPerCPU=1000 State=UP PriorityTier=1 GraceTime={grace}
PartitionName=cpu Nodes={cpu_nodes} Default=YES
PartitionName=gpu Nodes={gpu_nodes}
PartitionName={urgent} Nodes={gpu_nodes} PriorityTier=2 PreemptMode=OFF
"""

SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={dbd_port}
SlurmUser={user}
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm
PidFile={folder}/slurmdbd.pid
"""

CGROUP_CONF = """\
CgroupPlugin=cgroup/v1
CgroupAutomount=no
ConstrainRAMSpace=yes
ConstrainSwapSpace=no
"""


def memory_is_constrained() -> bool:
    """Check that control groups limit the memory of jobs; otherwise Slurm measures it every second."""
    return os.geteuid() == 0 and os.access(CGROUP_V1_MEMORY / "memory.limit_in_bytes", os.F_OK)


def user_name() -> str:
    """Return the name of the user of this process; LOGNAME and USER are ignored."""
    return pwd.getpwuid(os.geteuid()).pw_name


def write_config(
    folder: Path,
    slurmd_ports: Mapping[str, int],
    gpu_nodes: Sequence[str],
    *,
    ctld_port: int,
    dbd_port: int,
    slurmd_timeout: int,
    cred_expire: int,
    settings: Sequence[str] = (),
) -> None:
    """Write the configuration files of the daemons, and links as GPUs.

    Args:
        folder: of the private Slurm.
        slurmd_ports: ports of slurmd by node.
        gpu_nodes: nodes with GPUs.
        ctld_port, dbd_port: ports of slurmctld and slurmdbd.
        slurmd_timeout, cred_expire: seconds, see `private_slurm.PrivateSlurm`.
        settings: lines of slurm.conf in place of those with the same key (or partition); without a value, these go.
    """
    constrained = memory_is_constrained()
    kinds = ",".join(f"gpu:{type_}:1" for type_ in GPU_TYPES)
    gpus = dict.fromkeys(gpu_nodes, f" Gres={kinds},shard:{SHARDS_PER_NODE} Feature={GPU_TYPES[0]}")
    nodes = [
        f"NodeName={node} NodeAddr=127.0.0.1 NodeHostname={socket.gethostname()} Port={port} CPUs={NODE_CPUS} "
        f"RealMemory={NODE_MEMORY} State=UNKNOWN{gpus.get(node, '')}"
        for node, port in slurmd_ports.items()
    ]
    values = {
        "cluster": CLUSTER,
        "host": socket.gethostname(),
        "folder": folder,
        "user": user_name(),
        "ctld_port": ctld_port,
        "dbd_port": dbd_port,
        "first_job": ctld_port * 1000,
        "cred_expire": cred_expire,
        "slurmd_timeout": slurmd_timeout,
        "grace": GRACE,
        "urgent": URGENT,
        "proctrack": "proctrack/linuxproc",
        "task": "task/cgroup" if constrained else "task/none",
        "memory_parameters": "" if constrained else "JobAcctGatherParams=OverMemoryKill",
        "nodes": "\n".join(nodes),
        "cpu_nodes": ",".join(CPU_NODES),
        "gpu_nodes": ",".join(gpu_nodes),
    }
    text = SLURM_CONF.format_map(values)
    for line in settings:
        key = re.match(r"(PartitionName=)?\w+", line)
        assert key is not None, line
        text = re.sub(rf"^{key[0]}\b.*\n", "", text, flags=re.MULTILINE) + ("" if line.endswith("=") else f"{line}\n")
    (folder / "slurm.conf").write_text(text, encoding="utf-8")
    (folder / "slurmdbd.conf").write_text(SLURMDBD_CONF.format_map(values), encoding="utf-8")
    (folder / "slurmdbd.conf").chmod(0o600)  # slurmdbd insists: others keep a password in it
    if constrained:
        (folder / "cgroup.conf").write_text(CGROUP_CONF, encoding="utf-8")
    gres = [f"Name=shard Count={SHARDS_PER_NODE}"]
    for number, type_ in enumerate(GPU_TYPES):
        (folder / f"nvidia{number}").symlink_to(os.devnull)
        gres.append(f"Name=gpu Type={type_} File={folder}/nvidia{number} AutoDetect=off")
    lines = [f"NodeName={node} {each}\n" for node in gpu_nodes for each in gres]
    (folder / "gres.conf").write_text("".join(lines), encoding="utf-8")
    # Snakemake's job step calls srun without any variable of Slurm, SLURM_CONF among them; on most clusters srun
    # finds /etc/slurm/slurm.conf without it.
    wrapper = folder / "bin" / "srun"
    wrapper.parent.mkdir()
    real = shutil.which("srun", path=SEARCH_PATH)
    wrapper.write_text(
        f'#!/bin/sh\nSLURM_CONF={shlex.quote(str(folder / "slurm.conf"))} exec {real} "$@"\n', encoding="utf-8"
    )
    wrapper.chmod(0o755)
    (folder / "state").mkdir()
    for node in slurmd_ports:
        (folder / f"spool-{node}").mkdir()
