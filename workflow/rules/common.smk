# What the rules share: the checked config, paths, the code of each stage, retries, targets, and the end of a call.
# Needs: config/ and the library.
# Gives: CONFIG, LAYOUT and the functions below, a few lines each; what is longer belongs in the library.

import os
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from snakemake import jobs
from snakemake.exceptions import WorkflowError
from snakemake.sourcecache import HostingProviderFile

STARTED = time.time()


def folder_of(source):
    """The folder of a source; of one on a server, `github(...)`, a copy: Snakemake brings the rules alone."""
    if not isinstance(source, HostingProviderFile):
        folder = Path(source.get_path_or_uri(secret_free=True)).resolve()
        if not (folder.parent / "calotype").is_dir():
            raise WorkflowError(
                f"{source}: there is no library beside these rules.\nHint: name a clone or a git submodule, "
                '`snakefile: "calotype/Snakefile"`, or a git server, `snakefile: github("<owner>/calotype", '
                'path="Snakefile", ...)`.'
            )
        return folder
    repository = source.hosted_repo.repo
    commit = repository.commit(source.ref).hexsha
    copies = Path(".snakemake/calotype")
    copies.mkdir(parents=True, exist_ok=True)
    if not (copies / commit).exists():
        with tempfile.TemporaryFile() as archive, tempfile.TemporaryDirectory(dir=copies) as aside:
            repository.archive(archive, commit)
            archive.seek(0)
            with tarfile.open(fileobj=archive) as files:
                # Not an argument of `extractall`, as Python has it only since 3.11.4, and Debian 12 an older one.
                files.extraction_filter = getattr(tarfile, "data_filter", None)
                files.extractall(Path(aside, "copy"))
            os.replace(Path(aside, "copy"), copies / commit)
    # Paths by another name than the commit's: another commit makes nothing again whose code and inputs are the same.
    if not (copies / "current").exists() or (copies / "current").resolve().name != commit:
        Path(copies, commit, "link").symlink_to(commit)
        os.replace(copies / commit / "link", copies / "current")
    return copies / "current" / source.path


# The folder of the rules, scripts and library: of this file, and not of a Snakefile that takes them in as a module.
WORKFLOW = folder_of(workflow.current_basedir).parent
# Scripts run in processes of their own and find the library there; so does this file.
LIBRARY = str(WORKFLOW.resolve())
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [LIBRARY, os.environ.get("PYTHONPATH")])))
sys.path.insert(0, LIBRARY)

from calotype.config import load
from calotype.util import code_digest as digests
from calotype.config.static_checks import check_studies
from calotype.util.entry_point import would_fail_again
from calotype.util.errors import CalotypeError
from calotype.util.files import check_writable
from calotype.config.paths import Layout
from calotype.jobs.killed_jobs import explain
from calotype.util.yaml_validation import read_yaml

try:
    for file in workflow.configfiles:
        if Path(file).suffix in (".yaml", ".yml"):
            read_yaml(Path(file))  # Snakemake, which has read it, takes the last of two keys of one name
    CONFIG = load.load(config, " + ".join(os.path.relpath(file) for file in workflow.configfiles))
    check_studies(CONFIG)
    LAYOUT = Layout(CONFIG)
    DATA, RESULTS, PACK = LAYOUT.data, LAYOUT.results, LAYOUT.pack
    for key, folder in (("data", DATA), ("results", RESULTS)):
        check_writable(Path(folder), key)
except CalotypeError as error:
    raise WorkflowError(str(error)) from None

# Scripts see these, and a change of them runs nothing again, as that of a param would.
config["checkpoint_minutes"] = CONFIG.settings.checkpoint_minutes
config["stream_above"] = CONFIG.settings.stream_above

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


def code_digest(script, without=()):
    """The code of a stage, as a param: what changes it makes the stage run again (see profiles/default)."""
    try:
        return digests.code_digest(WORKFLOW / "scripts" / script, tuple(without))
    except CalotypeError as error:
        raise WorkflowError(str(error)) from None


def retries_of(job):
    """How often Snakemake tries a job again: one that a bug or a wrong input has ended, never."""
    new = [Path(log) for log in job.log if os.path.exists(log) and os.stat(log).st_mtime >= STARTED]
    return 0 if any(map(would_fail_again, new)) else job.rule.restart_times


def retries_of_group(group):
    """How often Snakemake tries a group again: not if that would not help one of its jobs."""
    return min(map(retries_of, group.jobs))


# Snakemake knows no difference between a job that was killed, which more memory or another node may help, and one that
# would fail each time. It asks these when a job has failed.
jobs.Job.restart_times = property(retries_of)
jobs.GroupJob.restart_times = property(retries_of_group)


# ---- Targets, and the end of a call ----


def everything(report):
    """All files that a call for a report brings; where it cannot be made, the reason, once it is asked for."""

    def paths(wildcards):
        if report in CONFIG.broken:
            raise SystemExit(f"error: {CONFIG.broken[report]}")  # Snakemake shows a traceback of any other
        if not LAYOUT.reports()[report]:
            key, hint = "studies" if report == "report" else report, "name some; `new_study` writes a first one."
            raise SystemExit(f"error: config: {key}: names no study.\nHint: {hint}")
        return LAYOUT.everything(report)

    return paths


def rule_names(wildcards):
    """The names that a study cannot have, as they are those of other targets."""
    return [known.name for known in workflow.rules]


def own_targets():
    """The studies, each a target by its name. Called when all other rules are there: their names are taken."""
    taken = [known.name for known in workflow.rules]
    for study in (*CONFIG.studies, *CONFIG.broken):
        if study in taken:
            file = f"{CONFIG.settings.study_files}/{study}.yaml"
            raise WorkflowError(
                f"{file}: a study cannot be called `{study}`: that name is taken.\nHint: rename the file."
            )
    return (*CONFIG.studies, *CONFIG.broken)


def print_findings():
    """End a run by saying what was found and where to look."""
    for report in LAYOUT.reports():
        findings = Path(RESULTS, f"{report}.txt")
        if findings.is_file() and findings.stat().st_mtime >= STARTED:  # not those of an earlier call
            print(f"\n{findings.read_text(encoding='utf-8')}\nReport: {RESULTS}/{report}.html", file=sys.stderr)


def print_deaths():
    """End a run that failed by saying what is known of trainings that were killed."""
    told = explain(Path(RESULTS, "checkpoints"), Path(BENCHMARKS, "train"), STARTED)
    if told:
        print("\n" + "\n".join(told), file=sys.stderr)
        print("What they had trained is kept: the same command goes on from there.", file=sys.stderr)
