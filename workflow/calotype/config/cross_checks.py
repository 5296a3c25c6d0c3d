"""Whether a study fits its dataset, and what it names is there."""

from calotype.config.datasets import Dataset
from calotype.config.recipe import SCIKIT_LEARN
from calotype.config.study import Study
from calotype.metrics.registry import METRICS
from calotype.steps.sequence import measured_split
from calotype.tasks.registry import TASKS, task_of
from calotype.util.errors import CalotypeError, did_you_mean

RESERVED_VARIANTS = ("figures", "predictions")  # a study keeps other things under these names


def fitted(study: Study, dataset: Dataset, file: str, datasets_file: str) -> Study:
    """See that a study fits its dataset; what it says by names of the dataset is then as its numbers.

    Returns:
        The study, with `class_weight` of each variant as a list in the order of the dataset's classes.

    Raises:
        CalotypeError: it does not; the error names file and key.
    """
    _check_splits(study, dataset, file, datasets_file)
    _check_claims(study, file)
    _check_example(study, dataset, file)
    _check_labels(study, dataset, file)
    _check_classes(study, dataset, file)
    _check_variants(study, file)
    return _with_class_weights(study, dataset, file)


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
            f"{file}: tests: `normalise` measures mean and deviation of `{study.dataset}` on its split `{measured}`.",
            f"nothing is taken from images that are tested on: name another split in {datasets_file}.",
        )


def _check_claims(study: Study, file: str) -> None:
    for i, claim in enumerate(study.claims):
        for key, variant in (("variant", claim.variant), ("similar_to", claim.similar_to)):
            if variant is not None and variant not in study.variants:
                raise CalotypeError(
                    f"{file}: claims.{i}.{key}: there is no variant `{variant}`.", did_you_mean(variant, study.variants)
                )
        for variant in filter(None, (claim.variant, claim.similar_to)):
            if METRICS[claim.metric].recorded and study.variants[variant].model in SCIKIT_LEARN:
                raise CalotypeError(
                    f"{file}: claims.{i}.metric: `{variant}` has no {claim.metric}: scikit-learn's models record none."
                )
        if claim.split is not None and claim.split not in study.tests:
            raise CalotypeError(f"{file}: claims.{i}.split: `{claim.split}` is not among the study's tests.")


def _check_example(study: Study, dataset: Dataset, file: str) -> None:
    """See that the example, and what is shown on it, are there."""
    shown = study.feature_maps
    if shown is not None and shown not in study.variants:
        raise CalotypeError(
            f"{file}: feature_maps: there is no variant `{shown}`.", did_you_mean(shown, study.variants)
        )
    if shown is not None and study.variants[shown].model in SCIKIT_LEARN:
        raise CalotypeError(f"{file}: feature_maps: `{shown}` has no convolution: it is scikit-learn's.")
    limits = [variant.test_images for variant in study.variants.values()]
    limit = None if None in limits else max(filter(None, limits))
    if study.example is not None and not dataset.may_hold(study.tests[0], study.example, limit):
        raise CalotypeError(f"{file}: example: {study.example} is not among the images that are tested on.")


def _check_labels(study: Study, dataset: Dataset, file: str) -> None:
    needed = TASKS[study.task].labels
    if dataset.labels != needed:
        raise CalotypeError(
            f"{file}: task: the labels of `{study.dataset}` are {dataset.labels}, not {needed}.",
            f"task: {task_of(dataset.labels).name} has such labels.",
        )


def _check_variants(study: Study, file: str) -> None:
    """See that each variant has a name and a label of its own, and no images that it is tested on."""
    labels = study.labels()
    if "label" in study.defaults:
        raise CalotypeError(f"{file}: defaults.label: a label names one variant; give each its own.")
    for key, variant in study.variants.items():
        same = next(other for other, label in labels.items() if label == labels[key])
        if same != key:
            raise CalotypeError(f"{file}: variants.{key}.label: `{labels[key]}` is also what `{same}` is called.")
        if key in RESERVED_VARIANTS:
            raise CalotypeError(f"{file}: variants: a variant cannot be called `{key}`.")
        if variant.train in study.tests:
            raise CalotypeError(
                f"{file}: variants.{key}.train: `{variant.train}` is also a test split.",
                "a model is never tested on images that it was trained on.",
            )
        if variant.validation in study.tests:
            raise CalotypeError(
                f"{file}: variants.{key}.validation: `{variant.validation}` is also a test split.",
                "no choice is made on test images: give another split, or `validation_split`.",
            )


def _check_classes(study: Study, dataset: Dataset, file: str) -> None:
    """See that there are the classes that the metrics and the losses of a study take."""
    classes = len(getattr(dataset, "classes", None) or ())
    for key, variant in study.variants.items():
        if variant.binary and classes != 2:
            raise CalotypeError(
                f"{file}: variants.{key}.loss: `{variant.loss}` takes 2 classes, and `{study.dataset}` has {classes}.",
                "take categorical_crossentropy.",
            )
    task = TASKS[study.task]
    known = [metric.name for metric in task.offered(classes)]
    for key, metric in study.metric_keys().items():
        if metric in task.names and metric not in known:
            raise CalotypeError(
                f"{file}: {key}: `{metric}` takes {METRICS[metric].classes}, and `{study.dataset}` has {classes}.",
                did_you_mean(metric, known),
            )


def _with_class_weights(study: Study, dataset: Dataset, file: str) -> Study:
    """The study with the weights of its classes as lists in the dataset's order: another name retrains nothing."""
    names = list(getattr(dataset, "classes", []))
    variants = {}
    for key, variant in study.variants.items():
        weights, where = variant.class_weight, f"{file}: variants.{key}.class_weight"
        if isinstance(weights, dict):
            if unknown := [name for name in weights if name not in names]:
                raise CalotypeError(
                    f"{where}: `{study.dataset}` has no class `{unknown[0]}`.", did_you_mean(unknown[0], names)
                )
            variant = variant.model_copy(update={"class_weight": [float(weights.get(name, 1)) for name in names]})
        elif isinstance(weights, list) and len(weights) != len(names):
            raise CalotypeError(f"{where}: has {len(weights)} weights, and `{study.dataset}` {len(names)} classes.")
        variants[key] = variant
    return study.model_copy(update={"variants": variants})
