# Preparation: what OpenCV does to the images before a model sees them.
# Needs: data/<dataset>/<split>/, or data/<dataset>/ where files were fetched.
# Gives: results/prepared/<dataset>/<split>.npy (images, labels, ids) and .json, its manifest with a checksum.


rule prepare:
    """Prepare one split: read its images, take them through OpenCV, and write one memory-mappable array."""
    input:
        raw=raw,
        catalogue=ancient(catalogue),  # its manifest says whether it has changed
    output:
        array=f"{RESULTS}/prepared/{{dataset}}/{{split}}.npy",
        manifest=f"{RESULTS}/prepared/{{dataset}}/{{split}}.json",
    log:
        f"{LOGS}/prepare/{{dataset}}/{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/prepare/{{dataset}}/{{split}}.tsv"
    group:
        "data"
    conda:
        ENVIRONMENT
    params:
        preparation=preparation,
        code=code_digest("prepare.py"),
    message:
        "Preparing {wildcards.dataset}/{wildcards.split} with OpenCV"
    script:
        "../scripts/prepare.py"
