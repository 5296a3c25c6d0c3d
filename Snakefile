# calotype: from raw images to the figures of a paper.
#
#   snakemake --cores all          on this machine
#   snakemake --profile slurm      on a Slurm cluster (slurm/README.md)
#   snakemake -n                   only says what would be done
#
# What is run stands in config/. The rules below are in the order in which they run.

from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


localrules:
    all,


rule all:
    """Everything: the report, and each figure as PDF, SVG and PNG."""
    default_target: True
    input:
        rules.report.output,
        LAYOUT.figure_files([".pdf", ".svg", ".png"]),
        LAYOUT.per_study("summary.tex"),


onsuccess:
    print_findings()
