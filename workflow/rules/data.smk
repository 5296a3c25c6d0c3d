# Raw data: images and labels, as the source's own tools would read them.
# Needs: the dataset's entry in datasets.yaml; to fetch, a network, a package manager, or files that you have.
# Gives: data/<dataset>/<split>/, a folder of img<N>.jpg and labels.csv (drawn), or data/<dataset>/ (fetched, verified);
# of your own images, which stay where they are, results/prepared/<dataset>/catalogue.csv.


rule draw:
    """Draw one split of a dataset."""
    output:
        folder=directory(f"{DATA}/{{dataset}}/{{split}}"),
    log:
        f"{LOGS}/draw/{{dataset}}/{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/draw/{{dataset}}/{{split}}.tsv"
    wildcard_constraints:
        dataset=one_of(LAYOUT.of_origin("drawn")),
    priority: 1
    group:
        "data"
    conda:
        ENVIRONMENT
    params:
        writer=of_dataset("writer"),
        split=of_dataset("drawn_values"),
        keywords=not_compared(of_dataset("drawn")),
        code=ask(IDENTITY.drawing_code),
    message:
        "Drawing {wildcards.dataset}/{wildcards.split}: {params.split[images]} images"
    script:
        "../scripts/draw.py"


# On the machine where Snakemake was called: compute nodes have no internet.
rule fetch_dataset:
    """Fetch the files of a dataset from its sources in turn, and verify them; what is there and right is kept."""
    output:
        sums=f"{DATA}/{{dataset}}/SHA256SUMS",
    log:
        f"{LOGS}/fetch_dataset/{{dataset}}.log",
    wildcard_constraints:
        dataset=one_of(LAYOUT.of_origin("fetched")),
    priority: 1
    localrule: True
    conda:
        ENVIRONMENT
    params:
        # The whole identity of the files: neither where they come from nor the code that brings them changes a byte.
        files=ask(CONFIG.checksums),
    message:
        "Fetching {wildcards.dataset}"
    script:
        "../scripts/fetch_dataset.py"


rule catalogue:
    """Find the images of your own, read each, and write down its label and its split."""
    output:
        table=f"{RESULTS}/prepared/{{dataset}}/catalogue.csv",
        manifest=f"{RESULTS}/prepared/{{dataset}}/catalogue.json",
    log:
        f"{LOGS}/catalogue/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/catalogue/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(LAYOUT.of_origin("user")),
    priority: 4  # for its four cores: Snakemake adds up what could run there instead
    group:
        "data"
    conda:
        ENVIRONMENT
    threads: 4
    params:
        dataset=of_dataset("catalogue"),
        there=ask(IDENTITY.images_there),
        place=not_compared(ask(LAYOUT.place)),
        code=ask(IDENTITY.catalogue_code),
    message:
        "Looking through the images of {wildcards.dataset}"
    script:
        "../scripts/catalogue.py"
