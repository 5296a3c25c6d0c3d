"""Plot all figures of a study, one of them, or one of them for a variant."""

from pathlib import Path

from calotype.evaluation.study_results import StudyResults
from calotype.figures import base, study
from calotype.tasks.figures import FigureEntry
from calotype.util.entry_point import script
from calotype.util.files import write_csv

with script(snakemake.log[0]):
    params, output, asked = snakemake.params, snakemake.output, snakemake.wildcards
    base.use_style(Path(snakemake.input.style), base.Page(**params.page))
    base.log_warnings()
    results = StudyResults(**params.results)
    figures = [FigureEntry(**figure) for figure in params.figures]
    folder, logs = Path(results.folder, "figures"), Path(snakemake.log[0]).with_suffix("")
    if hasattr(output, "costs"):
        write_csv(study.draw_all(figures, results.of_shown(), folder, logs, snakemake.threads), Path(output.costs))
    elif hasattr(asked, "variant"):
        figure = next(figure for figure in figures if figure.stem == asked.figure)
        base.save(study.of_variant(figure, results, asked.variant), [Path(file) for file in output])
    else:
        study.draw(next(figure for figure in figures if hasattr(output, figure.name)), results.of_shown(), folder)
