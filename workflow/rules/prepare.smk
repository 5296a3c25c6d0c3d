# Preparation: what OpenCV does to the images before a model sees them.
# Needs: data/<dataset>/<split>/.
# Gives: results/prepared/<dataset>/<split>.npy (images, labels, ids) and .json, its manifest with a checksum.


def preparation(wildcards):
    """Everything that decides how a split is prepared, and what its labels may be."""
    dataset = CONFIG.datasets[wildcards.dataset]
    found = dataset.drawing.model_dump(include={"width", "minimum", "maximum"})
    return found | {"split": wildcards.split, "steps": dataset.prepare}


rule prepare:
    """Prepare one split: read, grey, scale, and write one memory-mappable array."""
    input:
        folder=rules.draw.output.folder,
    output:
        array=f"{RESULTS}/prepared/{{dataset}}/{{split}}.npy",
        manifest=f"{RESULTS}/prepared/{{dataset}}/{{split}}.json",
    log:
        f"{LOGS}/prepare/{{dataset}}-{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/prepare/{{dataset}}-{{split}}.tsv"
    params:
        preparation=preparation,
        code=code_digest("prepare.py"),
    group:
        "data"
    conda:
        ENVIRONMENT
    message:
        "Preparing {wildcards.dataset}/{wildcards.split} with OpenCV"
    script:
        "../scripts/prepare.py"
