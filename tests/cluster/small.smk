# A workflow whose jobs take seconds, with the library's watch over its jobs, as rules/common.smk installs it.

import sys
import time
from pathlib import Path

sys.path.insert(0, config["library"])
from calotype.jobs import job_reports, retries, slurm_executor, waiting

STARTED = time.time()
waiting.EXPLAINED_AFTER = slurm_executor.PATIENCE = slurm_executor.SILENCE = 3.0  # s
assert retries.install(STARTED) is None
assert slurm_executor.install(Path("results")) is None
if workflow.is_main_process:
    job_reports.install(STARTED, Path("results"))


rule all:
    input:
        [f"results/dots/{config['name']}/{seed:03d}-{seed:03d}.txt" for seed in range(config["jobs"])],
    localrule: True


rule train:
    output:
        "results/{study}/{variant}/{first}-{last}.txt",
    log:
        "logs/{study}-{variant}-{first}-{last}.log",
    shell:
        config["shell"]


onerror:
    for line in job_reports.at_end():
        print(line, file=sys.stderr)
