# The report: one page that opens offline.
# Needs: the tables and figures of all studies, the provenance of all packs, and what the jobs cost.
# Gives: results/report.html, and results/findings.txt for the end of the run.


rule report:
    """Write the page that holds measured against claimed."""
    input:
        template=REPORT / "report.html.j2",
        captions=sorted(REPORT.glob("*.rst")),
        runs=LAYOUT.per_study("runs.csv"),
        summary=LAYOUT.per_study("summary.csv"),
        pooled=LAYOUT.per_study("pooled.csv"),
        confusion=LAYOUT.per_study("confusion.csv"),
        figures=LAYOUT.figure_files([".svg"]),
        provenance=all_pack_paths("provenance.json"),
        benchmarks=[f"{BENCHMARKS}/{stage}/{what}.tsv" for stage, what in LAYOUT.jobs()],
    output:
        page=report(
            f"{RESULTS}/report.html",
            caption="../report/report.rst",
            category="Report",
            labels={"what": "Measured against claimed", "kind": "page"},
        ),
        findings=f"{RESULTS}/findings.txt",
    log:
        f"{LOGS}/report.log",
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        studies=LAYOUT.described(),
        figures=LAYOUT.captions(),
        packs=all_packs,
        jobs=LAYOUT.jobs(),
        code=code_digest("report.py"),
    message:
        "Writing {output.page}"
    script:
        "../scripts/report.py"
