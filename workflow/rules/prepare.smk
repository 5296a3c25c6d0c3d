# Preparation: images to arrays, with OpenCV.
# Input: raw images of a dataset.
# Output: results/prepared/<dataset>/<split>.npy (images, labels, ids) and .json (manifest with checksum); on request
# <split>-preview.pdf, .svg and .png, figures of images after each step.

# Not in the digests of these scripts: params hold the config, and the code of the dataset's own steps.
NO_STEP = ["calotype.config", "calotype.steps.registry"]


rule measure:
    """Measure mean and standard deviation of each channel on one split, for `normalise` in all splits."""
    input:
        raw=ask(LAYOUT.raw),
        catalogue=ancient(ask(LAYOUT.catalogue_table)),  # `raw` is its manifest, which shows a change
        files=ancient(ask(LAYOUT.files_of_steps)),  # a param holds their checksums
    output:
        measured=f"{RESULTS}/prepared/{{dataset}}/{{split}}.measured.json",
    log:
        f"{LOGS}/measure/{{dataset}}/{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/measure/{{dataset}}/{{split}}.tsv"
    wildcard_constraints:
        dataset=one_of([name for name in CONFIG.datasets if CONFIG.measured(name)]),
        split=one_of(filter(None, map(CONFIG.measured, CONFIG.datasets))),
    priority: 1
    group:
        "data"
    conda:
        ENVIRONMENT
    params:
        measuring=ask(IDENTITY.measuring),
        used_code=ask(IDENTITY.used_code, measures=True),
        place=not_compared(ask(LAYOUT.place)),
        code=IDENTITY.script("measure.py", NO_STEP),
    message:
        "Measuring {wildcards.dataset}/{wildcards.split}"
    script:
        "../scripts/measure.py"


rule prepare:
    """Prepare one split: read its images, process them with OpenCV, and write one memory-mappable array."""
    input:
        raw=ask(LAYOUT.raw),
        catalogue=ancient(ask(LAYOUT.catalogue_table)),  # `raw` is its manifest, which shows a change
        files=ancient(ask(LAYOUT.files_of_steps)),  # a param holds their checksums
        measured=ask(LAYOUT.measured),
    output:
        array=f"{RESULTS}/prepared/{{dataset}}/{{split}}.npy",
        manifest=f"{RESULTS}/prepared/{{dataset}}/{{split}}.json",
    log:
        f"{LOGS}/prepare/{{dataset}}/{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/prepare/{{dataset}}/{{split}}.tsv"
    priority: 1
    group:
        "data"
    conda:
        ENVIRONMENT
    params:
        preparation=of_dataset("preparation"),
        used_code=ask(IDENTITY.used_code),
        place=not_compared(ask(LAYOUT.place)),
        code=IDENTITY.script("prepare.py", NO_STEP),
    message:
        "Preparing {wildcards.dataset}/{wildcards.split} with OpenCV"
    script:
        "../scripts/prepare.py"


rule preview:
    """Plot some images of a split after each preparation step."""
    input:
        raw=ask(LAYOUT.raw),
        catalogue=ancient(ask(LAYOUT.catalogue_table)),  # `raw` is its manifest, which shows a change
        files=ancient(ask(LAYOUT.files_of_steps)),  # a param holds their checksums
        measured=ask(LAYOUT.measured),
        manifest=rules.prepare.output.manifest,
        array=ancient(rules.prepare.output.array),
        style=REPORT / "calotype.mplstyle",
        font=CONFIG.settings.figures.font_files,
    output:
        pdf=f"{RESULTS}/prepared/{{dataset}}/{{split}}-preview.pdf",
        svg=report(
            f"{RESULTS}/prepared/{{dataset}}/{{split}}-preview.svg",
            caption="../report/preview.rst",
            category="Preparation",
            labels={"content": "{dataset}", "split": "{split}"},
        ),
        png=f"{RESULTS}/prepared/{{dataset}}/{{split}}-preview.png",
    log:
        f"{LOGS}/preview/{{dataset}}/{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/preview/{{dataset}}/{{split}}.tsv"
    group:
        "data"
    conda:
        ENVIRONMENT
    params:
        preparation=of_dataset("preparation"),
        used_code=ask(IDENTITY.used_code),
        place=not_compared(ask(LAYOUT.place)),
        classes=ask(CONFIG.class_names),
        page=CONFIG.settings.figures.page(),
        code=IDENTITY.script("preview.py", NO_STEP),
    message:
        "Plotting the preview of {wildcards.dataset}/{wildcards.split}"
    script:
        "../scripts/preview.py"
