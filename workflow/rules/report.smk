# The report: one page that opens offline.
# Needs: the tables and figures of all studies, and what the jobs cost.
# Gives: results/report.html, and results/report.txt for the end of the run; paper.html, or <study>.html, likewise.


# On the machine where Snakemake was called: it takes a second, and would tie the studies together into one Slurm job.
rule report:
    """Write the page that holds measured against claimed."""
    input:
        template=REPORT / "report.html.j2",
        captions=sorted(REPORT.glob("*.rst")),
        runs=ask(LAYOUT.tables, names=["runs.csv"]),
        summary=ask(LAYOUT.tables, names=["summary.csv"]),
        pooled=ask(LAYOUT.tables, names=["pooled.csv"]),
        confusion=ask(LAYOUT.tables, names=["confusion.csv"]),
        differences=ask(LAYOUT.tables, names=["differences.csv"]),
        claims=ask(LAYOUT.tables, names=["claims.csv"]),
        layers=ask(LAYOUT.tables, names=["layers.csv"]),
        figures=ask(LAYOUT.figure_outputs, suffixes=[".svg"]),
        sheets=ask(LAYOUT.report_sheet_files),
        provenance=ask(LAYOUT.tables, names=["provenance.json"]),
        benchmarks=ask(LAYOUT.benchmarks),
        costs=ask(LAYOUT.figure_costs),
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
        studies=ask(LAYOUT.described),
        figures=ask(LAYOUT.shown_figures),
        sheets=ask(LAYOUT.report_sheets),
        jobs=ask(LAYOUT.jobs),
        code=IDENTITY.script("report.py"),
    message:
        "Writing {output.page}"
    script:
        "../scripts/report.py"
