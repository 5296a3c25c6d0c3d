"""Set up a call of Snakemake: its errors, its retries, and the environment of its jobs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from calotype.config.paths import Layout
from calotype.jobs import gpus, job_reports, retries, same_inputs, slurm_executor, warm_process
from calotype.planning import snakemake_report, targets
from calotype.util import start_environment
from calotype.util.errors import CalotypeError


@contextmanager
def plain_errors() -> Iterator[None]:
    """End the call with the message of an error of the library; for other exceptions, Snakemake shows a traceback."""
    try:
        yield
    except CalotypeError as error:
        raise SystemExit(f"error: {error}") from None


def set_up(workflow: Any, layout: Layout, since: float) -> list[str]:
    """Limit retries, spare jobs, share GPUs, report failed jobs, explain mistyped targets, and fix the environment.

    Python and NumPy read the environment when they start, before any code of a job.

    Args:
        workflow: Snakemake's object.
        since: start of the call (Unix time in s).

    Returns:
        Messages for the user.
    """
    warm_process.offer()
    targets.explain_mistyped(workflow, layout)
    snakemake_report.escape_texts()
    installed = retries.install(since), slurm_executor.install(Path(layout.results)), same_inputs.install()
    messages = [misfit for misfit in installed if misfit]
    if workflow.is_main_process:
        with plain_errors():
            gpus.refuse_several(workflow.resource_settings.overwrite_resources)
        job_reports.install(since, Path(layout.results))
    gpus.plan(workflow)
    if ignored := start_environment.fix(os.environ):
        messages.append(f"Ignoring environment variables that change results: {', '.join(ignored)}")
    return messages


def failed_jobs() -> list[str]:
    """Return lines about the jobs of this call that failed for good."""
    return job_reports.at_end()
