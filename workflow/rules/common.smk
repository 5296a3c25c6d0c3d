# The checked config, paths and wildcards of all rules.
# Input: config/ and the library.
# Output: CONFIG, LAYOUT and short functions; long functions belong in the library.

import os
import runpy
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from snakemake.exceptions import WorkflowError

STARTED = time.time()

# The folder workflow/ of this file, also if a Snakefile uses it as a module. Snakemake downloads only rules of a hosted
# repository; hosted_source.py, which imports nothing of the library, fetches the rest.
hosted = runpy.run_path(workflow.source_path("../calotype/util/hosted_source.py"))
WORKFLOW = hosted["workflow_folder"](workflow.current_basedir)
# Scripts run in other processes, and find the library by this variable.
LIBRARY = str(WORKFLOW.resolve())
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [LIBRARY, os.environ.get("PYTHONPATH")])))
sys.path.insert(0, LIBRARY)
bytecode = runpy.run_path(str(WORKFLOW / "calotype/util/bytecode.py"))
bytecode["repair"]([LIBRARY])
bytecode["install"]()

from calotype.config.project import check_settings_file, open_project
from calotype.jobs import retries
from calotype.planning import targets
from calotype.util import start_environment
from calotype.util.errors import CalotypeError
from calotype.util.files import remove_partials


@contextmanager
def plain_errors():
    """Make Snakemake show errors of the library without a traceback."""
    try:
        yield
    except CalotypeError as error:
        raise WorkflowError(str(error)) from None


try:
    if not workflow.modifier.skip_configfile:  # a module may have its own config
        check_settings_file(Path("config/config.yaml"))
except CalotypeError as error:  # Snakemake would show the code of `plain_errors` here
    raise WorkflowError(str(error)) from None


configfile: "config/config.yaml"


try:
    typed = workflow.config_settings.config or {}
    LAYOUT = open_project(config, workflow.configfiles, typed, main=workflow.is_main_process)
except CalotypeError as error:
    raise WorkflowError(str(error)) from None
CONFIG = LAYOUT.config
DATA, RESULTS, PACK = LAYOUT.data, LAYOUT.results, LAYOUT.pack

# Scripts read these from `config`: unlike a change of params, a change here runs nothing again.
config["checkpoint_minutes"] = CONFIG.settings.checkpoint_minutes
config["stream_above_mib"] = CONFIG.settings.stream_above_mib

# Number of grouped rules that run at the same time in a shared Slurm job; each claims one unit in the Slurm profile. A
# limit in a profile does not reach the job on its node, which would then use more cores than it has.
workflow.register_resource("at_once", 1)

LOGS, BENCHMARKS = f"{RESULTS}/logs", f"{RESULTS}/benchmarks"
ENVIRONMENT = "../../envs/cpu.yaml"
# Captions, template and style; a relative path, so that moving a project runs nothing again.
REPORT = Path(os.path.relpath(WORKFLOW / "report"))


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


if misfit := retries.install(STARTED):
    print(misfit, file=sys.stderr)
targets.explain_mistyped(workflow, LAYOUT)
# Jobs inherit the environment; Python and NumPy read it at their start, before any code of a job.
if ignored := start_environment.fix(os.environ):
    print("Ignoring environment variables that change results:", ", ".join(ignored), file=sys.stderr)


def own_targets():
    """Return the studies as targets, after all rules: a study cannot have the name of a rule."""
    with plain_errors():
        return targets.studies_as_targets(CONFIG, [known.name for known in workflow.rules])
