# Figures: each one as PDF, SVG and PNG.
# Needs: histories and predictions of the packs, the prepared test splits, and the style file.
# Gives: results/<study>/figures/.


rule contact_sheet:
    """Print the first test images, as the first seed of a variant sees them."""
    input:
        predictions=predictions_of_first_pack,
        manifest=prepared_test(first_test, ".json"),
        array=ancient(prepared_test(first_test, ".npy")),
        style=REPORT / "calotype.mplstyle",
    output:
        pdf=f"{RESULTS}/{{study}}/figures/contact-sheet-{{variant}}.pdf",
        svg=report(
            f"{RESULTS}/{{study}}/figures/contact-sheet-{{variant}}.svg",
            caption="../report/contact_sheet.rst",
            category="{study}",
            labels={"what": "Contact sheet, {variant}", "kind": "figure"},
        ),
        png=f"{RESULTS}/{{study}}/figures/contact-sheet-{{variant}}.png",
    log:
        f"{LOGS}/contact_sheet/{{study}}/{{variant}}.log",
    benchmark:
        f"{BENCHMARKS}/contact_sheet/{{study}}/{{variant}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        split=first_test,
        code=code_digest("contact_sheet.py"),
    message:
        "Printing the contact sheet of {wildcards.study}/{wildcards.variant}"
    script:
        "../scripts/contact_sheet.py"


rule predicted_against_true:
    """Print the predicted against the true count, all seeds together."""
    input:
        predictions=of_all_packs("predictions.npz"),
        manifest=prepared_test(last_test, ".json"),
        array=ancient(prepared_test(last_test, ".npy")),
        style=REPORT / "calotype.mplstyle",
    output:
        pdf=f"{RESULTS}/{{study}}/figures/predicted-against-true.pdf",
        svg=report(
            f"{RESULTS}/{{study}}/figures/predicted-against-true.svg",
            caption="../report/predicted_against_true.rst",
            category="{study}",
            labels={"what": "Predicted against true", "kind": "figure"},
        ),
        png=f"{RESULTS}/{{study}}/figures/predicted-against-true.png",
    log:
        f"{LOGS}/predicted_against_true/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/predicted_against_true/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        split=last_test,
        labels=variant_labels,
        variants=pack_variants,
        seeds=variant_seeds,
        code=code_digest("predicted_against_true.py"),
    message:
        "Printing predicted against true counts of {wildcards.study}"
    script:
        "../scripts/predicted_against_true.py"


rule accuracy_by_count:
    """Print the accuracy for every true count."""
    input:
        predictions=of_all_packs("predictions.npz"),
        manifest=prepared_test(last_test, ".json"),
        array=ancient(prepared_test(last_test, ".npy")),
        style=REPORT / "calotype.mplstyle",
    output:
        pdf=f"{RESULTS}/{{study}}/figures/accuracy-by-count.pdf",
        svg=report(
            f"{RESULTS}/{{study}}/figures/accuracy-by-count.svg",
            caption="../report/accuracy_by_count.rst",
            category="{study}",
            labels={"what": "Accuracy by count", "kind": "figure"},
        ),
        png=f"{RESULTS}/{{study}}/figures/accuracy-by-count.png",
    log:
        f"{LOGS}/accuracy_by_count/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/accuracy_by_count/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        split=last_test,
        labels=variant_labels,
        variants=pack_variants,
        seeds=variant_seeds,
        code=code_digest("accuracy_by_count.py"),
    message:
        "Printing accuracy by count of {wildcards.study}"
    script:
        "../scripts/accuracy_by_count.py"


rule loss_curves:
    """Print the training loss of every seed over the epochs."""
    input:
        histories=of_all_packs("history.csv"),
        style=REPORT / "calotype.mplstyle",
    output:
        pdf=f"{RESULTS}/{{study}}/figures/loss-curves.pdf",
        svg=report(
            f"{RESULTS}/{{study}}/figures/loss-curves.svg",
            caption="../report/loss_curves.rst",
            category="{study}",
            labels={"what": "Loss curves", "kind": "figure"},
        ),
        png=f"{RESULTS}/{{study}}/figures/loss-curves.png",
    log:
        f"{LOGS}/loss_curves/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/loss_curves/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        labels=variant_labels,
        variants=pack_variants,
        seeds=variant_seeds,
        code=code_digest("loss_curves.py"),
    message:
        "Printing the loss curves of {wildcards.study}"
    script:
        "../scripts/loss_curves.py"
