# calotype: from raw images to the figures of a paper.
#
#   snakemake --cores all          on this machine
#   snakemake --profile slurm      on a Slurm cluster (slurm/README.md)
#   snakemake --cores all paper    all studies of the paper; or one, by its name
#   snakemake -n                   only says what would be done
#   snakemake --cores 1 new_study --config name=leaves images=path/to/folder     begins a study of your own images
#
# What is run stands in config/. The rules below are in the order in which they run.

from snakemake.utils import min_version

min_version("9.27")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/functions.smk"
include: "workflow/rules/start.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


rule all:
    """The studies of config.yaml: the report, and each figure as PDF, SVG and PNG."""
    default_target: True
    input:
        everything("report"),
    localrule: True


rule paper:
    """All studies of the paper."""
    input:
        everything("paper"),
    localrule: True


rule fetch:
    """The files of all datasets that are fetched; for a machine with internet, before jobs on machines without."""
    input:
        expand(rules.fetch_dataset.output.sums, dataset=LAYOUT.of_origin("fetched")),
    localrule: True


rule preparation:
    """A figure of each split that the report or the paper uses: what each step of its preparation does."""
    input:
        ask(LAYOUT.step_sheets, studies={*CONFIG.settings.studies, *CONFIG.settings.paper}),
    localrule: True


for study_name in own_targets():

    rule:
        """One study alone, by its name."""
        name:
            study_name
        input:
            everything(study_name),
        localrule: True


onsuccess:
    for line in targets.findings(LAYOUT, STARTED):
        print(line, file=sys.stderr)


onerror:
    for line in targets.killed(LAYOUT, STARTED):
        print(line, file=sys.stderr)
