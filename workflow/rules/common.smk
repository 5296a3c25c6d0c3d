# The checked config, paths and wildcards of all rules.
# Input: config/ and the library.
# Output: CONFIG, LAYOUT and the names below; functions of wildcards are in functions.smk.

import os
import runpy
import sys
import time
from pathlib import Path

STARTED = time.time()

# The folder workflow/ of this file, also if a Snakefile uses it as a module. Snakemake downloads only rules of a hosted
# repository; hosted_source.py, which imports nothing of the library, fetches the rest.
hosted = runpy.run_path(workflow.source_path("../calotype/util/hosted_source.py"))
WORKFLOW = hosted["importable_workflow"](workflow.current_basedir)

from calotype.config.project import check_settings_file, open_project
from calotype.planning import call, targets
from calotype.util.files import remove_partials

if not workflow.modifier.skip_configfile:  # a module may have its own config
    with call.plain_errors():
        check_settings_file(Path("config/config.yaml"))


configfile: "config/config.yaml"


with call.plain_errors():
    typed = workflow.config_settings.config or {}
    LAYOUT = open_project(config, workflow.configfiles, typed, main=workflow.is_main_process)
CONFIG = LAYOUT.config
DATA, RESULTS, PACK = LAYOUT.data, LAYOUT.results, LAYOUT.pack
LOGS, BENCHMARKS = f"{RESULTS}/logs", f"{RESULTS}/benchmarks"
ENVIRONMENT = "../../envs/cpu.yaml"
# Captions, template and style; a relative path, so that moving a project runs nothing again.
REPORT = Path(os.path.relpath(WORKFLOW / "report"))

# Scripts read these from `config`: unlike a change of params, a change here runs nothing again.
config["checkpoint_minutes"] = CONFIG.settings.checkpoint_minutes
config["stream_above_mib"] = CONFIG.settings.stream_above_mib

# Number of grouped rules that run at the same time in a shared Slurm job; each claims one unit in the Slurm profile. A
# limit in a profile does not reach the job on its node, which would then use more cores than it has.
workflow.register_resource("at_once", 1)

for message in call.set_up(workflow, LAYOUT, STARTED):
    print(message, file=sys.stderr)


def one_of(names):
    """Return a wildcard pattern that matches only these names."""
    return "|".join(sorted(names)) or "(?!)"


wildcard_constraints:
    dataset=one_of(CONFIG.datasets),
    split=one_of({split for dataset in CONFIG.datasets.values() for split in dataset.splits}),
    study=one_of(CONFIG.studies),
    variant=one_of({variant for study in CONFIG.studies.values() for variant in study.variants}),
    report=one_of(LAYOUT.reports()),
    first=r"\d\d\d+",
    last=r"\d\d\d+",
