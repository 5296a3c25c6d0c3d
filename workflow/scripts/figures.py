"""Plot all figures of a study, or one of them."""

from pathlib import Path

from calotype.evaluation.study_results import StudyResults
from calotype.figures import base, study
from calotype.tasks.figures import FigureEntry
from calotype.util.entry_point import script
from calotype.util.files import write_csv

with script(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    base.use_style(Path(snakemake.input.style))
    results = StudyResults(**params.results)
    figures = [FigureEntry(**figure) for figure in params.figures]
    folder, logs = Path(results.folder, "figures"), Path(snakemake.log[0]).with_suffix("")
    if hasattr(output, "costs"):
        write_csv(study.draw_all(figures, results, folder, logs, snakemake.threads), Path(output.costs))
    else:
        study.draw(next(figure for figure in figures if hasattr(output, figure.name)), results, folder)
