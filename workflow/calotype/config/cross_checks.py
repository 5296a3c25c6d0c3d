"""Checks of a study against its dataset."""

from calotype.config.datasets import Dataset
from calotype.config.recipe import SCIKIT_LEARN
from calotype.config.study import Study
from calotype.metrics.registry import METRICS
from calotype.steps.sequence import measured_split
from calotype.tasks.registry import TASKS, task_of
from calotype.util.errors import CalotypeError, did_you_mean

RESERVED_VARIANTS = ("figures", "predictions")  # names of other folders of a study


def fitted(study: Study, dataset: Dataset, file: str, datasets_file: str) -> Study:
    """Check a study against its dataset.

    Returns:
        The study, with `class_weight` of each variant as a list in the order of the dataset's classes.

    Raises:
        CalotypeError: They do not fit; the error names file and key.
    """
    _check_splits(study, dataset, file, datasets_file)
    _check_claims(study, file)
    _check_example(study, dataset, file)
    _check_labels(study, dataset, file)
    _check_classes(study, dataset, file)
    _check_variants(study, file)
    return _with_class_weights(study, dataset, file)


def _check_variant(name: str, study: Study, where: str) -> None:
    if name not in study.variants:
        raise CalotypeError(f"{where}: variant `{name}` not found.", did_you_mean(name, study.variants))


def _check_splits(study: Study, dataset: Dataset, file: str, datasets_file: str) -> None:
    uses = [("tests", split) for split in study.tests]
    uses += [(f"variants.{key}.train", variant.train) for key, variant in study.variants.items()]
    held_out = {key: variant.validation for key, variant in study.variants.items() if variant.validation}
    uses += [(f"variants.{key}.validation", split) for key, split in held_out.items()]
    uses += [(f"claims.{i}.split", claim.split) for i, claim in enumerate(study.claims) if claim.split]
    for key, split in uses:
        if split not in dataset.splits:
            raise CalotypeError(
                f"{file}: {key}: the dataset `{study.dataset}` has no split `{split}`.",
                did_you_mean(split, dataset.splits),
            )
    measured = measured_split(dataset.prepare)
    if measured in study.tests:
        raise CalotypeError(
            f"{file}: tests: `normalise` of `{study.dataset}` measures mean and std on the test split `{measured}`.",
            f"never measure on test images: name another split in {datasets_file}.",
        )


def _check_claims(study: Study, file: str) -> None:
    for i, claim in enumerate(study.claims):
        for key, variant in (("variant", claim.variant), ("similar_to", claim.similar_to)):
            if variant is None:
                continue
            _check_variant(variant, study, f"{file}: claims.{i}.{key}")
            if METRICS[claim.metric].recorded and study.variants[variant].model in SCIKIT_LEARN:
                raise CalotypeError(
                    f"{file}: claims.{i}.metric: `{variant}` has no {claim.metric}: scikit-learn models record none."
                )
        if claim.split is not None and claim.split not in study.tests:
            raise CalotypeError(f"{file}: claims.{i}.split: `{claim.split}` is not one of the study's tests.")


def _check_example(study: Study, dataset: Dataset, file: str) -> None:
    shown = study.feature_maps
    if shown is not None:
        _check_variant(shown, study, f"{file}: feature_maps")
        if study.variants[shown].model in SCIKIT_LEARN:
            raise CalotypeError(f"{file}: feature_maps: `{shown}` has no convolution: it is a scikit-learn model.")
    limits = [variant.test_images for variant in study.variants.values()]
    limit = None if None in limits else max(filter(None, limits))
    if study.example is not None and not dataset.may_hold(study.tests[0], study.example, limit):
        raise CalotypeError(f"{file}: example: {study.example} is not one of the test images.")


def _check_labels(study: Study, dataset: Dataset, file: str) -> None:
    needed = TASKS[study.task].labels
    if dataset.labels != needed:
        raise CalotypeError(
            f"{file}: task: `{study.task}` needs {needed}, but the labels of `{study.dataset}` are {dataset.labels}.",
            f"use task: {task_of(dataset.labels).name}.",
        )


def _check_variants(study: Study, file: str) -> None:
    labels = study.labels()
    if "label" in study.defaults:
        raise CalotypeError(f"{file}: defaults.label: a label must be unique.", "set it in each variant.")
    for key, variant in study.variants.items():
        same = next(other for other, label in labels.items() if label == labels[key])
        if same != key:
            raise CalotypeError(f"{file}: variants.{key}.label: duplicate label `{labels[key]}`, also of `{same}`.")
        if key in RESERVED_VARIANTS:
            raise CalotypeError(f"{file}: variants: `{key}` is a reserved name.", "rename the variant.")
        if variant.train in study.tests:
            raise CalotypeError(
                f"{file}: variants.{key}.train: `{variant.train}` is also a test split.",
                "never test on training images: name another split.",
            )
        if variant.validation in study.tests:
            raise CalotypeError(
                f"{file}: variants.{key}.validation: `{variant.validation}` is also a test split.",
                "never choose on test images: name another split, or use `validation_split`.",
            )


def _check_classes(study: Study, dataset: Dataset, file: str) -> None:
    """Check that losses and metrics fit the number of classes."""
    classes = len(getattr(dataset, "classes", None) or ())
    for key, variant in study.variants.items():
        if variant.binary and classes != 2:
            raise CalotypeError(
                f"{file}: variants.{key}.loss: `{variant.loss}` needs 2 classes, but `{study.dataset}` has {classes}.",
                "use categorical_crossentropy.",
            )
    task = TASKS[study.task]
    known = [metric.name for metric in task.offered(classes)]
    for key, metric in study.metric_keys().items():
        if metric in task.names and metric not in known:
            raise CalotypeError(
                f"{file}: {key}: `{metric}` needs {METRICS[metric].classes}, but `{study.dataset}` has {classes}.",
                did_you_mean(metric, known),
            )


def _with_class_weights(study: Study, dataset: Dataset, file: str) -> Study:
    """Return the study with class weights as lists in the dataset's order: renaming a class then retrains nothing."""
    names = list(getattr(dataset, "classes", []))
    variants = {}
    for key, variant in study.variants.items():
        weights, where = variant.class_weight, f"{file}: variants.{key}.class_weight"
        if isinstance(weights, dict):
            for name in weights:
                if name not in names:
                    raise CalotypeError(f"{where}: `{study.dataset}` has no class `{name}`.", did_you_mean(name, names))
            variant = variant.model_copy(update={"class_weight": [float(weights.get(name, 1)) for name in names]})
        elif isinstance(weights, list) and len(weights) != len(names):
            raise CalotypeError(f"{where}: has {len(weights)} weights, but `{study.dataset}` has {len(names)} classes.")
        variants[key] = variant
    return study.model_copy(update={"variants": variants})
