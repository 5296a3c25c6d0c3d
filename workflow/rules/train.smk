# Training and prediction: a job trains a pack, that is, runs of one variant with consecutive seeds; a job gathers the
# predictions of a study on a test split.
# Input: prepared arrays of the training and validation splits; for predictions, of the test splits.
# Output: results/<study>/<variant>/seeds-<first>-<last>/ (models, history, layers, provenance), and
# results/<study>/predictions/<split>.npz. results/checkpoints/ keeps checkpoints until the study is evaluated.


rule smoke_test:
    """Run a smoke test of a custom model on a few images: train, save, load, resume and predict."""
    input:
        manifests=ask(LAYOUT.prepared_for, suffix=".json"),
        arrays=ancient(ask(LAYOUT.prepared_for, suffix=".npy")),
        files=ancient(of_variant("files")),  # a param holds their checksums
    output:
        seen=f"{RESULTS}/{{study}}/{{variant}}/smoke_test.json",
    log:
        f"{LOGS}/smoke_test/{{study}}/{{variant}}.log",
    priority: 1
    # Runs where you call Snakemake, so that a broken model fails before a job is queued.
    localrule: True
    conda:
        ENVIRONMENT
    params:
        # Only values that train again: each run of this rule trains again, too.
        recipe=of_variant("recipe"),
        custom_model=ask(IDENTITY.custom_model),
        may_diverge=not_compared(of_study("may_diverge")),
    message:
        "Running a smoke test of {wildcards.study}/{wildcards.variant}"
    script:
        "../scripts/smoke_test.py"


rule train:
    """Train a pack; resume it from its checkpoint after a stop."""
    input:
        # Checksums in the manifests decide whether to train again, not time stamps of the large arrays.
        manifests=ask(LAYOUT.prepared_for, suffix=".json"),
        arrays=ancient(ask(LAYOUT.prepared_for, suffix=".npy")),
        files=ancient(of_variant("files")),  # a param holds their checksums
        smoke_test=ask(LAYOUT.smoke_test),
    output:
        models=directory(f"{PACK}/models"),
        history=f"{PACK}/history.csv",
        layers=f"{PACK}/layers.csv",
        provenance=f"{PACK}/provenance.json",
    log:
        f"{LOGS}/train/{{study}}/{{variant}}/{{first}}-{{last}}.log",
    # No benchmark: a fork of another process may train (`warm_process`), and provenance.json has its cost.
    wildcard_constraints:
        study=LAYOUT.training_studies(cpu_only=False),
    # After jobs that training waits for, before figures and tables.
    priority: ask(LAYOUT.longest_first)
    conda:
        ENVIRONMENT
    threads: ask(LAYOUT.cores)
    resources:
        gpu_jobs=1,  # locally limited to the number of GPUs
    params:
        recipe=of_variant("recipe"),
        code=ask(IDENTITY.training_code),
        custom_model=ask(IDENTITY.custom_model),
        checkpoints=f"{LAYOUT.checkpoints}/{{variant}}",
        tests=not_compared(ask(IDENTITY.left_by_training)),
    message:
        "Training {wildcards.study}/{wildcards.variant}, seeds {wildcards.first} to {wildcards.last} "
        "({params.recipe[epochs]} epochs each; log: {log})"
    script:
        "../scripts/train.py"


use rule train as train_on_cpu with:
    # The same for models that use no GPU.
    wildcard_constraints:
        study=LAYOUT.training_studies(cpu_only=True),
    resources:
        gpu_jobs=0,


# Not in the digest of the script: `asked` holds the code of predictions for each variant.
GATHERS = ["calotype.config", *(f"calotype.training.{module}" for module in ("keras_model", "sklearn_model"))]


rule predict:
    """Gather the predictions of a study on a test split; compute those that training did not write."""
    input:
        provenance=ask(LAYOUT.pack_paths, name="provenance.json"),  # written last, with the checksums of the weights
        manifest=ask(LAYOUT.prepared, suffix=".json"),
        array=ancient(ask(LAYOUT.prepared, suffix=".npy")),
    output:
        predictions=f"{RESULTS}/{{study}}/predictions/{{split}}.npz",
    log:
        f"{LOGS}/predict/{{study}}/{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/predict/{{study}}/{{split}}.tsv"
    wildcard_constraints:
        study=LAYOUT.predicting_studies(cpu_only=False),
    conda:
        ENVIRONMENT
    threads: of_study("most_threads")
    resources:
        gpu_jobs=1,
    params:
        asked=ask(IDENTITY.predictions),
        code=IDENTITY.script("predict.py", GATHERS),
        variants=ask(LAYOUT.pack_variants),
        seeds=ask(LAYOUT.variant_seeds),
    message:
        "Predicting {wildcards.study}/{wildcards.split}"
    script:
        "../scripts/predict.py"


use rule predict as predict_on_cpu with:
    # The same for studies whose models use no GPU.
    wildcard_constraints:
        study=LAYOUT.predicting_studies(cpu_only=True),
    resources:
        gpu_jobs=0,
