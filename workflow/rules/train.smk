# Training: one job trains a pack, the runs of one variant for consecutive seeds, and predicts the test splits.
# Needs: the prepared arrays of the study's training and test splits.
# Gives: results/<study>/<variant>/seeds-<first>-<last>/: models, history, predictions, provenance.


def variant(wildcards):
    """The config of a variant."""
    return CONFIG.studies[wildcards.study].variants[wildcards.variant]


def splits(suffix):
    """An input function: the prepared splits of a variant, the training split first."""

    def paths(wildcards):
        study = CONFIG.studies[wildcards.study]
        return [prepared(wildcards.study, split, suffix) for split in (variant(wildcards).train, *study.tests)]

    return paths


def recipe(wildcards):
    """The part of the config that the trained weights depend on."""
    return variant(wildcards).recipe()


def recipe_threads(wildcards):
    """The threads of a training are part of its recipe, not of the machine."""
    return variant(wildcards).threads


def own_model(wildcards):
    """The code of a user's own model file; None for the models that come along."""
    return provenance.own_code(variant(wildcards).model)


rule train:
    """Train a pack and predict its test splits."""
    input:
        # The checksums in the manifests decide whether to train again, not the time stamps of the large arrays.
        manifests=splits(".json"),
        arrays=ancient(splits(".npy")),
    output:
        models=directory(f"{PACK}/models"),
        history=f"{PACK}/history.csv",
        predictions=f"{PACK}/predictions.npz",
        provenance=f"{PACK}/provenance.json",
    log:
        f"{LOGS}/train/{{study}}-{{variant}}-{{first}}-{{last}}.log",
    benchmark:
        f"{BENCHMARKS}/train/{{study}}-{{variant}}-{{first}}-{{last}}.tsv"
    params:
        recipe=recipe,
        code=code_digest("train.py"),
        own_model=own_model,
    threads: recipe_threads
    priority: 1  # nothing that can wait takes a core from the longest jobs
    conda:
        ENVIRONMENT
    message:
        "Training {wildcards.study}/{wildcards.variant}, seeds {wildcards.first} to {wildcards.last} "
        "({params.recipe[epochs]} epochs each; follow it in {log})"
    script:
        "../scripts/train.py"
