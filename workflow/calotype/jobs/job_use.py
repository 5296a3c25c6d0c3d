"""The jobs of some studies, what they asked for and used: from one call of sacct, or else from our own records."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from calotype.jobs import attempts, job_record, queue, slurm
from calotype.jobs.attempts import Attempt
from calotype.jobs.job_record import Recorded
from calotype.jobs.usage import mib_of, resources_of

FORMAT = "JobID,State,TimelimitRaw,ElapsedRaw,TotalCPU,ReqMem,MaxRSS,AllocTRES,ConsumedEnergyRaw,Submit,Start"
SNAKEMAKE = 250  # MiB of the two processes of Snakemake in each Slurm job, without mapped pages
COMPLETED, MEMORY, UNKNOWN = "COMPLETED", "OUT_OF_MEMORY", "UNKNOWN"


@dataclass(frozen=True)
class JobUse:
    """One attempt of a Slurm job; None where a value is not known.

    Attributes:
        kind: its rules.
        name: of the job, equal for all attempts.
        members: the number of its rules that ran one after the other.
        seeds: the number of training runs in it.
        state: Slurm's, of the step that was killed if one was.
        waited, ran, cpu_seconds: seconds.
        cpus, memory_mib, minutes, gpus: what it was given.
        first: whether it was submitted for the first time in its call, so that nothing was increased yet.
        used_mib: the peak of its processes.
        gpu: as in `GpuUse.record`.
        joules: of the whole nodes, if Slurm measures them.
    """

    kind: str
    name: str
    state: str
    first: bool = True
    members: int = 1
    seeds: int = 0
    waited: float | None = None
    ran: float | None = None
    cpus: int = 0
    memory_mib: float = 0
    minutes: int | None = None
    gpus: int = 0
    cpu_seconds: float | None = None
    used_mib: float | None = None
    gpu: Mapping[str, Any] = field(default_factory=dict)
    joules: float | None = None
    start: float | None = None  # Unix time

    @property
    def completed(self) -> bool:
        """Return True if it has not failed and was not killed."""
        return self.state == COMPLETED


def job_uses(results: Path, studies: Collection[str], datasets: Collection[str]) -> list[JobUse]:
    """Return all attempts of the jobs that made the current results of some studies.

    These are Slurm jobs, and trainings that ran elsewhere.

    Args:
        results: the folder of the results.
        studies, datasets: names.
    """
    known = [job for job in job_record.read(results) if {*job.about} & {*studies, *datasets}]
    own: dict[str, list[Attempt]] = {}
    for attempt in (each for study in studies for some in attempts.read(results, study).values() for each in some):
        own.setdefault(attempt.job or "", []).append(attempt)
    told = accounted(known) if known else {}
    found: dict[str, list[JobUse]] = {}
    for job in known:
        key = job.name.partition(" ")[2] if job.seeds else job.name  # another rule may train a pack now
        if found.get(key) and found[key][-1].completed:
            found[key] = []  # these made an earlier result
        uses = told.get(job.job) or [_recorded(job)]
        found.setdefault(key, []).extend(_with_own(uses, own.pop(job.job, [])))
    others = [_elsewhere(attempt) for some in own.values() for attempt in some]
    return [*(use for uses in found.values() for use in uses), *others]


def _elsewhere(attempt: Attempt) -> JobUse:
    """Return the use of a training that this workflow has not sent to Slurm."""
    first, last = (int(number) for number in re.findall(r"\d+", attempt.name)[-2:])
    given = {key: attempt.asked[key] for key in ("cpus", "memory_mib", "minutes", "gpus") if attempt.asked.get(key)}
    used = attempt.used
    return JobUse(
        kind="train",
        name=attempt.name,
        seeds=last - first + 1,
        state=COMPLETED if attempt.state == attempts.COMPLETED else attempt.state.upper(),
        ran=used.get("seconds"),
        cpu_seconds=used.get("cpu_seconds"),
        used_mib=used.get("memory_mib"),
        gpu=used.get("gpu", {}),
        **{"cpus": attempt.asked.get("threads", 0), "gpus": int(bool(used.get("gpu")))} | given,
    )


def _of(job: Recorded, **given: Any) -> JobUse:
    kinds = dict.fromkeys(re.sub(r"^figures_.*", "figures", kind) for kind in job.kinds)
    known: dict[str, Any] = {"kind": ", ".join(kinds), "name": job.name, "first": job.attempt == 1}
    return JobUse(**known, members=job.members, seeds=job.seeds, **given)


def _recorded(job: Recorded) -> JobUse:
    """Return the use of a job that Slurm's accounting does not have."""
    waited = None if job.start is None else max(0.0, job.start - job.submitted)
    ran = None if job.start is None or job.ended is None else max(0.0, job.ended - job.start)
    return _of(job, state=job.state or UNKNOWN, waited=waited, ran=ran, start=job.start, **job.asked)


def accounted(jobs: Iterable[Recorded]) -> dict[str, list[JobUse]]:
    """Ask Slurm's accounting once about all jobs; return the attempts of each by its number."""
    by_number = {job.job: job for job in jobs}
    calls = ",".join(dict.fromkeys(job.call for job in by_number.values()))
    since = datetime.fromtimestamp(min(job.submitted for job in by_number.values()) - 60)
    options = ["--noheader", "--parsable2", "--duplicates", f"--starttime={since:%Y-%m-%dT%H:%M:%S}"]
    listed = slurm.ask("sacct", *options, f"--name={calls}", f"--format={FORMAT}") or ""
    found: dict[str, list[JobUse]] = {}
    for lines in _blocks(listed):
        number = lines[0]["JobID"]
        if number in by_number and (use := _accounted(by_number[number], lines)) is not None:
            found.setdefault(number, []).append(use)
    return found


def _blocks(listed: str) -> list[list[dict[str, str]]]:
    """Return the lines of each attempt: that of the job, then those of its steps."""
    blocks: list[list[dict[str, str]]] = []
    for line in listed.splitlines():
        row = dict(zip(FORMAT.split(","), line.split("|"), strict=False))
        if "." not in row["JobID"]:
            blocks.append([row])
        elif blocks and row["JobID"].startswith(f"{blocks[-1][0]['JobID']}."):
            blocks[-1].append(row)
    return blocks


def _accounted(job: Recorded, lines: list[dict[str, str]]) -> JobUse | None:
    main, *steps = lines
    state = main["State"].split()[0]
    if state in ("PENDING", "RUNNING"):
        return None
    if any(step["State"].startswith(MEMORY) for step in steps):
        state = MEMORY  # the job itself is FAILED
    submitted, start = queue.time_of(main["Submit"]), queue.time_of(main["Start"])
    given = resources_of(main["AllocTRES"])
    given["memory_mib"] = given["memory_mib"] or mib_of(re.sub(r"[nc]$", "", main["ReqMem"]))
    peaks = {step["JobID"].rpartition(".")[2]: mib_of(step["MaxRSS"]) for step in steps}
    batch = peaks.pop("batch", 0.0)
    energy = [int(step["ConsumedEnergyRaw"]) for step in lines if step["ConsumedEnergyRaw"].isdigit()]
    return _of(
        job,
        state=state,
        waited=None if submitted is None or start is None else start - submitted,
        ran=float(main["ElapsedRaw"]),
        start=start,
        cpu_seconds=_seconds(main["TotalCPU"]) or None,
        used_mib=batch + max(peaks.values(), default=0.0) or None,  # both run at the same time
        minutes=int(main["TimelimitRaw"]) if main["TimelimitRaw"].isdigit() else None,
        joules=float(max(energy, default=0)) or None,
        **(given if given["cpus"] else job.asked),
    )


def _seconds(time: str) -> float:
    """Return the seconds of a CPU time such as 1-02:03:04, 02:03.456 or 00:07.129."""
    days, _, rest = time.rpartition("-")
    parts = [float(part) for part in rest.split(":") if re.fullmatch(r"[\d.]+", part)]
    return float(days or 0) * 86400 + sum(part * 60**place for place, part in enumerate(reversed(parts)))


def _with_own(uses: list[JobUse], own: list[Attempt]) -> list[JobUse]:
    """Return the attempts of a job with what its training processes have measured themselves."""
    if not own:
        return uses
    if (len(uses) == 1 and uses[0].ran is None) or not any(use.cpu_seconds for use in uses):
        uses = _split(uses[0], own)
    found = []
    for place, use in enumerate(uses):
        until = uses[place + 1].start if place + 1 < len(uses) else None
        mine = [one for one in own if (place == 0 or one.began >= (use.start or 0)) and one.began < (until or 1e18)]
        found.append(_measured(use, mine))
    return found


def _split(use: JobUse, own: list[Attempt]) -> list[JobUse]:
    """Return an attempt for each time that Slurm has started a job, if only its own records tell."""
    starts: dict[int, list[Attempt]] = {}
    for attempt in own:
        starts.setdefault(int(attempt.asked.get("restarts", 0)), []).append(attempt)
    *earlier, last = sorted(starts)
    before = [
        replace(
            use, state="REQUEUED", first=True, start=starts[number][0].began, waited=None, ran=_longest(starts[number])
        )
        for number in earlier
    ]
    start = use.start if not earlier else starts[last][0].began
    return [*before, replace(use, start=start, ran=_longest(starts[last]) if earlier or use.ran is None else use.ran)]


def _longest(own: Iterable[Attempt]) -> float:
    return max(float(attempt.used.get("seconds", 0.0)) for attempt in own)


def _measured(use: JobUse, own: list[Attempt]) -> JobUse:
    if not own:
        return use
    used = [attempt.used for attempt in own]
    memory = max(float(each.get("memory_mib", 0.0)) for each in used)
    gpus = [each["gpu"] for each in used if each.get("gpu")]
    gpu: dict[str, Any] = dict(gpus[0]) if gpus else {}
    for key, combine in (("busy_percent", _mean), ("memory_mib", max), ("energy_joules", sum)):
        if values := [each[key] for each in gpus if key in each]:
            gpu[key] = combine(values)
    # The call that sent the job was killed before it saw the end, and there is no accounting.
    ended = COMPLETED if use.state == UNKNOWN and own[-1].state == attempts.COMPLETED else use.state
    cpu = use.cpu_seconds if use.cpu_seconds is not None else sum(float(each.get("cpu_seconds", 0.0)) for each in used)
    return replace(use, used_mib=memory + SNAKEMAKE if memory else use.used_mib, gpu=gpu, cpu_seconds=cpu, state=ended)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
