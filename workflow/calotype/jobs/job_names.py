"""Name jobs as a user knows them: rule, study, variant and seeds."""

from typing import Any

ABOUT = ("study", "dataset")  # wildcards that name a group of jobs
NAMED = 3


def members_of(job: Any) -> list[Any]:
    """Return the jobs of a group, or a single job."""
    return [*job.jobs] if job.is_group() else [job]


def wildcards_of(job: Any) -> dict[str, str]:
    """Return the wildcards of a job by name; empty for a group of jobs."""
    return {} if job.is_group() else {str(key): str(value) for key, value in job.wildcards_dict.items()}


def is_training(job: Any) -> bool:
    """Return True for a job that trains a pack."""
    return {"study", "variant", "first", "last"} <= wildcards_of(job).keys()


def pack_of(job: Any) -> str:
    """Return the name of a pack, as its heartbeats have it."""
    found = wildcards_of(job)
    return f"{found['study']}/{found['variant']}, seeds {int(found['first'])} to {int(found['last'])}"


def name_of(job: Any) -> str:
    """Return the name of a job, such as ``train dots/accurate, seeds 0 to 2``."""
    if job.is_group():
        rules = sorted({each.rule.name for each in job.jobs})
        about = sorted({value for each in job.jobs for key, value in wildcards_of(each).items() if key in ABOUT})
        named = f" of {', '.join(about[:NAMED])}" if about else ""
        more = " ..." if len(about) > NAMED else ""
        return f"group of {len(job.jobs)} jobs ({', '.join(rules)}){named}{more}"
    found = wildcards_of(job)
    if not is_training(job):
        return " ".join([job.rule.name, "/".join(found.values())]).strip()
    pack = pack_of(job)
    if found["first"] == found["last"]:
        pack = pack.partition(" to ")[0].replace(", seeds ", ", seed ")
    return f"{job.rule.name} {pack}"
