# The report: one HTML page that opens offline.
# Input: tables and figures of the studies, and benchmarks of the jobs.
# Output: results/report.html, and results/report.txt, printed at the end of the run; also paper.* and <study>.*.


# Runs where you call Snakemake: it takes a second, and would join the groups of all studies into one Slurm job.
rule report:
    """Write the report: figures, tables, and our measurements beside the published numbers."""
    input:
        template=REPORT / "report.html.j2",
        parts=sorted(REPORT.glob("page/*")),
        captions=sorted(REPORT.glob("*.rst")),
        runs=of_report(f"{RESULTS}/{{study}}/runs.csv"),
        summary=of_report(f"{RESULTS}/{{study}}/summary.csv"),
        pooled=of_report(f"{RESULTS}/{{study}}/pooled.csv"),
        confusion=of_report(f"{RESULTS}/{{study}}/confusion.csv"),
        differences=of_report(f"{RESULTS}/{{study}}/differences.csv"),
        claims=of_report(f"{RESULTS}/{{study}}/claims.csv"),
        layers=of_report(f"{RESULTS}/{{study}}/layers.csv"),
        grids=ask(LAYOUT.grid_tables),
        history=of_report(f"{RESULTS}/{{study}}/history.csv"),
        images=ask(LAYOUT.all_prepared, suffix=".json"),
        figures=ask(LAYOUT.figure_outputs, suffixes=[".svg"]),
        previews=ask(LAYOUT.previews, suffixes=[".svg"], origin="user"),
        skipped=ask(LAYOUT.skipped),
        provenance=of_report(f"{RESULTS}/{{study}}/provenance.json"),
        benchmarks=ask(LAYOUT.benchmarks),
        costs=of_report(f"{BENCHMARKS}/figures/{{study}}.csv"),
    output:
        page=report(
            f"{RESULTS}/{{report}}.html",
            caption="../report/report.rst",
            category="Report",
            labels={"content": "Measured against claimed"},
        ),
        findings=f"{RESULTS}/{{report}}.txt",
    log:
        f"{LOGS}/report/{{report}}.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        studies=ask(LAYOUT.described),
        figures=ask(LAYOUT.shown_figures),
        previews=ask(LAYOUT.report_previews),
        jobs=ask(LAYOUT.jobs),
        command=not_compared(report_command),
        code=IDENTITY.script("report.py"),
    message:
        "Writing {output.page}"
    script:
        "../scripts/report.py"


# Reads the numbers that exist, and computes none.
rule check_paper:
    """Compare the numbers in a paper with the results: --config manuscript=paper.tex."""
    log:
        f"{LOGS}/check_paper.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        numbers=expand(rules.claims.output.numbers, study=CONFIG.studies),
    message:
        "Checking the numbers of the paper"
    script:
        "../scripts/check_paper.py"
