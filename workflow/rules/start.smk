# Start: a new study, and a check of it.
# Input: images (`new_study`); prepared splits (`check`).
# Output: entries in config/ (`new_study`); text on the terminal.


rule new_study:
    """Scan a folder of images, and write a dataset and a study: --config name=leaves images=folder."""
    log:
        f"{LOGS}/new_study.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        taken=rule_names,
    message:
        "Scanning the images"
    script:
        "../scripts/new_study.py"


rule check:
    """Run a smoke test of each variant, and forecast jobs, time, memory and disk."""
    input:
        manifests=ask(LAYOUT.all_prepared, studies=CONFIG.settings.studies, suffix=".json"),
        arrays=ancient(ask(LAYOUT.all_prepared, studies=CONFIG.settings.studies, suffix=".npy")),
        previews=ask(LAYOUT.previews, studies=CONFIG.settings.studies),
    log:
        f"{LOGS}/check.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        studies=CONFIG.settings.studies,
        code=ask(IDENTITY.trainings, studies=CONFIG.settings.studies),
    message:
        "Running a smoke test of each variant"
    script:
        "../scripts/check.py"
