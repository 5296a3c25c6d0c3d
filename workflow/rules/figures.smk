# Figures, each as PDF, SVG and PNG.
# Input: tables and predictions of the study, the prepared test splits, the style file.
# Output: results/<study>/figures/; figures per variant are in a folder each.

# One job plots all figures of a study, so that libraries and inputs are loaded once. Studies with the same figures (see
# calotype/tasks/figures.py) share a rule. If all targets of a call are figures, for example
# `snakemake results/digits/figures/seeds.pdf`, each figure has its own rule, with the same input and params. A figure
# of one variant is plotted on request: `snakemake results/digits/figures/accurate/seeds.pdf`.
from calotype.config.image_paths import FIGURE_SUFFIXES

ONE_BY_ONE = targets.figures_alone(LAYOUT, sys.argv[1:])


def figure_rules():
    """Yield for each rule its name, subject, log and outputs, all figures of its studies, and its studies."""
    for figures, studies in LAYOUT.figure_sets().items():
        name = LAYOUT.figures_rule(studies[0])
        if ONE_BY_ONE:
            for figure in figures:
                log, files = f"{LOGS}/figures/{{study}}/{figure.name}.log", figure_files([figure])
                yield f"{name}{targets.ALONE}{figure.name}", figure.stem, log, files, figures, studies
        else:
            log, files = f"{LOGS}/figures/{{study}}.log", figure_files(figures)
            yield name, "the figures", log, files, figures, studies
        path = "{study}/figures/{variant}/{figure,%s}" % one_of(figure.stem for figure in figures)
        files = {suffix[1:]: f"{RESULTS}/{path}{suffix}" for suffix in FIGURE_SUFFIXES}
        log = f"{LOGS}/figures/{{study}}/{{variant}}/{{figure}}.log"
        yield f"{name}_of_variant", "{wildcards.figure} of {wildcards.variant}", log, files, figures, studies


def figure_files(figures):
    """Return the outputs of a rule that plots some figures."""
    files = {} if ONE_BY_ONE else {"costs": f"{BENCHMARKS}/figures/{{study}}.csv"}
    for figure in figures:
        path = f"{RESULTS}/{{study}}/figures/{figure.stem}"
        shown = {"caption": f"../report/{figure.name}.rst", "category": "{study}"}
        labels = {"content": figure.label}
        if figure.per_variant:
            shown |= {"subcategory": "Figures of each variant", "patterns": ["{variant}.svg"]}
            files[figure.name] = report(directory(path), labels=labels | {"variant": "{variant}"}, **shown)
        else:
            files[f"{figure.name}_pdf"], files[f"{figure.name}_png"] = f"{path}.pdf", f"{path}.png"
            files[figure.name] = report(f"{path}.svg", subcategory="Figures", labels=labels, **shown)
    return files


for name, subject, log_file, files, figures, studies in figure_rules():

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
            provenance=rules.evaluate.output.provenance,
            predictions=ask(LAYOUT.predictions),
            manifests=ask(LAYOUT.prepared_tests, suffix=".json"),
            arrays=ancient(ask(LAYOUT.prepared_tests, suffix=".npy")),
            catalogue=ancient(catalogue_of_study),  # it changes with the arrays
            models=ask(LAYOUT.feature_models),
            grids=grids_of_study,
            style=REPORT / "calotype.mplstyle",
            font=CONFIG.settings.figures.font_files,
        output:
            **files,
        log:
            log_file,
        wildcard_constraints:
            study=one_of(studies),
        group:
            "paper"
        conda:
            ENVIRONMENT
        threads: 2 if "costs" in files else 1
        params:
            results=ask(LAYOUT.shown_in_figures),
            figures=[figure.plain() for figure in figures],
            page=CONFIG.settings.figures.page(),
            code=IDENTITY.figure_code(figures),
        message:
            f"Plotting {subject} of {{wildcards.study}}"
        script:
            "../scripts/figures.py"
