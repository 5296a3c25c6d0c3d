# calotype: from raw images to the figures of a paper. config/ lists the studies to run.
#
#   snakemake --cores all          run on this machine
#   snakemake --profile slurm      run on a Slurm cluster (slurm/README.md)
#   snakemake --cores all paper    run all studies of the paper; a study's name runs that study
#   snakemake -n                   show the jobs, without running them
#   snakemake --cores 1 cluster --config write=my-slurm    read the cluster, and write a profile for it
#   snakemake --cores 1 new_study --config name=leaves images=path/to/folder     start a study of your own images

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
include: "workflow/rules/grid.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


rule all:
    """Make the report of the studies in config.yaml, with all figures as PDF, SVG and PNG."""
    default_target: True
    input:
        everything("report"),
    localrule: True


rule paper:
    """Make the report of the studies of the paper."""
    input:
        everything("paper"),
    localrule: True


rule fetch:
    """Fetch the files of all datasets, on a machine with internet."""
    input:
        expand(rules.fetch_dataset.output.sums, dataset=LAYOUT.of_origin("fetched")),
    localrule: True


rule preparation:
    """Plot a preview of each split that the report or the paper uses, after each preparation step."""
    input:
        ask(LAYOUT.previews, studies={*CONFIG.settings.studies, *CONFIG.settings.paper}),
    localrule: True


for study_name in study_targets():

    rule:
        """Make the report of one study."""
        name:
            study_name
        input:
            everything(study_name),
        localrule: True


onstart:
    remove_partials(Path(DATA), levels=1)
    remove_partials(Path(RESULTS), levels=4)


onsuccess:
    for line in targets.findings(LAYOUT, STARTED):
        print(line, file=sys.stderr)


onerror:
    for line in call.failed_jobs():
        print(line, file=sys.stderr)
