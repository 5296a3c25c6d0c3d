# Figures: each one as PDF, SVG and PNG.
# Needs: tables and predictions of the study, the prepared test splits, the style file.
# Gives: results/<study>/figures/; a figure that each variant has one of, in a folder of its own.

# One job draws all figures of a study: it imports and reads once what they share. Studies with the same figures, by the
# table in calotype/tasks/figures.py, share a rule.


def figure_files(figures):
    """The outputs of a rule that draws some figures."""
    files = {}
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


for figures, studies in LAYOUT.figure_sets().items():

    rule:
        """Draw all figures of a study, several at a time."""
        name:
            LAYOUT.figures_rule(studies[0])
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
            **figure_files(figures),
            costs=f"{BENCHMARKS}/figures/{{study}}.csv",
        log:
            f"{LOGS}/figures/{{study}}.log",
        wildcard_constraints:
            study=one_of(studies),
        group:
            "paper"
        conda:
            ENVIRONMENT
        threads: 2
        params:
            results=ask(LAYOUT.shown_in_figures),
            figures=[figure.plain() for figure in figures],
            code=IDENTITY.figure_code(figures),
        message:
            "Plotting the figures of {wildcards.study}"
        script:
            "../scripts/figures.py"
