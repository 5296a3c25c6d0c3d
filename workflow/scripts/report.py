"""Write the report of all studies as one HTML page, and what it found as a few lines of text."""

from pathlib import Path

from calotype.console import script
from calotype.report import Print, findings, read_job, read_origin, render, study_section, train_job, write_text
from calotype.tables import read_csv

with script(snakemake.log[0]):
    found, params, output = snakemake.input, snakemake.params, snakemake.output
    captions = {Path(file).stem.replace("_", "-"): Path(file).read_text(encoding="utf-8") for file in found.captions}
    prints = [
        Print(study, Path(file), captions[caption])
        for (study, caption), file in zip(params.figures, found.figures, strict=True)
    ]
    origins = [read_origin(Path(file), *pack) for pack, file in zip(params.packs, found.provenance, strict=True)]
    jobs = [train_job(pack) for pack in origins]
    jobs += [read_job(Path(file), *job) for job, file in zip(params.jobs, found.benchmarks, strict=True)]
    sections = [
        study_section(
            name,
            study,
            *(read_csv(table) for table in tables),
            [item for item in prints if item.study == name],
            [pack for pack in origins if pack.study == name],
        )
        for (name, study), *tables in zip(
            params.studies.items(), found.runs, found.summary, found.pooled, found.confusion, strict=True
        )
    ]
    write_text(render(Path(found.template), sections, jobs), Path(output.page))
    write_text(findings(sections), Path(output.findings))
