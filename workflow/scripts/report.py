"""Write the report of some studies as one HTML page, and what it found as a few lines of text."""

from pathlib import Path

from calotype.report.html import Print, StudyTables, findings, read_job, read_origin, render, study_section, train_job
from calotype.util.csv_tables import read_csv
from calotype.util.entry_point import script
from calotype.util.files import write_text

with script(snakemake.log[0]):
    found, params, output = snakemake.input, snakemake.params, snakemake.output
    captions = {Path(file).stem: Path(file).read_text(encoding="utf-8") for file in found.captions}
    prints = [Print(study, name, Path(file), captions[caption]) for study, name, caption, file in params.figures]
    caption = captions["preparation_sheet"]
    sheets = [Print(study, f"preparation/{split}", Path(file), caption) for study, split, file in params.sheets]
    origins = [read_origin(Path(file), *pack) for pack, file in zip(params.packs, found.provenance, strict=True)]
    jobs = [train_job(pack) for pack in origins]
    jobs += [read_job(Path(file), *job) for job, file in zip(params.jobs, found.benchmarks, strict=True)]
    kinds = ("runs", "summary", "pooled", "confusion", "differences", "claims", "layers")
    sections = []
    for i, (name, study) in enumerate(params.studies.items()):
        tables = StudyTables(**{kind: read_csv(found[kind][i]) for kind in kinds})
        own = ([item for item in items if item.study == name] for items in (prints, origins, sheets))
        sections.append(study_section(name, study, tables, *own))
    write_text(render(Path(found.template), sections, jobs), Path(output.page))
    write_text(findings(sections), Path(output.findings))
