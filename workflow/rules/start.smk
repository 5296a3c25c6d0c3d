# Start: what helps before anything is run.
# Needs: images, for `new_study`; prepared splits, for `check`.
# Gives: entries in config/; words on the terminal.


rule new_study:
    """Look at a folder of images, and write a dataset and a study for them: --config name=leaves images=folder."""
    log:
        f"{LOGS}/new_study.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        taken=rule_names,
    message:
        "Looking at the images"
    script:
        "../scripts/new_study.py"


rule check:
    """Try each variant of the studies on a few images, and say what their trainings will take."""
    input:
        manifests=ask(LAYOUT.all_prepared, studies=CONFIG.settings.studies, suffix=".json"),
        arrays=ancient(ask(LAYOUT.all_prepared, studies=CONFIG.settings.studies, suffix=".npy")),
        sheets=ask(LAYOUT.step_sheets, studies=CONFIG.settings.studies),
    log:
        f"{LOGS}/check.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        studies=CONFIG.settings.studies,
        code=ask(IDENTITY.trainings, studies=CONFIG.settings.studies),
    message:
        "Trying each variant on a few images"
    script:
        "../scripts/check.py"
