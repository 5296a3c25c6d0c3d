"""Compare the numbers in the text of a paper with the results."""

import logging
from pathlib import Path

from calotype.report.manuscript import check, published_numbers
from calotype.report.numbers import read_numbers
from calotype.util.entry_point import script
from calotype.util.errors import CalotypeError

with script(snakemake.log[0]):
    paper, logger = snakemake.config.get("manuscript"), logging.getLogger("calotype")
    if not paper:
        hint = "run snakemake --cores 1 check_paper --config manuscript=paper.tex"
        raise CalotypeError("check_paper: manuscript is missing.", hint)
    files = [file for file in map(Path, snakemake.params.numbers) if file.is_file()]
    if not files:
        raise CalotypeError("check_paper: no study has a numbers.tex.", "run the studies of the paper first.")
    numbers = {key: text for file in files for key, text in read_numbers(file.read_text(encoding="utf-8")).items()}
    published = [number for file in files for number in published_numbers(file.with_name("claims.csv"))]
    found = check(Path(paper), numbers, published)
    for line in (*found.missing, *found.typed):
        logger.info("%s", line)
    known = found.used - len(found.missing)
    logger.info("%d of %d macros have a number", known, found.used)
    logger.info("%d typed numbers are right; %d differ from a measured one nearby", found.equal, len(found.typed))
    if found.missing:
        raise CalotypeError(f"{paper}: macros without a number: {len(found.missing)}.", "correct their names.")
