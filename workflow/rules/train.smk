# Training and prediction: one job trains a pack, the runs of one variant for consecutive seeds; another gathers what all
# runs of a study predict on a test split.
# Needs: the prepared arrays of the study's training and validation splits; to predict, those of its test splits.
# Gives: results/<study>/<variant>/seeds-<first>-<last>/: models, history, layers, provenance. Until a study is evaluated,
# results/checkpoints/ holds what a training that is stopped goes on from. results/<study>/predictions/<split>.npz.


rule smoke_test:
    """Try a model of the user's own on a few images: it trains, saves, loads, goes on and predicts."""
    input:
        manifests=ask(LAYOUT.prepared_for, suffix=".json"),
        arrays=ancient(ask(LAYOUT.prepared_for, suffix=".npy")),
        files=ancient(of_variant("files")),  # a param holds their content
    output:
        seen=f"{RESULTS}/{{study}}/{{variant}}/smoke_test.json",
    log:
        f"{LOGS}/smoke_test/{{study}}/{{variant}}.log",
    priority: 1
    # Where Snakemake was called: a job that is sent for a model that does not work is a night lost.
    localrule: True
    conda:
        ENVIRONMENT
    params:
        # What makes a training begin anew, and nothing else: it would begin anew with this.
        recipe=of_variant("recipe"),
        own_model=ask(IDENTITY.own_model),
    message:
        "Trying {wildcards.study}/{wildcards.variant} on a few images"
    script:
        "../scripts/smoke_test.py"


rule train:
    """Train a pack; one that was stopped goes on where it was."""
    input:
        # The checksums in the manifests decide whether to train again, not the time stamps of the large arrays.
        manifests=ask(LAYOUT.prepared_for, suffix=".json"),
        arrays=ancient(ask(LAYOUT.prepared_for, suffix=".npy")),
        files=ancient(of_variant("files")),  # a param holds their content
        smoke_test=ask(LAYOUT.smoke_test),
    output:
        models=directory(f"{PACK}/models"),
        history=f"{PACK}/history.csv",
        layers=f"{PACK}/layers.csv",
        provenance=f"{PACK}/provenance.json",
    log:
        f"{LOGS}/train/{{study}}/{{variant}}/{{first}}-{{last}}.log",
    benchmark:
        f"{BENCHMARKS}/train/{{study}}/{{variant}}/{{first}}-{{last}}.tsv"
    # Above figures and tables, which can wait, and below what trainings wait for.
    priority: ask(LAYOUT.longest_first)
    conda:
        ENVIRONMENT
    threads: of_variant("threads")
    params:
        recipe=of_variant("recipe"),
        code=ask(IDENTITY.training_code),
        own_model=ask(IDENTITY.own_model),
        checkpoints=f"{LAYOUT.checkpoints}/{{variant}}",
        tests=not_compared(ask(IDENTITY.left_by_training)),
    message:
        "Training {wildcards.study}/{wildcards.variant}, seeds {wildcards.first} to {wildcards.last} "
        "({params.recipe[epochs]} epochs each; follow it in {log})"
    script:
        "../scripts/train.py"


# The code of predictions is part of `asked`, for each variant that of its library alone.
GATHERS = ["calotype.config", *(f"calotype.training.{module}" for module in ("keras_predictor", "sklearn_predictor"))]


rule predict:
    """Gather the predictions of a study on a test split; what the trainings have not left there is predicted."""
    input:
        provenance=ask(LAYOUT.pack_paths, name="provenance.json"),  # written last; it has the checksums of the weights
        manifest=ask(LAYOUT.prepared, suffix=".json"),
        array=ancient(ask(LAYOUT.prepared, suffix=".npy")),
    output:
        predictions=f"{RESULTS}/{{study}}/predictions/{{split}}.npz",
    log:
        f"{LOGS}/predict/{{study}}/{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/predict/{{study}}/{{split}}.tsv"
    conda:
        ENVIRONMENT
    threads: of_study("most_threads")
    params:
        asked=ask(IDENTITY.predictions),
        code=IDENTITY.script("predict.py", GATHERS),
        variants=ask(LAYOUT.pack_variants),
        seeds=ask(LAYOUT.variant_seeds),
    message:
        "Predicting {wildcards.study}/{wildcards.split}"
    script:
        "../scripts/predict.py"
