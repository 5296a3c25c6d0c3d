# Start: what helps before anything is run.
# Needs: images, for `new_study`.
# Gives: entries in config/.


localrules:
    new_study,


rule new_study:
    """Look at a folder of images, and write a dataset and a study for them: --config name=leaves images=folder."""
    log:
        f"{LOGS}/new_study.log",
    conda:
        ENVIRONMENT
    message:
        "Looking at the images"
    script:
        "../scripts/new_study.py"
