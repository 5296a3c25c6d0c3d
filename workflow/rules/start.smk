# Start: a new study, a check of it, and a look at the Slurm cluster.
# Input: images (`new_study`); prepared splits (`check`); Slurm (`cluster`); a job's GPU (`gpu_test`).
# Output: entries in config/ (`new_study`); a profile (`cluster`); text on the terminal.


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


rule try_variants:
    """Run a smoke test of each variant; on Slurm, in a job."""
    input:
        manifests=ask(LAYOUT.all_prepared, studies=CONFIG.settings.studies, suffix=".json"),
        arrays=ancient(ask(LAYOUT.all_prepared, studies=CONFIG.settings.studies, suffix=".npy")),
    output:
        tried=f"{RESULTS}/smoke_tests.json",  # `check` deletes it; see `find_gpu`
    log:
        f"{LOGS}/try_variants.log",
    conda:
        ENVIRONMENT
    params:
        studies=CONFIG.settings.studies,
        code=ask(IDENTITY.trainings, studies=CONFIG.settings.studies),
    message:
        "Running a smoke test of each variant"
    script:
        "../scripts/try_variants.py"


rule check:
    """Forecast jobs, time, memory and disk, after a smoke test of each variant."""
    input:
        tried=rules.try_variants.output.tried,
        manifests=rules.try_variants.input.manifests,
        arrays=rules.try_variants.input.arrays,
        previews=ask(LAYOUT.previews, studies=CONFIG.settings.studies),
    log:
        f"{LOGS}/check.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        studies=CONFIG.settings.studies,
        code=rules.try_variants.params.code,
        asked=not_compared(asked_on_slurm),
    message:
        "Forecasting jobs, time, memory and disk"
    script:
        "../scripts/check.py"


rule cluster:
    """Read the Slurm cluster, and propose the lines of the profile: --config write=my-slurm writes a profile."""
    log:
        f"{LOGS}/cluster.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        profile=WORKFLOW.parent / "slurm/config.yaml",
    message:
        "Reading the cluster"
    script:
        "../scripts/cluster.py"


rule find_gpu:
    """Find the GPU of a job, and compute on it."""
    output:
        f"{LOGS}/gpu.txt",  # `gpu_test` deletes it: Snakemake keeps a `temp` file of a target without output
    log:
        f"{LOGS}/find_gpu.log",
    conda:
        ENVIRONMENT
    message:
        "Looking for a GPU"
    script:
        "../scripts/find_gpu.py"


rule gpu_test:
    """Show the GPU that TensorFlow sees in a job: snakemake --profile slurm gpu_test."""
    input:
        rules.find_gpu.output,
    log:
        f"{LOGS}/gpu_test.log",
    localrule: True
    conda:
        ENVIRONMENT
    shell:
        "tee {log} < {input} && rm {input}"
