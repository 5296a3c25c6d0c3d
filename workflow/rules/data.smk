# Raw data: images and labels.
# Input: the dataset in datasets.yaml; to fetch files, a network, a package manager, or your own copies.
# Output: data/<dataset>/<split>/ with img<N>.jpg and labels.csv (drawn), data/<dataset>/ (fetched and verified), or
# results/prepared/<dataset>/catalogue.csv (your own images, which stay in their folder) and skipped.csv beside it.


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


# Runs where you call Snakemake: compute nodes often have no internet.
rule fetch_dataset:
    """Fetch the missing files of a dataset from its sources, and verify all checksums."""
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
        # Checksums identify the files completely; sources and code change no byte.
        files=ask(CONFIG.checksums),
    message:
        "Fetching {wildcards.dataset}"
    script:
        "../scripts/fetch_dataset.py"


rule catalogue:
    """Read your own images, and list each with its label and split."""
    output:
        table=f"{RESULTS}/prepared/{{dataset}}/catalogue.csv",
        manifest=f"{RESULTS}/prepared/{{dataset}}/catalogue.json",
        skipped=f"{RESULTS}/prepared/{{dataset}}/skipped.csv",
    log:
        f"{LOGS}/catalogue/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/catalogue/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(LAYOUT.of_origin("user")),
    priority: 4  # Snakemake weighs four cores against four other jobs
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
        "Reading the images of {wildcards.dataset}"
    script:
        "../scripts/catalogue.py"
