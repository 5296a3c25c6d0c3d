"""Read why sbatch refused a job: a limit that passes, or a request that it will always refuse."""

import re

# Slurm accepts the same job later.
PASSING = re.compile(
    r"\w*Submit\w*Limit|Resource temporarily unavailable|temporarily unable to accept"
    r"|Unable to contact slurm controller|Socket timed out|Zero Bytes were transmitted|Connection (refused|reset)"
    r"|Transport endpoint is not connected|controller in standby|[Cc]onnect failure|No route to host"
)
HINTS = {
    r"partition": "set `slurm_partition` in the profile; `sinfo -s` lists the partitions.",
    r"[Aa]ccount": "set `slurm_account` in the profile; `sacctmgr show assoc user=$USER format=account,partition,qos` "
    "lists your accounts.",
    r"qos|QOS": "set `qos` in the profile; `sacctmgr show assoc user=$USER format=account,partition,qos` lists yours.",
    r"gres|generic resource": 'set `gres` in the profile; `sinfo -o "%P %G"` lists the GPUs of the partitions.',
    r"[Nn]ode configuration|Memory specification|CPU count|node count": "lower `mem_mb`, `threads` or `gres` in the "
    'profile; `sinfo -o "%P %c %m %G"` lists cores, memory and GPUs of the nodes.',
    r"time limit": "lower `runtime` in the profile; `sinfo -s` lists the limits of the partitions.",
    r"not found|No such file": "call Snakemake where `sbatch` works, such as a login node.",
}


def reason(message: str) -> str:
    """Return the lines of sbatch from the message of Snakemake's plugin for a refused job."""
    message = message.partition("For further error details")[0].partition("    sbatch call:")[0]
    if lines := re.findall(r"sbatch: (?:error: )?(.+)", message):
        return f"sbatch: error: {'; '.join(line.strip().rstrip(chr(39) + '.') for line in dict.fromkeys(lines))}"
    return re.sub(r".*(error message was|failed with exception:) ", "", message.strip(), flags=re.DOTALL).strip(" '.\n")


def passes(message: str) -> bool:
    """Tell if Slurm will accept the same job later."""
    return bool(PASSING.search(reason(message)))


def hint(message: str) -> str:
    """Return what to do about a refusal."""
    known = (hint for words, hint in HINTS.items() if re.search(words, reason(message)))
    return next(known, "correct the profile, and run the same command again.")
