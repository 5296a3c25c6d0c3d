# Figures: each one as PDF, SVG and PNG.
# Needs: tables and predictions of the study, the prepared test splits, the style file.
# Gives: results/<study>/figures/; a figure that each variant has one of, in a folder of its own.

# One job plots all figures of a study: it imports and reads their common inputs once. Studies with the same figures, by
# the table in calotype/tasks/figures.py, share a rule. A call whose targets are all figures, as in
# `snakemake results/digits/figures/seeds.pdf`, has a rule for each figure instead, with the same input and params.
ONE_BY_ONE = targets.figures_alone(LAYOUT, sys.argv[1:])


def figure_rules():
    """Yield the name of each rule, the figures that it plots, and the figures of its studies with these studies."""
    for figures, studies in LAYOUT.figure_sets().items():
        name = LAYOUT.figures_rule(studies[0])
        if ONE_BY_ONE:
            yield from ((f"{name}{targets.ALONE}{figure.name}", [figure], figures, studies) for figure in figures)
        else:
            yield name, figures, figures, studies


def figure_files(figures):
    """Return the outputs of a rule that plots some figures."""
    files = {} if ONE_BY_ONE else {"costs": f"{BENCHMARKS}/figures/{{study}}.csv"}
    for figure in figures:
        path = f"{RESULTS}/{{study}}/figures/{figure.stem}"
        shown = {"caption": f"../report/{figure.name}.rst", "category": "{study}"}
        labels = {"what": f"{figure.label}, {{variant}}" if figure.per_variant else figure.label, "kind": "figure"}
        if figure.per_variant:
            files[figure.name] = report(directory(path), patterns=["{variant}.svg"], labels=labels, **shown)
        else:
            files[f"{figure.name}_pdf"], files[f"{figure.name}_png"] = f"{path}.pdf", f"{path}.png"
            files[figure.name] = report(f"{path}.svg", labels=labels, **shown)
    return files


for name, plotted, figures, studies in figure_rules():

    rule:
        """Plot the figures of a study, several at a time."""
        name:
            name
        input:
            runs=rules.evaluate.output.runs,
            summary=rules.evaluate.output.summary,
            confusion=rules.evaluate.output.confusion,
            differences=rules.evaluate.output.differences,
            history=rules.evaluate.output.history,
            predictions=ask(LAYOUT.predictions),
            manifests=ask(LAYOUT.prepared_tests, suffix=".json"),
            arrays=ancient(ask(LAYOUT.prepared_tests, suffix=".npy")),
            models=ask(LAYOUT.feature_models),
            style=REPORT / "calotype.mplstyle",
        output:
            **figure_files(plotted),
        log:
            f"{LOGS}/figures/{{study}}{'/' + plotted[0].name if ONE_BY_ONE else ''}.log",
        wildcard_constraints:
            study=one_of(studies),
        group:
            "paper"
        conda:
            ENVIRONMENT
        threads: 1 if ONE_BY_ONE else 2
        params:
            results=ask(LAYOUT.shown_in_figures),
            figures=[figure.plain() for figure in figures],
            code=IDENTITY.figure_code(figures),
        message:
            f"Plotting {plotted[0].stem if ONE_BY_ONE else 'the figures'} of {{wildcards.study}}"
        script:
            "../scripts/figures.py"
