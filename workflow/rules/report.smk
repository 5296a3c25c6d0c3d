# The report: one page that opens offline.
# Needs: the tables and figures of all studies, and what the jobs cost.
# Gives: results/report.html, and results/report.txt for the end of the run; paper.html, or <study>.html, likewise.


# On the machine where Snakemake was called: it takes a second, and would tie the studies together into one Slurm job.
rule report:
    """Write the page that holds measured against claimed."""
    input:
        template=REPORT / "report.html.j2",
        captions=sorted(REPORT.glob("*.rst")),
        runs=report_tables("runs.csv"),
        summary=report_tables("summary.csv"),
        pooled=report_tables("pooled.csv"),
        confusion=report_tables("confusion.csv"),
        differences=report_tables("differences.csv"),
        claims=report_tables("claims.csv"),
        layers=report_tables("layers.csv"),
        figures=report_figures,
        sheets=report_sheets,
        provenance=report_tables("provenance.json"),
        benchmarks=report_benchmarks,
        costs=report_costs,
    output:
        page=report(
            f"{RESULTS}/{{report}}.html",
            caption="../report/report.rst",
            category="Report",
            labels={"what": "Measured against claimed", "kind": "page"},
        ),
        findings=f"{RESULTS}/{{report}}.txt",
    log:
        f"{LOGS}/report/{{report}}.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        studies=of_report(LAYOUT.described),
        figures=of_report(LAYOUT.shown_figures),
        sheets=of_report(LAYOUT.report_sheets),
        jobs=of_report(LAYOUT.jobs),
        code=code_digest("report.py"),
    message:
        "Writing {output.page}"
    script:
        "../scripts/report.py"
