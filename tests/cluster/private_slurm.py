"""A private, real Slurm on this machine for a test session.

Every daemon is a child of this process, listens on the loopback interface at a free port, and keeps all its files in
one folder. Nothing is installed or configured outside of it, so another Slurm on this machine is not disturbed.
It can simulate faults: a dead node, a daemon that is down for a time, preemption by a job of higher priority.
"""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from cluster.daemons import STOP_TIMEOUT, ClusterError, end, free_ports, job_of, kill, listens, remove_empty, step_of
from cluster.slurm_config import (
    ACCOUNT,
    CGROUP_V1_MEMORY,
    CLUSTER,
    CPU_NODES,
    GPU_NODES,
    SEARCH_PATH,
    user_name,
    write_config,
)
from cluster.slurm_jobs import FIELDS, Job

PROGRAMS = (
    *("munged", "mariadbd", "mariadb-install-db", "slurmdbd", "slurmctld", "slurmd"),
    *("sbatch", "srun", "sacct", "sacctmgr", "scancel", "scontrol", "sinfo", "squeue"),
)
INSTALL = "apt-get install slurmctld slurmd slurmdbd slurm-client munge mariadb-server"

# Variables that change Slurm, munge, MariaDB or Snakemake.
FOREIGN = (
    *("SLURM", "SBATCH", "SRUN", "SALLOC", "SACCT", "SQUEUE", "SINFO", "SCANCEL", "SCONTROL"),
    *("MUNGE", "MYSQL", "SNAKEMAKE"),
)

NO_ACCOUNTING = ("AccountingStorageType=accounting_storage/none", "AccountingStorageTRES=", "AccountingStoreFlags=")
START_TIMEOUT = 60.0  # s, for each daemon; all together take about 5 s on an idle machine
CLIENT_TIMEOUT = 60.0  # s; clients retry while slurmctld is down
SAVE_INTERVAL = 5.0  # s between two saves of slurmctld's state, at least


def missing_programs() -> list[str]:
    """Return the programs of Slurm and its accounting that this machine lacks."""
    return [program for program in PROGRAMS if shutil.which(program, path=SEARCH_PATH) is None]


class PrivateSlurm:
    """A context manager that starts a Slurm in a folder and ends it.

    Attributes:
        folder: contains all its files; the logs stay after its end.
        nodes: names of its nodes, nodes without GPUs first.
        gpu_nodes: names of the nodes with GPUs.
        env: the environment for its clients.
        seconds: duration of the start.
    """

    def __init__(
        self,
        folder: Path,
        *,
        gpu_nodes: Sequence[str] = GPU_NODES,
        slurmd_timeout: int = 300,
        cred_expire: int = 120,
        settings: Sequence[str] = (),
        accounting: bool = True,
    ) -> None:
        """Prepare to start.

        Args:
            folder: empty, with a short path, as the path of a socket has at most 107 characters.
            gpu_nodes: names of the nodes with GPUs.
            slurmd_timeout: seconds without an answer after which a node counts as dead.
            cred_expire: a requeued job waits for this number of seconds plus one. A job that takes longer to start
                fails.
            settings: lines of slurm.conf in place of those with the same key (or partition); without a value, these go.
            accounting: start slurmdbd; otherwise sacct and sacctmgr fail, as on a cluster without accounting.
        """
        self.folder = folder.resolve()
        self.gpu_nodes = tuple(gpu_nodes)
        self.nodes = (*CPU_NODES, *self.gpu_nodes)
        self._slurmd_timeout, self._cred_expire = slurmd_timeout, cred_expire
        self._settings, self._accounting = [*settings, *([] if accounting else NO_ACCOUNTING)], accounting
        self.seconds = 0.0
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self._ctld_port, self._dbd_port = 0, 0
        self._control_groups = [CGROUP_V1_MEMORY / f"slurm_{node}" for node in self.nodes]
        self._control_groups = [group for group in self._control_groups if not group.exists()]
        # Variables of the caller's own Slurm would lead clients or jobs to the wrong cluster.
        self.env = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
        self.env |= {
            "PATH": f"{self.folder}/bin{os.pathsep}{SEARCH_PATH}",
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "MYSQL_UNIX_PORT": str(self.folder / "mariadb.socket"),
        }

    def __enter__(self) -> Self:
        began = time.monotonic()
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        self.seconds = time.monotonic() - began
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    # ---- For tests ---------------------------------------------------------------------------------------------------

    def client(self, *command: str, check: bool = True) -> str:
        """Run a Slurm command and return its output.

        Raises:
            ClusterError: it does not end, or it fails and `check` is set.
        """
        try:
            done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=CLIENT_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise ClusterError(f"{' '.join(command)}: no answer after {CLIENT_TIMEOUT:.0f} s") from error
        if check and done.returncode:
            raise ClusterError(f"{' '.join(command)}: exit status {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def jobs(self, *, steps: bool = False, requeued: bool = False) -> list[Job]:
        """Return all jobs, also ended ones, in the order of their submission.

        Args:
            steps: return their steps instead.
            requeued: list a requeued job once for each start, not only for the last one.
        """
        options = ["--parsable2", "--noheader", "--starttime=now-1days", *(["--duplicates"] if requeued else [])]
        listed = self.client("sacct", *options, f"--format={FIELDS}")
        found = [Job.parse(line) for line in listed.splitlines()]
        return [job for job in found if ("." in job.id) == steps]

    @contextmanager
    def accounting_away(self) -> Iterator[None]:
        """Stop the accounting while the block runs; Slurm reports the events to it later."""
        self.stop_accounting()
        try:
            yield
        finally:
            self.start_accounting()

    def stop_accounting(self) -> None:
        """End slurmdbd as an administrator does."""
        end(self._daemons.pop("slurmdbd"))

    def kill_controller(self) -> None:
        """Kill slurmctld as soon as it has saved its state.

        After a crash, slurmctld has lost the events of the last seconds, also new jobs. No workflow can prevent that.
        """
        state = self.folder / "state" / "job_state"
        while (newest := self._newest_job()) and not (state.exists() and state.stat().st_mtime > newest + 1):
            if time.time() > newest + 2 * SAVE_INTERVAL:
                break  # it had time to save, and nothing to save
            time.sleep(0.2)
        kill(self._daemons.pop("slurmctld"))

    def start_controller(self) -> None:
        """Start slurmctld again with its saved jobs."""
        self._start_slurmctld()

    def kill_node(self, node: str) -> None:
        """Kill the slurmd of a node and all processes of its jobs; `start_node` starts it again."""
        kill(self._daemons.pop(f"slurmd-{node}"))
        jobs = self.client("squeue", "--noheader", f"--nodelist={node}", "--states=all", "--format=%A").split()
        # First the slurmstepd processes, or they would report that a job failed.
        doomed = [process for process in psutil.process_iter() if step_of(process) in jobs]
        doomed += [process for process in self.processes() if job_of(process) in jobs]
        for process in doomed:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def start_node(self, node: str) -> None:
        """Start the slurmd of a node, the first time or again."""
        self._launch(f"slurmd-{node}", "slurmd", "-D", "-N", node)

    def is_up(self, daemon: str) -> bool:
        """Check that a daemon runs: slurmctld, slurmdbd or slurmd-<node>."""
        return daemon in self._daemons

    def processes(self) -> list[psutil.Process]:
        """Return all processes with its environment: daemons, jobs and running clients."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("SLURM_CONF") == self.env["SLURM_CONF"]
            except psutil.Error:
                continue  # of another user, or just ended
            if ours and process.pid != os.getpid():
                found.append(process)
        return found

    # ---- Start -------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if missing := missing_programs():
            raise ClusterError(f"no {', '.join(missing)} on this machine; Debian has them: {INSTALL}")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self._ctld_port, self._dbd_port, *slurmd_ports = free_ports(2 + len(self.nodes))
        write_config(
            self.folder,
            dict(zip(self.nodes, slurmd_ports, strict=True)),
            self.gpu_nodes,
            ctld_port=self._ctld_port,
            dbd_port=self._dbd_port,
            slurmd_timeout=self._slurmd_timeout,
            cred_expire=self._cred_expire,
            settings=self._settings,
        )
        self._start_munged()
        if self._accounting:
            self._start_mariadbd()
            self.start_accounting()
            self._add_account()
        self._start_slurmctld("-c")
        for node in self.nodes:
            self.start_node(node)
        self._wait_for("slurmctld", self._all_nodes_idle)

    def _start_munged(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        options = [f"--{file}-file={self.folder}/munge.{file}" for file in ("key", "pid", "log", "seed")]
        # --force: its checks of parent folders are meant for the daemon of a whole cluster.
        self._launch("munged", "munged", "--foreground", "--force", f"--socket={self.folder}/munge.socket", *options)
        self._wait_for("munged", (self.folder / "munge.socket").exists)

    def _start_mariadbd(self) -> None:
        data, user = self.folder / "mariadb", user_name()
        # Only the owner can enter the folder, so the database needs no password. It may be lost in a crash, so nothing
        # waits for the disk.
        options = ["--no-defaults", f"--datadir={data}", f"--user={user}", "--innodb-log-file-size=16M"]
        install = ["mariadb-install-db", *options, "--skip-test-db", "--auth-root-authentication-method=normal"]
        with open(self.folder / "mariadb-install-db.log", "wb") as log:
            status = subprocess.run(install, env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL).returncode
        if status:
            raise ClusterError(f"mariadb-install-db: exit status {status}\n{self._log('mariadb-install-db')}")
        options += ["--skip-networking", "--skip-grant-tables", f"--socket={self.folder}/mariadb.socket"]
        options += [f"--pid-file={self.folder}/mariadb.pid", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"]
        self._launch("mariadbd", "mariadbd", *options)
        self._wait_for("mariadbd", (self.folder / "mariadb.socket").exists)

    def _start_slurmctld(self, *options: str) -> None:
        self._launch("slurmctld", "slurmctld", "-D", *options)
        self._wait_for("slurmctld", lambda: listens(self._ctld_port))

    def start_accounting(self) -> None:
        """Start slurmdbd, the first time or again."""
        self._launch("slurmdbd", "slurmdbd", "-D")
        self._wait_for("slurmdbd", lambda: listens(self._dbd_port))

    def _add_account(self) -> None:
        user = user_name()
        self.client("sacctmgr", "-i", "add", "cluster", CLUSTER)
        self.client("sacctmgr", "-i", "add", "account", ACCOUNT, f"cluster={CLUSTER}")
        # root is already a user of every new cluster, in the account root.
        self.client("sacctmgr", "-i", "add", "user", user, f"account={ACCOUNT}")
        self.client("sacctmgr", "-i", "modify", "user", user, "set", f"defaultaccount={ACCOUNT}")

    def _all_nodes_idle(self) -> bool:
        # A node has a line for each of its partitions.
        states = set(self.client("sinfo", "--noheader", "--Node", "--format=%N %T", check=False).splitlines())
        return len(states) == len(self.nodes) and all(state.endswith(" idle") for state in states)

    def _launch(self, name: str, *command: str) -> None:
        # If this process is killed, the kernel ends each daemon.
        guard = ["setpriv", "--pdeathsig=TERM"] if shutil.which("setpriv") else []
        with open(self.folder / f"{name}.out", "ab") as log:
            daemon = subprocess.Popen(
                [*guard, *command],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._daemons[name] = daemon

    def _wait_for(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not ready():
            for each, daemon in self._daemons.items():
                if daemon.poll() is not None:
                    raise ClusterError(f"{each} ended with status {daemon.returncode}\n{self._log(each)}")
            if time.monotonic() > deadline:
                raise ClusterError(f"{name} is not ready after {START_TIMEOUT:.0f} s\n{self._log(name)}")
            time.sleep(0.02)

    def _newest_job(self) -> float:
        """Return the time at which the newest job in the queue was submitted or started; 0 if there is none."""
        text = self.client("squeue", "--noheader", "--states=all", "--format=%V %S").split()
        times = [datetime.fromisoformat(word).timestamp() for word in text if word[0].isdigit()]
        return max((moment for moment in times if moment <= time.time()), default=0.0)

    def _log(self, name: str) -> str:
        """Return the last lines of a daemon's log."""
        texts = [
            file.read_text(errors="replace")
            for file in sorted(self.folder.glob(f"{name}.*"))
            if file.suffix in (".log", ".out")
        ]
        return "\n".join("\n".join(text.splitlines()[-15:]) for text in texts)

    # ---- End ---------------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        """End all daemons, last first, and then the processes that they left."""
        if "slurmctld" in self._daemons and self._daemons["slurmctld"].poll() is None:
            self._cancel_jobs()
        while self._daemons:
            end(self._daemons.popitem()[1])
        deadline = time.monotonic() + STOP_TIMEOUT
        while (left := self.processes()) and time.monotonic() < deadline:
            for process in left:  # repeated, as a process may have started another one meanwhile
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            time.sleep(0.1)
        for group in self._control_groups:
            remove_empty(group)

    def _cancel_jobs(self) -> None:
        self.client("scancel", f"--user={user_name()}", check=False)
        deadline = time.monotonic() + STOP_TIMEOUT
        while self.client("squeue", "--noheader", check=False).strip() and time.monotonic() < deadline:
            time.sleep(0.2)
