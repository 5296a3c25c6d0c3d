# Raw data: images and labels, as the source's own tools would read them.
# Needs: the dataset's entry in datasets.yaml.
# Gives: data/<dataset>/<split>/, a folder of img<N>.jpg and labels.csv.


rule draw:
    """Draw one split of a dataset of dots."""
    output:
        folder=directory(f"{DATA}/{{dataset}}/{{split}}"),
    log:
        f"{LOGS}/draw/{{dataset}}/{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/draw/{{dataset}}/{{split}}.tsv"
    group:
        "data"
    conda:
        ENVIRONMENT
    params:
        split=drawing,
        code=code_digest("draw.py"),
    message:
        "Drawing {wildcards.dataset}/{wildcards.split}: {params.split[images]} images"
    script:
        "../scripts/draw.py"
