# Evaluation: from predictions to tables.
# Needs: the predictions of all packs of a study, and the labels of its test splits.
# Gives: results/<study>/: runs.csv, summary.csv, pooled.csv, confusion.csv, summary.tex.


rule evaluate:
    """Measure all runs of a study, per seed, over seeds, and pooled."""
    input:
        predictions=of_all_packs("predictions.npz"),
        manifests=prepared_tests(".json"),
        arrays=ancient(prepared_tests(".npy")),
    output:
        runs=f"{RESULTS}/{{study}}/runs.csv",
        summary=report(
            f"{RESULTS}/{{study}}/summary.csv",
            caption="../report/summary.rst",
            category="{study}",
            labels={"what": "Mean and interval over seeds", "kind": "table"},
        ),
        pooled=f"{RESULTS}/{{study}}/pooled.csv",
        confusion=f"{RESULTS}/{{study}}/confusion.csv",
    log:
        f"{LOGS}/evaluate/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        variants=pack_variants,
        seeds=variant_seeds,
        tests=tests,
        code=code_digest("evaluate.py"),
    message:
        "Evaluating {wildcards.study}"
    script:
        "../scripts/evaluate.py"


rule summary_latex:
    """Set the summary of a study as a booktabs table."""
    input:
        summary=rules.evaluate.output.summary,
        pooled=rules.evaluate.output.pooled,
    output:
        latex=f"{RESULTS}/{{study}}/summary.tex",
    log:
        f"{LOGS}/summary_latex/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/summary_latex/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        labels=variant_labels,
        title=title,
        code=code_digest("summary_latex.py"),
    message:
        "Setting the LaTeX table of {wildcards.study}"
    script:
        "../scripts/summary_latex.py"
