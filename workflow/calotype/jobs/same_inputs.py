"""Spare jobs whose input files were written again with the same content.

Snakemake plans all jobs after a job that runs. A second call would compare the checksums of their inputs and run none
of them. So each call compares them, as soon as the jobs before are done.
"""

import functools
import importlib
import inspect
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from calotype.jobs import versions
from calotype.jobs.job_names import members_of
from calotype.util.files import sha256

USED = {"_dependencies", "_group", "_n_until_ready", "_ready_jobs", "_reason", "_running", "depending", "forcerules"}
CALLED = ("finish", "finished", "needrun", "needrun_jobs", "print_reasons", "update_needrun", "update_ready")
DERIVED = "input files updated by another job"  # the reason of jobs after a job that runs, in words of Snakemake


def fits(graph: Any) -> bool:
    """Check that Snakemake's class of plans has all that this module uses."""
    attributes, methods = graph.__init__.__code__.co_names, (getattr(graph, name, None) for name in CALLED)
    return {*attributes} >= USED and all(map(inspect.isfunction, methods))


def install() -> str | None:
    """Make Snakemake ask after each job which of the next are needed; return the reason if that is not possible."""
    importlib.import_module("snakemake.api")  # before its parts, which import each other
    if not (found := versions.parts(fits, "snakemake.dag:DAG")):
        return versions.misfit("Snakemake", "trains again after each preparation, also if it gives the same images")
    (graph,) = found
    finish, print_reasons = inspect.unwrap(graph.finish), inspect.unwrap(graph.print_reasons)

    @functools.wraps(finish)
    async def finish_and_spare(self: Any, job: Any, *given: Any, **named: Any) -> bool:
        ready = await finish(self, job, *given, **named)
        return await _spare(self, job) or ready

    @functools.wraps(print_reasons)
    def print_reasons_and_doubts(self: Any) -> None:
        print_reasons(self)
        _say("These run only if the jobs before them write other content than last time", _in_doubt(self))

    graph.finish, graph.print_reasons = finish_and_spare, print_reasons_and_doubts
    return None


async def _spare(graph: Any, finished: Any) -> bool:
    """Take the jobs out of the plan that have become needless; return True if there are any."""
    workflow = graph.workflow
    if workflow.dryrun or not workflow.is_main_process or workflow.remote_execution_settings.immediate_submit:
        return False
    after = {job for done in members_of(finished) for job in graph.depending[done] if graph.needrun(job)}
    ready = (job for job in after if not graph._n_until_ready[job] and _is_derived(graph, job))
    if not any(_has_same_inputs(graph, job) for job in ready):
        return False
    planned = {*graph.needrun_jobs()}
    busy = {job for each in graph._running for job in members_of(each)}
    reasons = {job: graph._reason.pop(job) for job in planned - busy if _has_same_inputs(graph, job)}
    retried = graph._ready_jobs & graph._running
    await graph.update_needrun()  # finds the reason of each job itself, if there is one
    while half := [job for job in reasons if not graph.needrun(job) and _shares_group(graph, job)]:
        graph._reason.update({job: reasons[job] for job in half})  # a group runs as it is, or not at all
        await graph.update_needrun()
    graph._ready_jobs |= retried
    graph.update_ready()
    spared = planned - {*graph.needrun_jobs()}
    _say("Not needed, as their inputs have the same content as last time", spared)
    return bool(spared)


def _is_derived(graph: Any, job: Any) -> bool:
    """Return True if Snakemake plans a job only because another job runs before it."""
    return [*graph.reason(job).get_names()] == [DERIVED]


def _shares_group(graph: Any, job: Any) -> bool:
    """Return True if a job is in a group with a job that is needed."""
    return any(map(graph.needrun, graph._group.get(job, ())))


def _has_same_inputs(graph: Any, job: Any) -> bool:
    """Return True if all that was written for a job in this call has the checksums of its last run."""
    written = _written_for(graph, job, graph.finished)
    try:
        return all(known is not None and known == f"sha256:{sha256(Path(file))}" for file, known in written)
    except OSError:  # of a file server; the job itself will tell
        return False


def _written_for(graph: Any, job: Any, when: Callable[[Any], bool]) -> Iterator[tuple[str, str | None]]:
    """Yield the inputs of a job that some jobs write, except `ancient` ones, with their checksums in its last run."""
    for before, files in graph._dependencies[job].items():
        if when(before):
            yield from ((file, _checksum(graph, job, file)) for file in files if not file.is_ancient)


def _checksum(graph: Any, job: Any, file: str) -> str | None:
    """Return the checksum of an input in the last run of a job; None if it is not known, as for folders."""
    known = graph.workflow.persistence.input_checksums(job, file)
    return known.pop() if len(known) == 1 else None


def _in_doubt(graph: Any) -> list[Any]:
    """Return the planned jobs that have no reason but the jobs before them."""
    recorded = graph.workflow.persistence
    return [
        job
        for job in graph.needrun_jobs(exclude_finished=False)
        if _is_derived(graph, job)
        and all(known is not None for _, known in _written_for(graph, job, graph.needrun))
        and not (job.rule in graph.forcerules or recorded.params_changed(job) or any(recorded.input_changed(job)))
    ]


def _say(what: str, jobs: Collection[Any]) -> None:
    """Print the number of jobs by rule."""
    counts = sorted(Counter(job.rule.name for job in jobs if job.output).items())
    if counts:
        listed = ", ".join(f"{rule} ({count:,})" for rule, count in counts)
        importlib.import_module("snakemake.logging").logger.info(f"{what}: {listed}.")
