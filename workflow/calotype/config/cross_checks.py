"""Checks of a study against its dataset."""

from calotype.config.datasets import Dataset
from calotype.config.recipe import SCIKIT_LEARN
from calotype.config.study import Study
from calotype.metrics.registry import METRICS
from calotype.steps.sequence import measured_split
from calotype.tasks.registry import TASKS, task_of
from calotype.util.errors import CalotypeError, about, did_you_mean

RESERVED_VARIANTS = ("figures", "predictions")  # names of other folders of a study


def fitted(study: Study, dataset: Dataset, file: str, datasets_file: str) -> Study:
    """Check a study against its dataset, or raise CalotypeError.

    Returns:
        The study, with `class_weight` of each variant as a list in the order of the dataset's classes.
    """
    with about(file):
        _check_splits(study, dataset, datasets_file)
        _check_claims(study)
        _check_example(study, dataset)
        _check_classes(study, dataset)
        _check_variants(study)
        _check_figures(study)
        if isinstance(study.compare, dict):
            _check_variant(study.compare["to"], study, "compare.to")
        return _with_class_weights(study, dataset)


def _check_splits(study: Study, dataset: Dataset, datasets_file: str) -> None:
    uses = [("tests", split) for split in study.tests]
    uses += [(f"variants.{key}.train", variant.train) for key, variant in study.variants.items()]
    held_out = {key: variant.validation for key, variant in study.variants.items() if variant.validation}
    uses += [(f"variants.{key}.validation", split) for key, split in held_out.items()]
    uses += [(f"claims.{i}.split", claim.split) for i, claim in enumerate(study.claims) if claim.split]
    for key, split in uses:
        if split not in dataset.splits:
            problem = f"{key}: the dataset `{study.dataset}` has no split `{split}`."
            raise CalotypeError(problem, did_you_mean(split, dataset.splits))
    if (measured := measured_split(dataset.prepare)) in study.tests:
        problem = f"tests: `normalise` of `{study.dataset}` measures mean and std on the test split `{measured}`."
        raise CalotypeError(problem, f"never measure on test images: name another split in {datasets_file}.")


def _check_variant(name: str, study: Study, key: str) -> None:
    if name not in study.variants:
        raise CalotypeError(f"{key}: variant `{name}` not found.", did_you_mean(name, study.variants))


def _check_claims(study: Study) -> None:
    for i, claim in enumerate(study.claims):
        key, metric = f"claims.{i}", claim.metric
        for name, variant in (("variant", claim.variant), ("similar_to", claim.similar_to)):
            if variant is not None:
                _check_variant(variant, study, f"{key}.{name}")
                if METRICS[metric].recorded and study.variants[variant].model in SCIKIT_LEARN:
                    problem = f"{key}.metric: `{variant}` has no {metric}: scikit-learn models record none."
                    raise CalotypeError(problem, "name another metric.")
        if claim.split is not None and claim.split not in study.tests:
            problem = f"{key}.split: `{claim.split}` is not one of the study's tests."
            raise CalotypeError(problem, f"allowed values are {', '.join(study.tests)}; or add it to `tests`.")


def _check_example(study: Study, dataset: Dataset) -> None:
    if (shown := study.feature_maps) is not None:
        _check_variant(shown, study, "feature_maps")
        if study.variants[shown].model in SCIKIT_LEARN:
            problem = f"feature_maps: `{shown}` has no convolution: it is a scikit-learn model."
            raise CalotypeError(problem, "name a variant with a Keras model.")
    limits = [variant.test_images for variant in study.variants.values()]
    limit = None if None in limits else max(filter(None, limits))
    if study.example is not None and not dataset.may_hold(study.tests[0], study.example, limit):
        problem = f"example: {study.example} is not one of the test images."
        raise CalotypeError(problem, f"give the number of an image of `{study.tests[0]}` that is tested.")


def _check_classes(study: Study, dataset: Dataset) -> None:
    """Check that task, losses and metrics fit the labels and the number of classes."""
    task, name, classes = TASKS[study.task], study.dataset, len(getattr(dataset, "classes", None) or ())
    if dataset.labels != task.labels:
        problem = f"task: `{study.task}` needs {task.labels}, but the labels of `{name}` are {dataset.labels}."
        raise CalotypeError(problem, f"use task: {task_of(dataset.labels).name}.")
    for key, variant in study.variants.items():
        if variant.binary and classes != 2:
            problem = f"variants.{key}.loss: `{variant.loss}` needs 2 classes, but `{name}` has {classes}."
            raise CalotypeError(problem, "use categorical_crossentropy.")
    known = [metric.name for metric in task.offered(classes)]
    for key, metric in study.metric_keys().items():
        if metric in task.names and metric not in known:
            problem = f"{key}: `{metric}` needs {METRICS[metric].classes}, but `{name}` has {classes}."
            raise CalotypeError(problem, did_you_mean(metric, known))


def _check_variants(study: Study) -> None:
    if "label" in study.defaults:
        raise CalotypeError("defaults.label: a label must be unique.", "set it in each variant.")
    labels: dict[str, str] = {}
    for key, variant in study.variants.items():
        label = variant.label or key
        if label in labels:
            problem = f"variants.{key}.label: duplicate label `{label}`, also of `{labels[label]}`."
            raise CalotypeError(problem, "change one of them.")
        labels[label] = key
        if key in RESERVED_VARIANTS:
            raise CalotypeError(f"variants: `{key}` is a reserved name.", "rename the variant.")
        if variant.train in study.tests:
            problem = f"variants.{key}.train: `{variant.train}` is also a test split."
            raise CalotypeError(problem, "never test on training images: name another split.")
        if variant.validation in study.tests:
            problem = f"variants.{key}.validation: `{variant.validation}` is also a test split."
            raise CalotypeError(problem, "never choose on test images: name another split, or use `validation_split`.")


def _check_figures(study: Study) -> None:
    chosen = study.figures.variants
    for i, name in enumerate(chosen if isinstance(chosen, list) else []):
        _check_variant(name, study, f"figures.variants.{i}")
    if study.figures.best and (reason := study.by.get("reason")):
        problem = f"figures.variants: `{chosen}` cannot be chosen: {reason}."
        raise CalotypeError(problem, "never choose on test images: set `validation_split`, or list names.")


def _with_class_weights(study: Study, dataset: Dataset) -> Study:
    """Return the study with class weights as lists in the dataset's order: renaming a class then retrains nothing."""
    names = list(getattr(dataset, "classes", []))
    variants = {}
    for key, variant in study.variants.items():
        weights, where = variant.class_weight, f"variants.{key}.class_weight"
        if isinstance(weights, dict):
            for name in weights:
                if name not in names:
                    raise CalotypeError(f"{where}: `{study.dataset}` has no class `{name}`.", did_you_mean(name, names))
            variant = variant.model_copy(update={"class_weight": [float(weights.get(name, 1)) for name in names]})
        elif isinstance(weights, list) and len(weights) != len(names):
            problem = f"{where}: has {len(weights)} weights, but `{study.dataset}` has {len(names)} classes."
            raise CalotypeError(problem, "give one weight for each class, or a mapping by class name.")
        variants[key] = variant
    return study.model_copy(update={"variants": variants})
