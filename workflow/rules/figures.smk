# Figures: each one as PDF, SVG and PNG.
# Needs: histories and predictions of the packs, the prepared test splits, and the style file.
# Gives: results/<study>/figures/.

STYLE = Path(workflow.basedir, "workflow", "report", "calotype.mplstyle")


def figure_names(study):
    """The figures of a study, in the order of the report."""
    sheets = [f"contact-sheet-{variant}" for variant in CONFIG.studies[study].variants]
    return [*sheets, "predicted-against-true", "accuracy-by-count", "loss-curves"]


def all_figures(suffixes):
    """The files of all figures of all studies."""
    return [
        f"{RESULTS}/{study}/figures/{figure}.{suffix}"
        for study in CONFIG.studies
        for figure in figure_names(study)
        for suffix in suffixes
    ]


def first_test(wildcards):
    """The test split of the contact sheet."""
    return CONFIG.studies[wildcards.study].tests[0]


def last_test(wildcards):
    """The test split of the figures over all images: the last, and with that the place for the largest."""
    return CONFIG.studies[wildcards.study].tests[-1]


def first_pack(wildcards):
    """The predictions of the pack that holds seed 0."""
    return pack_paths(wildcards.study, f"{PACK}/predictions.npz")[pack_variants(wildcards).index(wildcards.variant)]


def one_test(choose, suffix):
    """An input function: a prepared test split of a study."""

    def path(wildcards):
        return prepared(wildcards.study, choose(wildcards), suffix)

    return path


rule contact_sheet:
    """Print the first test images, as the first seed of a variant sees them."""
    input:
        predictions=first_pack,
        manifest=one_test(first_test, ".json"),
        array=ancient(one_test(first_test, ".npy")),
        style=STYLE,
    output:
        pdf=f"{FIGURES}/contact-sheet-{{variant}}.pdf",
        svg=report(
            f"{FIGURES}/contact-sheet-{{variant}}.svg",
            caption="../report/contact_sheet.rst",
            category="{study}",
            labels={"what": "Contact sheet, {variant}", "kind": "figure"},
        ),
        png=f"{FIGURES}/contact-sheet-{{variant}}.png",
    log:
        f"{LOGS}/contact_sheet/{{study}}-{{variant}}.log",
    params:
        split=first_test,
        code=code_digest("contact_sheet.py"),
    group:
        "paper"
    conda:
        ENVIRONMENT
    message:
        "Printing the contact sheet of {wildcards.study}/{wildcards.variant}"
    script:
        "../scripts/contact_sheet.py"


rule predicted_against_true:
    """Print the predicted against the true count, all seeds together."""
    input:
        predictions=all_pack_paths(f"{PACK}/predictions.npz"),
        manifest=one_test(last_test, ".json"),
        array=ancient(one_test(last_test, ".npy")),
        style=STYLE,
    output:
        pdf=f"{FIGURES}/predicted-against-true.pdf",
        svg=report(
            f"{FIGURES}/predicted-against-true.svg",
            caption="../report/predicted_against_true.rst",
            category="{study}",
            labels={"what": "Predicted against true", "kind": "figure"},
        ),
        png=f"{FIGURES}/predicted-against-true.png",
    log:
        f"{LOGS}/predicted_against_true/{{study}}.log",
    params:
        split=last_test,
        labels=variant_labels,
        variants=pack_variants,
        seeds=variant_seeds,
        code=code_digest("predicted_against_true.py"),
    group:
        "paper"
    conda:
        ENVIRONMENT
    message:
        "Printing predicted against true counts of {wildcards.study}"
    script:
        "../scripts/predicted_against_true.py"


rule accuracy_by_count:
    """Print the accuracy for every true count."""
    input:
        predictions=all_pack_paths(f"{PACK}/predictions.npz"),
        manifest=one_test(last_test, ".json"),
        array=ancient(one_test(last_test, ".npy")),
        style=STYLE,
    output:
        pdf=f"{FIGURES}/accuracy-by-count.pdf",
        svg=report(
            f"{FIGURES}/accuracy-by-count.svg",
            caption="../report/accuracy_by_count.rst",
            category="{study}",
            labels={"what": "Accuracy by count", "kind": "figure"},
        ),
        png=f"{FIGURES}/accuracy-by-count.png",
    log:
        f"{LOGS}/accuracy_by_count/{{study}}.log",
    params:
        split=last_test,
        labels=variant_labels,
        variants=pack_variants,
        seeds=variant_seeds,
        code=code_digest("accuracy_by_count.py"),
    group:
        "paper"
    conda:
        ENVIRONMENT
    message:
        "Printing accuracy by count of {wildcards.study}"
    script:
        "../scripts/accuracy_by_count.py"


rule loss_curves:
    """Print the training loss of every seed over the epochs."""
    input:
        histories=all_pack_paths(f"{PACK}/history.csv"),
        style=STYLE,
    output:
        pdf=f"{FIGURES}/loss-curves.pdf",
        svg=report(
            f"{FIGURES}/loss-curves.svg",
            caption="../report/loss_curves.rst",
            category="{study}",
            labels={"what": "Loss curves", "kind": "figure"},
        ),
        png=f"{FIGURES}/loss-curves.png",
    log:
        f"{LOGS}/loss_curves/{{study}}.log",
    params:
        labels=variant_labels,
        variants=pack_variants,
        seeds=variant_seeds,
        code=code_digest("loss_curves.py"),
    group:
        "paper"
    conda:
        ENVIRONMENT
    message:
        "Printing the loss curves of {wildcards.study}"
    script:
        "../scripts/loss_curves.py"
