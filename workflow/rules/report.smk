# The report: one page that opens offline.
# Needs: the tables and figures of all studies, the provenance of all packs, and what the jobs cost.
# Gives: results/report.html, and results/findings.txt for the end of the run.


def per_study(name):
    """A file of every study."""
    return [f"{RESULTS}/{study}/{name}" for study in CONFIG.studies]


def described_studies(wildcards):
    """What the page says of the studies: titles, labels, recipes and claims."""
    found = {name: study.model_dump(exclude={"defaults", "tests"}) for name, study in CONFIG.studies.items()}
    for study in found.values():
        for key, variant in study["variants"].items():
            variant["label"] = variant["label"] or key
    return found


def study_figures(wildcards):
    """(study, rule) of each figure in the order of `all_figures`; the rule's name is that of the caption."""
    return [
        (study, "contact_sheet" if figure.startswith("contact-sheet-") else figure.replace("-", "_"))
        for study in CONFIG.studies
        for figure in figure_names(study)
    ]


def all_packs(wildcards):
    """(study, variant, first, last) of each pack in the order of `all_of_packs`."""
    return [(study, *pack) for study in CONFIG.studies for pack in study_packs(study)]


def all_of_packs(pattern):
    """An input function: a path for each pack of every study."""

    def paths(wildcards):
        return [path for study in CONFIG.studies for path in pack_paths(study, pattern)]

    return paths


def job_benchmarks(wildcards):
    """(stage, what it worked on, benchmark file) of each job that computes; a training counts for itself, see its pack."""
    splits = [f"{name}-{split}" for name in CONFIG.datasets for split in CONFIG.splits_used(name)]
    jobs = [("draw", splits), ("prepare", splits), ("evaluate", list(CONFIG.studies))]
    return [(stage, what, f"{BENCHMARKS}/{stage}/{what}.tsv") for stage, names in jobs for what in names]


def benchmark_files(wildcards):
    """The benchmark files of `job_benchmarks`."""
    return [file for _, _, file in job_benchmarks(wildcards)]


def benchmark_labels(wildcards):
    """(stage, what it worked on) of each of `benchmark_files`."""
    return [(stage, what) for stage, what, _ in job_benchmarks(wildcards)]


rule report:
    """Write the page that holds measured against claimed."""
    input:
        template=Path(workflow.basedir, "workflow", "report", "report.html.j2"),
        captions=sorted(Path(workflow.basedir, "workflow", "report").glob("*.rst")),
        runs=per_study("runs.csv"),
        summary=per_study("summary.csv"),
        pooled=per_study("pooled.csv"),
        figures=all_figures(("svg",)),
        provenance=all_of_packs(f"{PACK}/provenance.json"),
        benchmarks=benchmark_files,
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
    params:
        studies=described_studies,
        figures=study_figures,
        packs=all_packs,
        jobs=benchmark_labels,
        code=code_digest("report.py"),
    group:
        "paper"
    conda:
        ENVIRONMENT
    message:
        "Writing {output.page}"
    script:
        "../scripts/report.py"


def print_findings():
    """End a run by saying what was found and where to look."""
    findings = Path(RESULTS, "findings.txt")
    if findings.is_file():
        print(f"\n{findings.read_text(encoding='utf-8')}\nReport: {Path(RESULTS, 'report.html')}", file=sys.stderr)
