"""Write the report of some studies as one HTML page, and its findings as text."""

from datetime import datetime
from pathlib import Path

from calotype.jobs.job_use import job_uses
from calotype.report.html import Made, findings, render
from calotype.report.jobs import figure_jobs, read_job, train_job
from calotype.report.links import Links
from calotype.report.section import section
from calotype.report.shown_figures import ShownFigure
from calotype.util.entry_point import script
from calotype.util.files import write_text

with script(snakemake.log[0]):
    found, params, output = snakemake.input, snakemake.params, snakemake.output
    captions = {Path(file).stem: Path(file).read_text(encoding="utf-8") for file in found.captions}
    figures = [
        ShownFigure(study, name, Path(file), captions[caption], name.partition("/")[2])
        for study, name, caption, file in params.figures
    ]
    previews = [
        ShownFigure(study, f"preparation/{split}", Path(file), captions["preview"], split)
        for study, split, file in params.previews
    ]
    links = Links(Path(output.page).parent)
    sections = [section(study, figures, previews, links) for study in params.studies.values()]
    jobs = [train_job(pack) for one in sections for pack in one["packs"]]
    jobs += [read_job(Path(file), *job) for job, file in zip(params.jobs, found.benchmarks, strict=True)]
    for name, file in zip(params.studies, found.costs, strict=True):
        jobs += figure_jobs(Path(file), name)
    made = Made(datetime.now().astimezone(), params.command)
    datasets = [study["dataset"] for study in params.studies.values()]
    uses = job_uses(Path(output.page).parent, [*params.studies], datasets)
    write_text(render(Path(found.template), sections, jobs, made, uses), Path(output.page))
    write_text(findings(sections), Path(output.findings))
