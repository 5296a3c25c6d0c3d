# Evaluation: from predictions to tables.
# Needs: predictions, histories and layers of all packs of a study, and the labels of its test splits.
# Gives: results/<study>/: runs.csv, summary.csv, pooled.csv, confusion.csv, differences.csv, layers.csv, claims.csv,
# and LaTeX.


rule evaluate:
    """Measure all runs of a study, per seed, over seeds, and pooled."""
    input:
        predictions=predictions,
        histories=of_all_packs("history.csv"),
        layers=of_all_packs("layers.csv"),
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
        differences=report(
            f"{RESULTS}/{{study}}/differences.csv",
            caption="../report/differences.rst",
            category="{study}",
            labels={"what": "Neighbours compared", "kind": "table"},
        ),
        layers=f"{RESULTS}/{{study}}/layers.csv",
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
        train=training_splits,
        task=task,
        metric=headline,
        must_not_diverge=must_not_diverge,
        checkpoints=LAYOUT.checkpoints,
        code=code_digest("evaluate.py"),
    message:
        "Evaluating {wildcards.study}"
    script:
        "../scripts/evaluate.py"


rule claims:
    """Hold the published numbers of a study against what was measured."""
    input:
        runs=rules.evaluate.output.runs,
        pooled=rules.evaluate.output.pooled,
        layers=rules.evaluate.output.layers,
    output:
        claims=report(
            f"{RESULTS}/{{study}}/claims.csv",
            caption="../report/claims.rst",
            category="{study}",
            labels={"what": "Measured against claimed", "kind": "table"},
        ),
    log:
        f"{LOGS}/claims/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/claims/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        claims=claims,
        same_images=same_images,
        code=code_digest("claims.py"),
    message:
        "Holding the claims of {wildcards.study} against what was measured"
    script:
        "../scripts/claims.py"


rule latex:
    """Set the summary, the claims and the models of a study as booktabs tables."""
    input:
        summary=rules.evaluate.output.summary,
        pooled=rules.evaluate.output.pooled,
        layers=rules.evaluate.output.layers,
        claims=rules.claims.output.claims,
    output:
        summary=f"{RESULTS}/{{study}}/summary.tex",
        claims=f"{RESULTS}/{{study}}/claims.tex",
        layers=f"{RESULTS}/{{study}}/layers.tex",
    log:
        f"{LOGS}/latex/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/latex/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        labels=variant_labels,
        title=title,
        metrics=shown_metrics,
        code=code_digest("latex.py"),
    message:
        "Setting the LaTeX tables of {wildcards.study}"
    script:
        "../scripts/latex.py"
