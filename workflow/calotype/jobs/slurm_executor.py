"""Watch the jobs of a call in Slurm, in place of Snakemake's plugin, which still submits them.

The plugin waits forever for preempted jobs, jobs that left the queue and jobs that can never start; it explains no
waiting job; and it retries what Slurm refuses for a limit, with larger requests.
"""

import importlib
import inspect
import os
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from calotype.jobs import job_causes, queue, refusals, retries, slurm, versions
from calotype.jobs.job_names import members_of, name_of
from calotype.jobs.job_record import JobRecord
from calotype.jobs.queue import Entry
from calotype.jobs.waiting import Waiting, explain, never_starts

PLUGIN, INTERFACE = "snakemake_executor_plugin_slurm", "snakemake_interface_executor_plugins"
LONGEST = 60  # s between two looks at the queue; the first comes after `slurm-init-seconds-before-status-checks`
SILENCE = 180.0  # s without an answer of Slurm until the user is told
NEVER = "never starts"
PATIENCE = 60.0  # s until a job counts as lost, or as one that never starts; servers of files and accounts may be late

# The class of the plugin, which `install` adds; to import it here would load pandas.
Base: Any = object


# What `Watch` overrides or reads, and where the plugin uses it.
USED = {
    "run_job": ("_report_job_error_threadsafe", "_report_job_submission_threadsafe", "_submitted_job_clusters"),
    "get_account_arg": ("_fallback_account_arg",),
    "_submit_job": ("_job_submission_executor", "run_job"),
    "_report_job_submission_threadsafe": ("report_job_submission",),
}


def fits(kind: Any) -> bool:
    """Check that the class of this version of the plugin has what this module overrides and reads."""
    codes = {name: getattr(vars(kind).get(name), "__code__", None) for name in USED}
    return inspect.isasyncgenfunction(getattr(kind, "check_active_jobs", None)) and all(
        code is not None and {*USED[name]} <= {*code.co_names} for name, code in codes.items()
    )


class Watch(Base):
    """The methods that replace those of the plugin's executor."""

    record: JobRecord
    held: tuple[Any, ...] = ()  # jobs that Slurm does not accept now
    tried: Any = None  # the first of them, while it is submitted again

    def __post_init__(self, test_mode: bool = False) -> None:
        """Prepare; the base class calls this."""
        self.waiting, self.seen, self.gone = Waiting(), dict[str, tuple[str, float]](), dict[str, float]()
        self.answered, self.told_silence, self.told_held = time.monotonic(), False, ""
        self.holding = threading.RLock()  # two threads submit
        settings, plugin = self.workflow.executor_settings, vars(sys.modules[PLUGIN])
        # It would advise another status command; none is used here.
        plugin["validate_status_command_settings"] = lambda *_: None
        if not settings.array_jobs:  # it would refuse to start on a cluster without arrays
            plugin["get_max_array_size"] = lambda: int(settings.array_limit)
        # Compute nodes may have no HOME that Snakemake can write.
        os.environ.setdefault("XDG_CACHE_HOME", str(Path(".snakemake/cache").resolve()))
        super().__post_init__(test_mode)
        self._fallback_account_arg = ""  # sbatch knows the default account; the plugin's guess fails with a warning

    # ---- Submit ------------------------------------------------------------------------------------------------------

    def run_job(self, job: Any) -> None:
        """Submit a job, unless others wait because Slurm does not accept them now."""
        with self.holding:
            if self.held and job is not self.tried:
                self.held += (job,)
                return
        try:
            super().run_job(job)
        except Exception as error:  # the plugin's own handler fails for a group of jobs
            cause = error.__context__ or error
            info = importlib.import_module(f"{INTERFACE}.executors.base").SubmittedJobInfo(job)
            self._report_job_error_threadsafe(info, f"Job submission failed with exception: {cause}")

    def _report_job_error_threadsafe(self, job_info: Any, msg: str) -> None:
        if not refusals.passes(msg):
            self._release(job_info.job)
            retries.give_up(job_info.job)
            super()._report_job_error_threadsafe(job_info, msg)
            return
        with self.holding:
            if job_info.job is not self.tried:
                self.held += (job_info.job,)
            self.tried = None
        if (reason := refusals.reason(msg).split("; ")[0]) != self.told_held:
            self.told_held = reason
            self.logger.warning(f"Slurm accepts no more jobs now ({reason}). The others are submitted later.")

    def report_job_submission(self, job_info: Any, register_job: bool = True) -> None:
        """Note when a job was submitted."""
        job_info.aux = (job_info.aux or {}) | {"submitted": time.time()}
        self.record.submitted(job_info.external_jobid, self.run_uuid, job_info.job)
        super().report_job_submission(job_info, register_job=register_job)
        self._release(job_info.job)

    def _release(self, job: Any) -> None:
        """Submit the next held job after this one was accepted, or refused for good."""
        with self.holding:
            if job is not self.tried:
                return
            self.held, self.tried = self.held[1:], None
        self._submit_held()

    def _submit_held(self) -> None:
        with self.holding:
            if not self.held or self.tried is not None:
                return
            self.tried = self.held[0]
        with suppress(RuntimeError):  # the call ends
            self._job_submission_executor.submit(self.run_job, self.tried)

    def cancel(self) -> None:
        """Submit no more jobs, and cancel those of this call."""
        self._job_submission_executor.shutdown(wait=True, cancel_futures=True)
        super().cancel()

    def cancel_jobs(self, active_jobs: list[Any]) -> None:
        """Cancel all jobs of this call, also those whose state is being asked for."""
        super().cancel_jobs(active_jobs)
        slurm.ask("scancel", f"--name={self.run_uuid}")

    # ---- Watch -------------------------------------------------------------------------------------------------------

    async def check_active_jobs(self, active_jobs: list[Any]) -> AsyncIterator[Any]:
        """Report jobs that have ended, end those that never start, and yield the others."""
        first = self.workflow.executor_settings.init_seconds_before_status_checks
        if self.held:  # not before this call: the base class may look before `__post_init__`
            self._submit_held()
        if not active_jobs:
            self.next_seconds_between_status_checks, self.answered = first, time.monotonic()
            return
        entries = queue.listed(self.run_uuid, self._submitted_job_clusters)
        self._tell_silence(entries is not None)
        active = {info.external_jobid: info for info in active_jobs}
        if entries is not None:
            self._find_gone(active_jobs, entries)
            active = {job: info for job, info in active.items() if not self._end(info, entries.get(job))}
            waiting = {job: entries[job] for job in active if job in entries}
            for message in self.waiting.tell(waiting, lambda job: name_of(active[job].job), time.monotonic()):
                self.logger.warning(message)
        for info in active.values():
            yield info
        longer = (self.next_seconds_between_status_checks or first) + 10
        self.next_seconds_between_status_checks = first if len(active) < len(active_jobs) else min(longer, LONGEST)

    def _tell_silence(self, answers: bool) -> None:
        now = time.monotonic()
        if answers:
            if self.told_silence:
                self.logger.warning("Slurm answers again.")
            self.answered, self.told_silence = now, False
        elif now - self.answered > SILENCE and not self.told_silence:
            self.told_silence = True
            self.logger.warning(
                f"Slurm has not answered `squeue` for {(now - self.answered) / 60:.0f} min. Jobs continue. "
                "Hint: `sinfo` shows if it answers; Ctrl-C stops Snakemake and cancels the jobs."
            )

    def _find_gone(self, active_jobs: list[Any], entries: dict[str, Entry]) -> None:
        """Add the states of jobs that have left the queue to `entries`."""
        gone = {info.external_jobid: info for info in active_jobs if info.external_jobid not in entries}
        now = time.monotonic()
        self.gone = {job: self.gone.get(job, now) for job in gone}
        if not gone:
            return
        states = queue.accounted(gone, self._submitted_job_clusters)
        for job, info in gone.items():
            state = states.get(job)
            if state not in ("COMPLETED", *queue.ENDED, *queue.ENDING):
                if _is_done(info):
                    state = "COMPLETED"
                elif now - self.gone[job] >= PATIENCE:
                    state = job_causes.LOST
                else:
                    continue
            self.seen[job] = state, 0.0  # it will not come back
            entries[job] = Entry(state, "", None, None, "", "", "")

    def _end(self, info: Any, entry: Entry | None) -> bool:
        """Report a job if it has ended, or can never start; return if so."""
        if entry is None:
            return False
        job, state, now = info.external_jobid, NEVER if never_starts(entry) else entry.state, time.monotonic()
        before, since = self.seen.get(job, ("", now))
        since = since if state == before else now
        self.seen[job] = state, since
        if state == "COMPLETED":
            self._remove_log(info)
            self.report_job_success(info)
        elif state == NEVER and now - since >= PATIENCE:
            info.aux["never"] = explain(job, entry)
            slurm.ask("scancel", job)
            retries.give_up(info.job)
            self.report_job_error(info, msg=info.aux["never"])
        elif state in (*queue.ENDED, job_causes.LOST) or (state in queue.ENDING and state == before):
            info.aux |= {"state": state, "nodes": entry.nodes}
            self.report_job_error(info, msg=f"SLURM-job '{job}' failed, SLURM status is: '{state}'.")
        else:
            return False
        self.record.ended(job, entry.state, entry.start)
        return True

    def _remove_log(self, info: Any) -> None:
        if not self.workflow.executor_settings.keep_successful_logs:
            with suppress(OSError):
                info.aux["slurm_logfile"].unlink()


def _is_done(info: Any) -> bool:
    """Tell if all outputs of a job are there, and were written after its submission."""
    outputs = [Path(output) for job in members_of(info.job) for output in job.output]
    times = [output.stat().st_mtime for output in outputs if output.exists()]
    return len(times) == len(outputs) > 0 and max(times) >= info.aux["submitted"]


def install(results: Path) -> str | None:
    """Replace the executor in Snakemake's registry of plugins; return the reason if that is not possible.

    Args:
        results: the folder of the record of all jobs.
    """
    if (plugin := sys.modules.get(PLUGIN)) is None:
        return None
    if not fits(plugin.Executor):
        return versions.misfit("snakemake-executor-plugin-slurm", "may wait forever for a job")
    registered = importlib.import_module(f"{INTERFACE}.registry").ExecutorPluginRegistry().plugins["slurm"]
    registered.executor = type("Executor", (Watch, plugin.Executor), {"record": JobRecord(results)})
    return None
