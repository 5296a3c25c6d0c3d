# Figures: each one as PDF, SVG and PNG.
# Needs: tables of the study, histories, predictions and models of the packs, the prepared test splits, the style file.
# Gives: results/<study>/figures/; a figure that each variant has one of, in a folder of its own, all by one job.

# All wait for the evaluation (`evaluated`): it stops a study in which a training diverged that must not, and what hangs
# together in this way is one Slurm job (group "paper"). Not `ancient`: behind an ancient input of a job that runs,
# Snakemake looks at no other change, and would leave the figures of other variants or seeds as they are. To start a job
# takes longer than to print a figure, so those that each variant has one of come from one.


rule contact_sheets:
    """Print the first test images, as the first seed of each variant sees them."""
    input:
        predictions=predictions_on(first_test),
        histories=of_first_packs("history.csv"),
        manifest=prepared_test(first_test, ".json"),
        array=ancient(prepared_test(first_test, ".npy")),
        evaluated=rules.evaluate.output.runs,
        style=REPORT / "calotype.mplstyle",
    output:
        folder=report(
            directory(f"{RESULTS}/{{study}}/figures/contact-sheets"),
            patterns=["{variant}.svg"],
            caption="../report/contact_sheets.rst",
            category="{study}",
            labels={"what": "Contact sheet, {variant}", "kind": "figure"},
        ),
    log:
        f"{LOGS}/contact_sheets/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/contact_sheets/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        variants=variants,
        split=first_test,
        code=code_digest("contact_sheets.py"),
    message:
        "Printing the contact sheets of {wildcards.study}"
    script:
        "../scripts/contact_sheets.py"


rule predicted_against_true:
    """Print the predicted against the true count, all seeds together."""
    input:
        predictions=predictions_on(last_test),
        histories=of_all_packs("history.csv"),
        manifest=prepared_test(last_test, ".json"),
        array=ancient(prepared_test(last_test, ".npy")),
        evaluated=rules.evaluate.output.runs,
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
        runs=runs_on(last_test),
        code=code_digest("predicted_against_true.py"),
    message:
        "Printing predicted against true counts of {wildcards.study}"
    script:
        "../scripts/predicted_against_true.py"


rule accuracy_by_count:
    """Print the accuracy for every true count."""
    input:
        predictions=predictions_on(last_test),
        histories=of_all_packs("history.csv"),
        manifest=prepared_test(last_test, ".json"),
        array=ancient(prepared_test(last_test, ".npy")),
        evaluated=rules.evaluate.output.runs,
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
        runs=runs_on(last_test),
        task=task,
        classes=classes,
        code=code_digest("accuracy_by_label.py"),
    message:
        "Printing accuracy by count of {wildcards.study}"
    script:
        "../scripts/accuracy_by_label.py"


rule accuracy_by_class:
    """Print the accuracy for every class."""
    input:
        predictions=predictions_on(last_test),
        histories=of_all_packs("history.csv"),
        manifest=prepared_test(last_test, ".json"),
        array=ancient(prepared_test(last_test, ".npy")),
        evaluated=rules.evaluate.output.runs,
        style=REPORT / "calotype.mplstyle",
    output:
        pdf=f"{RESULTS}/{{study}}/figures/accuracy-by-class.pdf",
        svg=report(
            f"{RESULTS}/{{study}}/figures/accuracy-by-class.svg",
            caption="../report/accuracy_by_class.rst",
            category="{study}",
            labels={"what": "Accuracy by class", "kind": "figure"},
        ),
        png=f"{RESULTS}/{{study}}/figures/accuracy-by-class.png",
    log:
        f"{LOGS}/accuracy_by_class/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/accuracy_by_class/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        runs=runs_on(last_test),
        task=task,
        classes=classes,
        code=code_digest("accuracy_by_label.py"),
    message:
        "Printing accuracy by class of {wildcards.study}"
    script:
        "../scripts/accuracy_by_label.py"


rule seeds:
    """Print what each seed reaches, its mean and interval, beside what was published; and neighbours compared."""
    input:
        runs=rules.evaluate.output.runs,
        differences=rules.evaluate.output.differences,
        style=REPORT / "calotype.mplstyle",
    output:
        pdf=f"{RESULTS}/{{study}}/figures/seeds.pdf",
        svg=report(
            f"{RESULTS}/{{study}}/figures/seeds.svg",
            caption="../report/seeds.rst",
            category="{study}",
            labels={"what": "Every seed", "kind": "figure"},
        ),
        png=f"{RESULTS}/{{study}}/figures/seeds.png",
    log:
        f"{LOGS}/seeds/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/seeds/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        split=last_test,
        metric=headline,
        labels=variant_labels,
        claims=claims,
        code=code_digest("seeds.py"),
    message:
        "Printing every seed of {wildcards.study}"
    script:
        "../scripts/seeds.py"


rule training_curves:
    """Print loss and accuracy over the epochs, over all seeds."""
    input:
        histories=of_all_packs("history.csv"),
        evaluated=rules.evaluate.output.runs,
        style=REPORT / "calotype.mplstyle",
    output:
        pdf=f"{RESULTS}/{{study}}/figures/training-curves.pdf",
        svg=report(
            f"{RESULTS}/{{study}}/figures/training-curves.svg",
            caption="../report/training_curves.rst",
            category="{study}",
            labels={"what": "Training curves", "kind": "figure"},
        ),
        png=f"{RESULTS}/{{study}}/figures/training-curves.png",
    log:
        f"{LOGS}/training_curves/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/training_curves/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        labels=variant_labels,
        variants=pack_variants,
        seeds=variant_seeds,
        code=code_digest("training_curves.py"),
    message:
        "Printing the training curves of {wildcards.study}"
    script:
        "../scripts/training_curves.py"


rule calibration_curves:
    """Print how often the net is right, by how sure it is."""
    input:
        predictions=predictions_on(last_test),
        histories=of_all_packs("history.csv"),
        manifest=prepared_test(last_test, ".json"),
        array=ancient(prepared_test(last_test, ".npy")),
        evaluated=rules.evaluate.output.runs,
        style=REPORT / "calotype.mplstyle",
    output:
        pdf=f"{RESULTS}/{{study}}/figures/calibration-curves.pdf",
        svg=report(
            f"{RESULTS}/{{study}}/figures/calibration-curves.svg",
            caption="../report/calibration_curves.rst",
            category="{study}",
            labels={"what": "Calibration", "kind": "figure"},
        ),
        png=f"{RESULTS}/{{study}}/figures/calibration-curves.png",
    log:
        f"{LOGS}/calibration_curves/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/calibration_curves/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        runs=runs_on(last_test),
        code=code_digest("calibration_curves.py"),
    message:
        "Printing the calibration of {wildcards.study}"
    script:
        "../scripts/calibration_curves.py"


rule roc_curves:
    """Print true against false positives of two classes, over all thresholds."""
    input:
        predictions=predictions_on(last_test),
        histories=of_all_packs("history.csv"),
        manifest=prepared_test(last_test, ".json"),
        array=ancient(prepared_test(last_test, ".npy")),
        summary=rules.evaluate.output.summary,
        style=REPORT / "calotype.mplstyle",
    output:
        pdf=f"{RESULTS}/{{study}}/figures/roc-curves.pdf",
        svg=report(
            f"{RESULTS}/{{study}}/figures/roc-curves.svg",
            caption="../report/roc_curves.rst",
            category="{study}",
            labels={"what": "ROC", "kind": "figure"},
        ),
        png=f"{RESULTS}/{{study}}/figures/roc-curves.png",
    log:
        f"{LOGS}/roc_curves/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/roc_curves/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        runs=runs_on(last_test),
        metric="roc_auc",
        classes=classes,
        code=code_digest("binary_curves.py"),
    message:
        "Printing the ROC curves of {wildcards.study}"
    script:
        "../scripts/binary_curves.py"


rule precision_recall_curves:
    """Print precision against recall of two classes, over all thresholds."""
    input:
        predictions=predictions_on(last_test),
        histories=of_all_packs("history.csv"),
        manifest=prepared_test(last_test, ".json"),
        array=ancient(prepared_test(last_test, ".npy")),
        summary=rules.evaluate.output.summary,
        style=REPORT / "calotype.mplstyle",
    output:
        pdf=f"{RESULTS}/{{study}}/figures/precision-recall-curves.pdf",
        svg=report(
            f"{RESULTS}/{{study}}/figures/precision-recall-curves.svg",
            caption="../report/precision_recall_curves.rst",
            category="{study}",
            labels={"what": "Precision and recall", "kind": "figure"},
        ),
        png=f"{RESULTS}/{{study}}/figures/precision-recall-curves.png",
    log:
        f"{LOGS}/precision_recall_curves/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/precision_recall_curves/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        runs=runs_on(last_test),
        metric="average_precision",
        classes=classes,
        code=code_digest("binary_curves.py"),
    message:
        "Printing the precision-recall curves of {wildcards.study}"
    script:
        "../scripts/binary_curves.py"


rule agreement:
    """Print how predicted numbers agree with the true ones, all seeds together."""
    input:
        predictions=predictions_on(last_test),
        histories=of_all_packs("history.csv"),
        manifest=prepared_test(last_test, ".json"),
        array=ancient(prepared_test(last_test, ".npy")),
        evaluated=rules.evaluate.output.runs,
        style=REPORT / "calotype.mplstyle",
    output:
        pdf=f"{RESULTS}/{{study}}/figures/agreement.pdf",
        svg=report(
            f"{RESULTS}/{{study}}/figures/agreement.svg",
            caption="../report/agreement.rst",
            category="{study}",
            labels={"what": "Agreement", "kind": "figure"},
        ),
        png=f"{RESULTS}/{{study}}/figures/agreement.png",
    log:
        f"{LOGS}/agreement/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/agreement/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        runs=runs_on(last_test),
        code=code_digest("agreement.py"),
    message:
        "Printing the agreement of {wildcards.study}"
    script:
        "../scripts/agreement.py"


rule confusion_matrices:
    """Print which class or count is taken for which, of each variant, all its seeds together."""
    input:
        confusion=rules.evaluate.output.confusion,
        style=REPORT / "calotype.mplstyle",
    output:
        folder=report(
            directory(f"{RESULTS}/{{study}}/figures/confusion-matrices"),
            patterns=["{variant}.svg"],
            caption="../report/confusion_matrices.rst",
            category="{study}",
            labels={"what": "Confusion, {variant}", "kind": "figure"},
        ),
    log:
        f"{LOGS}/confusion_matrices/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/confusion_matrices/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        variants=variants,
        split=last_test,
        classes=classes,
        code=code_digest("confusion_matrices.py"),
    message:
        "Printing the confusion matrices of {wildcards.study}"
    script:
        "../scripts/confusion_matrices.py"


rule confident_mistakes:
    """Print the mistakes that the first seed of each variant is most certain of; of counts, the largest."""
    input:
        predictions=predictions_on(last_test),
        histories=of_first_packs("history.csv"),
        manifest=prepared_test(last_test, ".json"),
        array=ancient(prepared_test(last_test, ".npy")),
        evaluated=rules.evaluate.output.runs,
        style=REPORT / "calotype.mplstyle",
    output:
        folder=report(
            directory(f"{RESULTS}/{{study}}/figures/confident-mistakes"),
            patterns=["{variant}.svg"],
            caption="../report/confident_mistakes.rst",
            category="{study}",
            labels={"what": "Mistakes, {variant}", "kind": "figure"},
        ),
    log:
        f"{LOGS}/confident_mistakes/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/confident_mistakes/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        variants=variants,
        split=last_test,
        task=task,
        classes=classes,
        code=code_digest("confident_mistakes.py"),
    message:
        "Printing the most confident mistakes of {wildcards.study}"
    script:
        "../scripts/confident_mistakes.py"


rule example:
    """Print one test image and the probabilities that each variant gives it."""
    input:
        predictions=predictions_on(first_test),
        histories=of_all_packs("history.csv"),
        manifest=prepared_test(first_test, ".json"),
        array=ancient(prepared_test(first_test, ".npy")),
        evaluated=rules.evaluate.output.runs,
        style=REPORT / "calotype.mplstyle",
    output:
        pdf=f"{RESULTS}/{{study}}/figures/example.pdf",
        svg=report(
            f"{RESULTS}/{{study}}/figures/example.svg",
            caption="../report/example.rst",
            category="{study}",
            labels={"what": "Example", "kind": "figure"},
        ),
        png=f"{RESULTS}/{{study}}/figures/example.png",
    log:
        f"{LOGS}/example/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/example/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        runs=runs_on(first_test),
        image=example,
        classes=classes,
        code=code_digest("example.py"),
    message:
        "Printing the example of {wildcards.study}"
    script:
        "../scripts/example.py"


rule feature_maps:
    """Print what the first convolution and max-pooling of a trained net make of one image."""
    input:
        models=feature_models,
        history=feature_history,
        manifest=prepared_test(first_test, ".json"),
        array=ancient(prepared_test(first_test, ".npy")),
        evaluated=rules.evaluate.output.runs,
        style=REPORT / "calotype.mplstyle",
    output:
        pdf=f"{RESULTS}/{{study}}/figures/feature-maps.pdf",
        svg=report(
            f"{RESULTS}/{{study}}/figures/feature-maps.svg",
            caption="../report/feature_maps.rst",
            category="{study}",
            labels={"what": "Feature maps", "kind": "figure"},
        ),
        png=f"{RESULTS}/{{study}}/figures/feature-maps.png",
    log:
        f"{LOGS}/feature_maps/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/feature_maps/{{study}}.tsv"
    group:
        "paper"
    conda:
        ENVIRONMENT
    params:
        image=example,
        code=code_digest("feature_maps.py"),
    message:
        "Printing feature maps of {wildcards.study}"
    script:
        "../scripts/feature_maps.py"
