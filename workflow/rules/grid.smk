# Grids: which settings matter, and which combination is best.
# Input: tables and predictions of a study with a grid.
# Output: results/<study>/grid.csv, one line for each combination, and effects.csv, the means over each setting.


rule grid:
    """Compute the tables of the grids of a study."""
    input:
        runs=rules.evaluate.output.runs,
        summary=rules.evaluate.output.summary,
        predictions=ask(LAYOUT.predictions),
    output:
        grid=report(
            f"{RESULTS}/{{study}}/grid.csv",
            caption="../report/grid.rst",
            category="{study}",
            subcategory="Tables",
            labels={"content": "All combinations of settings"},
        ),
        effects=report(
            f"{RESULTS}/{{study}}/effects.csv",
            caption="../report/grid_effects.rst",
            category="{study}",
            subcategory="Tables",
            labels={"content": "Means over each setting"},
        ),
    log:
        f"{LOGS}/grid/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/grid/{{study}}.tsv"
    wildcard_constraints:
        study=one_of(study for study in CONFIG.studies if LAYOUT.grid_tables([study])),
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        results=ask(LAYOUT.results_of),
        code=IDENTITY.script("grid.py"),
    message:
        "Comparing the settings of {wildcards.study}"
    script:
        "../scripts/grid.py"
