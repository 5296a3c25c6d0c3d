# The checked config, paths and wildcards, which all rules share.
# Needs: config/ and the library.
# Gives: CONFIG, LAYOUT and the functions below, a few lines each; longer ones belong in the library.

import os
import runpy
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from snakemake.exceptions import WorkflowError

STARTED = time.time()

# The folder of the rules, scripts and library: of this file, not of a Snakefile that takes them in as a module. A
# hosted repository has no library beside these rules yet: this one file of it, which imports nothing of it, comes first.
hosted = runpy.run_path(workflow.source_path("../calotype/util/hosted_source.py"))
WORKFLOW = hosted["workflow_folder"](workflow.current_basedir)
# Scripts run in processes of their own and find the library there; so does this file.
LIBRARY = str(WORKFLOW.resolve())
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [LIBRARY, os.environ.get("PYTHONPATH")])))
sys.path.insert(0, LIBRARY)

from calotype.config.project import check_settings_file, open_project
from calotype.jobs import retries
from calotype.planning import targets
from calotype.util import start_environment
from calotype.util.errors import CalotypeError


@contextmanager
def plain_errors():
    """Have Snakemake show the errors of the library without a traceback."""
    try:
        yield
    except CalotypeError as error:
        raise WorkflowError(str(error)) from None


try:
    if not workflow.modifier.skip_configfile:  # of a module with a config of its own
        check_settings_file(Path("config/config.yaml"))
except CalotypeError as error:  # not by `plain_errors`, whose own lines Snakemake would show
    raise WorkflowError(str(error)) from None


configfile: "config/config.yaml"


try:
    typed = workflow.config_settings.config or {}
    LAYOUT = open_project(config, workflow.configfiles, typed, main=workflow.is_main_process)
except CalotypeError as error:
    raise WorkflowError(str(error)) from None
CONFIG = LAYOUT.config
DATA, RESULTS, PACK = LAYOUT.data, LAYOUT.results, LAYOUT.pack

# Scripts see these, and a change of them runs nothing again, as that of a param would.
config["checkpoint_minutes"] = CONFIG.settings.checkpoint_minutes
config["stream_above_mib"] = CONFIG.settings.stream_above_mib

# How many small rules of a group work at a time in the Slurm job that they share: the Slurm profile has each of them
# claim it. A limit in a profile would not reach the job on its node, which would then ask for more cores than it has.
workflow.register_resource("at_once", 1)

LOGS, BENCHMARKS = f"{RESULTS}/logs", f"{RESULTS}/benchmarks"
ENVIRONMENT = "../../envs/cpu.yaml"
# Captions, template and style. Relative, so that a project that was moved is still up to date.
REPORT = Path(os.path.relpath(WORKFLOW / "report"))


def one_of(names):
    """A pattern for wildcards that takes these names and no others; where there are none, nothing."""
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
# All jobs inherit it; code of the jobs themselves comes too late for what Python and NumPy read when they start.
if ignored := start_environment.fix(os.environ):
    print("Ignoring environment variables that change results:", ", ".join(ignored), file=sys.stderr)


def own_targets():
    """The studies, each a target by its name. Called when all other rules are there: their names are taken."""
    with plain_errors():
        return targets.studies_as_targets(CONFIG, [known.name for known in workflow.rules])
