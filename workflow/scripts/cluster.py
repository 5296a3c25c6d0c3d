"""Read the Slurm cluster, and propose the lines of the profile, or write them."""

import logging
from pathlib import Path

from calotype.config.load import Settings
from calotype.jobs import cluster
from calotype.planning.cluster_findings import findings
from calotype.planning.cluster_page import page
from calotype.planning.cluster_profile import check_new, write_profile
from calotype.planning.cluster_proposal import propose
from calotype.util.entry_point import script
from calotype.util.yaml_validation import read_yaml, validate

with script(snakemake.log[0]):
    settings, logger = validate(Settings, dict(snakemake.config), "config/config.yaml"), logging.getLogger("calotype")
    if settings.write:
        check_new(Path(settings.write))
    source = Path(snakemake.params.profile)
    seen = cluster.read()
    proposal = propose(seen, read_yaml(source))
    logger.info("\n%s\n", "\n".join(page(seen, proposal, findings(seen, proposal))))
    prefix = snakemake.rule.removesuffix("cluster")  # rules of a module may have one
    if settings.write:
        file = write_profile(Path(settings.write), source, proposal.lines, proposal.head, prefix)
        logger.info("Wrote %s; comments explain each change. Read it.\n", file)
        call = f"snakemake --profile {settings.write}"
        if proposal.gpu:
            logger.info("Next    %s %sgpu_test\n        to send a job that shows its GPU, then", call, prefix)
        logger.info("%s%s%s -n", " " * 8 if proposal.gpu else "Next    ", call, f" {prefix}all" if prefix else "")
        logger.info("        to see the plan")
    else:
        logger.info("Next    snakemake --cores 1 %scluster --config write=my-slurm", prefix)
        logger.info("        to write my-slurm/config.yaml, a profile with these lines")
