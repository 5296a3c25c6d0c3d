# A workflow with a job for each form of a request: the profile sets its resources.

import sys
from pathlib import Path

sys.path.insert(0, config["library"])
from calotype.jobs import slurm_executor

assert slurm_executor.install(Path(".")) is None


rule all:
    input:
        [f"done/{form}" for form in config["forms"].split(",")],
    localrule: True


for form in config["forms"].split(","):

    rule:
        name:
            form
        output:
            f"done/{form}",
        shell:
            "touch {output}"
