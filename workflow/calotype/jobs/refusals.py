"""Read why sbatch refused a job: a limit that passes, or a request that it will always refuse."""

import re

QUOTE = "'."  # after the words of sbatch in the plugin's message

# Slurm accepts the same job later.
PASSING = re.compile(
    r"\w*Submit\w*Limit|Resource temporarily unavailable|temporarily unable to accept"
    r"|Unable to contact slurm controller|Socket timed out|Zero Bytes were transmitted|Connection (refused|reset)"
    r"|Transport endpoint is not connected|controller in standby|[Cc]onnect failure|No route to host"
)
# The first expression that matches gives the hint.
HINTS = {
    r"MaxWall|[Tt]ime limit is": "lower `runtime` in the profile; `sinfo -s` lists the limits of the partitions.",
    r"(QOS|Assoc)\w+": "lower `threads`, `mem_mb` or `gres` in the profile to what your account or QoS allows.",
    r"[Aa]ccount": "set `slurm_account` in the profile; `sacctmgr show assoc user=$USER format=account,partition,qos` "
    "lists your accounts.",
    r"partition": "set `slurm_partition` in the profile; `sinfo -s` lists the partitions.",
    r"qos|QOS": "set `qos` in the profile; `sacctmgr show assoc user=$USER format=account,partition,qos` lists yours.",
    r"gres|generic resource": 'set `gres` in the profile; `sinfo -o "%P %G"` lists the GPUs of the partitions.',
    r"[Nn]ode configuration|Memory specification|CPU count|node count": "lower `mem_mb`, `threads` or `gres` in the "
    'profile; `sinfo -o "%P %c %m %G"` lists cores, memory and GPUs of the nodes.',
    r"not found|No such file": "call Snakemake where `sbatch` works, such as a login node.",
}


def reason(message: str) -> str:
    """Return the lines of sbatch from the message of Snakemake's plugin for a refused job."""
    message = message.partition("For further error details")[0].partition("    sbatch call:")[0]
    if lines := re.findall(r"sbatch: error: (.+)", message):
        return f"sbatch: error: {'; '.join(line.strip().rstrip(QUOTE) for line in dict.fromkeys(lines))}"
    words = re.sub(r".*(error message was|failed with exception:) ", "", message.strip(), flags=re.DOTALL)
    return " ".join(words.split()).strip(QUOTE)


def passes(message: str) -> bool:
    """Tell if Slurm will accept the same job later."""
    return bool(PASSING.search(reason(message)))


def hint(message: str) -> str:
    """Return what to do about a refusal."""
    known = (hint for words, hint in HINTS.items() if re.search(words, reason(message)))
    return next(known, "correct the profile.")
