# Evaluation: predictions to tables.
# Input: predictions of all runs of a study on its test splits; histories and layers of the packs.
# Output: results/<study>/: runs.csv, summary.csv, pooled.csv, confusion.csv, differences.csv, layers.csv, history.csv,
# claims.csv and LaTeX tables, which figures and the report read.


rule evaluate:
    """Compute the metrics of all runs of a study: per seed, over seeds, and pooled."""
    input:
        predictions=ask(LAYOUT.predictions),
        # The script also reads history and layers in the same folders.
        packs=ask(LAYOUT.pack_paths, name="provenance.json"),
    output:
        runs=f"{RESULTS}/{{study}}/runs.csv",
        summary=report(
            f"{RESULTS}/{{study}}/summary.csv",
            caption="../report/summary.rst",
            category="{study}",
            subcategory="Tables",
            labels={"content": "Mean and interval over seeds"},
        ),
        pooled=f"{RESULTS}/{{study}}/pooled.csv",
        confusion=f"{RESULTS}/{{study}}/confusion.csv",
        differences=report(
            f"{RESULTS}/{{study}}/differences.csv",
            caption="../report/differences.rst",
            category="{study}",
            subcategory="Tables",
            labels={"content": "Variants compared"},
        ),
        layers=f"{RESULTS}/{{study}}/layers.csv",
        history=f"{RESULTS}/{{study}}/history.csv",
        provenance=f"{RESULTS}/{{study}}/provenance.json",
    log:
        f"{LOGS}/evaluate/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        packs=ask(LAYOUT.study_packs),
        seeds=ask(LAYOUT.variant_seeds),
        tests=of_study("tests"),
        train=of_study("training_splits"),
        task=of_study("task"),
        metric=of_study("headline"),
        comparisons=of_study("comparisons"),
        must_not_diverge=ask(LAYOUT.must_not_diverge),
        checkpoints=LAYOUT.checkpoints,
        code=ask(IDENTITY.evaluation_code),
    message:
        "Evaluating {wildcards.study}"
    script:
        "../scripts/evaluate.py"


rule claims:
    """Compare the published numbers of a study with our measurements, and write LaTeX tables and numbers."""
    input:
        runs=rules.evaluate.output.runs,
        summary=rules.evaluate.output.summary,
        pooled=rules.evaluate.output.pooled,
        differences=rules.evaluate.output.differences,
        layers=rules.evaluate.output.layers,
        provenance=rules.evaluate.output.provenance,
    output:
        claims=report(
            f"{RESULTS}/{{study}}/claims.csv",
            caption="../report/claims.rst",
            category="{study}",
            subcategory="Tables",
            labels={"content": "Measured against claimed"},
        ),
        summary_latex=f"{RESULTS}/{{study}}/summary.tex",
        summary_tabular_latex=f"{RESULTS}/{{study}}/summary-tabular.tex",
        claims_latex=f"{RESULTS}/{{study}}/claims.tex",
        claims_tabular_latex=f"{RESULTS}/{{study}}/claims-tabular.tex",
        layers_latex=f"{RESULTS}/{{study}}/layers.tex",
        layers_tabular_latex=f"{RESULTS}/{{study}}/layers-tabular.tex",
        numbers=f"{RESULTS}/{{study}}/numbers.tex",
    log:
        f"{LOGS}/claims/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/claims/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        results=ask(LAYOUT.results_of),
        claims=ask(LAYOUT.claims),
        same_images=ask(LAYOUT.same_images),
        worth=of_study("margin"),
        title=of_study("title"),
        metrics=of_study("shown"),
        code=IDENTITY.script("claims.py"),
    message:
        "Comparing the claims of {wildcards.study} with our measurements"
    script:
        "../scripts/claims.py"
