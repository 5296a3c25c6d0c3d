"""A study is trained and shown as its file says, or it is said before any training what in it cannot be done."""

import re
from typing import get_args

import pytest
from unit.projects import CLASSIFY, FETCHED, KINDS, STUDY, STUDY_FILE, Project, changed, project_with_classes

from calotype.errors import CalotypeError
from calotype.metrics import METRICS, TASK_METRICS, MetricName, offered, shown
from calotype.recipe import Augmentation
from calotype.studies import Study
from calotype.validation import validate

NO_CHOICE = "restore_best_weights and patience need validation or validation_split: never choose on test images"
SMOOTHING = "label_smoothing needs loss: categorical_crossentropy or binary_crossentropy"
OF_COUNTS, OF_CLASSES = (", ".join(TASK_METRICS[task]) for task in ("count", "classify"))
CLOTHES_FILE = "config/studies/clothes.yaml"


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.fixture
def classes(tmp_path):
    return project_with_classes(tmp_path)


# ---- Variants --------------------------------------------------------------------------------------------------------


def test_variants_take_what_they_leave_out_from_the_defaults(project):
    variants = project.load().studies["dots"].variants
    assert (variants["wide"].epochs, variants["deep"].epochs) == (3, 4)
    for variant in variants.values():
        assert (variant.loss, variant.batch_size, variant.optimizer.learning_rate) == ("huber", 32, 0.001)


def test_a_variant_may_differ_from_the_defaults(project):
    project.study(changed(STUDY, "variants.wide.optimizer", {"name": "sgd"}))
    optimizer = project.load().studies["dots"].variants["wide"].optimizer
    assert (optimizer.name, optimizer.learning_rate) == ("sgd", None), "a mapping is replaced, not mixed"


def test_a_variant_does_not_overwrite_the_figures(project):
    complaint = project.study(changed(STUDY, "variants.figures", STUDY["variants"]["wide"])).complaint()
    assert complaint == f"{STUDY_FILE}: variants: a variant cannot be called `figures`."


def test_two_variants_with_one_label_do_not_become_one_in_the_figures(project):
    """Figures and tables tell variants apart by their labels."""
    study = changed(changed(STUDY, "variants.wide.label", "Net"), "variants.deep.label", "Net")
    complaint = project.study(study).complaint()
    assert "Net" in complaint
    assert "label" in complaint


def test_trainings_may_diverge_unless_a_study_forbids_it_and_that_trains_nothing_again(project):
    loaded = project.study(STUDY).load().studies["dots"]
    strict = project.study(STUDY | {"may_diverge": False}).load().studies["dots"]
    assert (loaded.may_diverge, strict.may_diverge) == (True, False)
    assert loaded.variants["wide"].recipe() == strict.variants["wide"].recipe()


# ---- Metrics ---------------------------------------------------------------------------------------------------------


def test_headline_of_a_study_is_the_first_metric_of_its_task_or_the_one_it_names(classes):
    studies = classes.load().studies
    assert (studies["dots"].headline, studies["clothes"].headline) == ("exact", "accuracy")
    studies = classes.study(CLASSIFY | {"metric": "error"}, "clothes").load().studies
    assert studies["clothes"].headline == "error"


def test_a_table_shows_the_headline_first_and_accuracy_or_error_but_not_both():
    assert shown("classify", "accuracy") == ["accuracy", "log_loss"]
    assert shown("classify", "error") == ["error", "log_loss"]
    assert shown("classify", "log_loss")[0] == "log_loss"
    assert shown("count", "off_by_more_than_one") == ["off_by_more_than_one", "exact", "sum_of_squared_errors"]


def test_a_table_shows_the_usual_metrics_beside_a_headline_that_is_none_of_them():
    assert shown("classify", "macro_f1") == ["macro_f1", "accuracy", "log_loss"]
    assert shown("count", "r2") == ["r2", "exact", "off_by_more_than_one", "sum_of_squared_errors"]
    assert shown("regress", "r2") == ["r2", "mean_absolute_error", "root_mean_squared_error"]


def test_a_study_may_choose_the_metrics_of_its_tables_and_their_first_is_its_headline(classes):
    chosen = ["balanced_accuracy", "macro_f1", "accuracy", "error"]
    study = classes.study(CLASSIFY | {"metrics": chosen}, "clothes").load().studies["clothes"]
    assert (study.headline, study.shown) == ("balanced_accuracy", chosen)
    both = CLASSIFY | {"metrics": chosen, "metric": "balanced_accuracy"}
    assert classes.study(both, "clothes").load().studies["clothes"].headline == "balanced_accuracy"
    plain = classes.study(CLASSIFY, "clothes").load().studies["clothes"]
    assert plain.shown == ["accuracy", "log_loss"], "what nobody chose is as it was"
    assert plain.variants["plain"].recipe() == study.variants["plain"].recipe(), "and nothing is trained again"


@pytest.mark.parametrize(
    ("metrics", "complaint"),
    [
        (["acuracy"], "metrics.0: 'acuracy' is not one of exact, .* Hint: did you mean `accuracy`\\?"),
        (["accuracy", "exact"], "metrics.1: task classify has accuracy, .*, not exact."),
        (["training_accuracy"], "metrics.0: task classify has accuracy, .*, not training_accuracy."),
        (["error", "error"], "metrics: a metric stands there twice."),
        ([], r"metrics: \[\] is empty."),
        ("accuracy", 'metrics: "accuracy" is not a list.'),
        (
            ["accuracy", "top_3"],
            "metrics.1: `top_3` takes 4 classes or more, and `clothes` has 3.\nHint: known: accura.*",
        ),
        (["roc_auc"], "metrics.0: `roc_auc` takes 2 classes, and `clothes` has 3.\nHint: .*"),
    ],
)
def test_metrics_that_a_study_cannot_show_are_named_with_what_it_can(classes, metrics, complaint):
    found = classes.study(CLASSIFY | {"metrics": metrics}, "clothes").complaint()
    assert re.fullmatch(f"config/studies/clothes.yaml: {complaint}", found)


def test_two_headlines_are_refused(classes):
    study = CLASSIFY | {"metrics": ["accuracy", "error"], "metric": "error"}
    assert classes.study(study, "clothes").complaint() == (
        "config/studies/clothes.yaml: metrics: the first is the headline, but metric says error, and this begins with "
        "accuracy; leave metric out, or put it first."
    )


@pytest.mark.parametrize("where", ["metric", "claims.0.metric"])
def test_a_metric_of_more_classes_than_there_are_is_refused_wherever_it_stands(classes, where):
    study = changed(CLASSIFY, where, "top_5")
    found = classes.study(study, "clothes").complaint()
    assert found.startswith(
        f"config/studies/clothes.yaml: {where}: `top_5` takes 6 classes or more, and `clothes` has 3"
    )


@pytest.mark.parametrize(("names", "metric"), [("ab", "roc_auc"), ("abcd", "top_3"), ("abcdef", "top_5")])
def test_metrics_are_offered_as_soon_as_there_are_the_classes_for_them(classes, names, metric):
    classes.datasets(changed(FETCHED, "clothes.classes", [*names]))
    assert classes.study(CLASSIFY | {"metric": metric}, "clothes").load().studies["clothes"].headline == metric
    assert metric in offered("classify", len(names))


def test_every_metric_of_a_task_can_be_claimed_and_shown():
    assert set(get_args(MetricName)) == set(METRICS)
    for names in TASK_METRICS.values():
        assert set(names) <= set(METRICS)
        assert all(METRICS[name].tested for name in names)


# ---- Splits and examples ---------------------------------------------------------------------------------------------


def test_a_model_is_never_tested_on_its_training_images(project):
    study = changed(STUDY, "tests", ["test", "train"])
    complaint = project.study(study).complaint()
    assert complaint.startswith(f"{STUDY_FILE}: variants.wide.train: `train` is also a test split.")
    assert "\nHint: " in complaint


@pytest.mark.parametrize(
    ("number", "limits", "shown"),
    [
        (2, (None, None), range(20, 22)),
        (None, (None, None), range(20, 10_000)),
        (None, (3, 3), range(20, 23)),
        (2, (3, 3), range(20, 22)),
        (9, (3, 5), range(20, 25)),  # one variant that sees it suffices
        (9, (3, None), range(20, 29)),
    ],
)
def test_an_example_that_no_run_is_tested_on_is_refused_before_anything_is_trained(classes, number, limits, shown):
    """Images keep the numbers that they have in their file: these begin with 20."""
    classes.datasets(changed(FETCHED, "clothes.splits.test.number", number))
    variants = {name: {"test_images": n} if n else {} for name, n in zip("ab", limits, strict=True)}
    base = CLASSIFY | {"claims": [], "variants": variants}
    for example in (shown[0], shown[-1]):
        classes.study(base | {"example": example}, "clothes").load()
    for example in (0, shown[0] - 1, *([shown[-1] + 1] if shown[-1] < 9999 else [])):
        complaint = classes.study(base | {"example": example}, "clothes").complaint()
        assert complaint == f"{CLOTHES_FILE}: example: {example} is not among the images that are tested on."


@pytest.mark.parametrize(
    ("entry", "first"),
    [({"source": "images"}, 1), ({"source": "arrays", "arrays": {"images": "x.npy", "labels": "y.npy"}}, 0)],
)
def test_an_example_of_images_of_ones_own_is_looked_for_when_they_are_known(classes, entry, first):
    splits = {"train": {"share": 0.5}, "test": {"share": 0.5}}
    classes.datasets(FETCHED | {"clothes": {"folder": "x", "classes": ["a", "b"], "splits": splits} | entry})
    base = CLASSIFY | {"claims": [], "variants": {"a": {"test_images": 3}}}
    for example in (first, 999_999):
        classes.study(base | {"example": example}, "clothes").load()
    complaint = classes.study(base | {"example": first - 1}, "clothes").complaint()
    assert "not among the images" in complaint or "out of range" in complaint


# ---- A study that classifies -----------------------------------------------------------------------------------------

CHANGES = get_args(Augmentation.model_fields["name"].annotation)


def claim(**changes):
    return {"variant": "plain", "split": "test", "metric": "accuracy", "says": "It says so."} | changes


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        # the task
        ("task", "count", "variants.plain.loss: categorical_crossentropy does not fit task count."),
        (
            "dataset",
            "dots",
            "task: the labels of `dots` are counts, not classes.\nHint: task: count has such labels.",
        ),
        ("variants.plain.loss", "huber", "variants.plain.loss: huber does not fit task classify."),
        (
            "variants.plain.scale_targets",
            True,
            "variants.plain.scale_targets: only tasks count and regress have targets to scale.",
        ),
        ("metric", "exact", f"metric: task classify has {OF_CLASSES}, not exact."),
        ("metric", "parameters", f"metric: task classify has {OF_CLASSES}, not parameters."),
        ("example", -1, "example: -1 is out of range: it must be >= 0."),
        ("example", True, "example: true is not a whole number."),
        ("feature_maps", "plian", "feature_maps: there is no variant `plian`.\nHint: did you mean `plain`?"),
        ("feature_maps", "perceptron", "feature_maps: `perceptron` has no convolution: it is scikit-learn's."),
        # the recipe
        (
            "variants.plain.monitor",
            "val_accuracy",
            "variants.plain: monitor: val_accuracy needs validation or validation_split.",
        ),
        (
            "variants.plain.monitor",
            "val_auc",
            "variants.plain: monitor: val_auc is not recorded; these are: val_loss, val_accuracy, loss, accuracy.",
        ),
        (
            "variants.plain.training_metrics",
            ["r2_score"],
            "variants.plain: training_metrics: r2_score does not fit loss categorical_crossentropy; these do: auc, "
            "precision, recall, mean_absolute_error, mean_squared_error, root_mean_squared_error, "
            "categorical_crossentropy, kl_divergence, top_k_categorical_accuracy.",
        ),
        (
            "variants.plain.training_metrics",
            ["auc", "auc"],
            "variants.plain: training_metrics: a metric stands there twice.",
        ),
        (
            "variants.plain.reduce_on_plateau",
            {},
            "variants.plain: monitor: val_loss needs validation or validation_split.",
        ),
        (
            "variants.held-out",
            {
                "validation_split": 0.1,
                "reduce_on_plateau": {},
                "optimizer": {"name": "sgd", "learning_rate": 0.1, "schedule": "cosine"},
            },
            "variants.held-out: reduce_on_plateau: schedule cosine sets the rate already.",
        ),
        ("variants.plain.mode", "max", "variants.plain: mode and min_delta need restore_best_weights or patience."),
        ("variants.plain.min_delta", 0.1, "variants.plain: mode and min_delta need restore_best_weights or patience."),
        (
            "variants.plain.loss",
            "binary_crossentropy",
            "variants.plain.loss: `binary_crossentropy` takes 2 classes, and `clothes` has 3.\n"
            "Hint: take categorical_crossentropy.",
        ),
        ("variants.plain.validation", "train", "variants.plain: validation: a split that is trained on; name another."),
        (
            "variants.plain.validation",
            "test",
            "variants.plain.validation: `test` is also a test split.\n"
            "Hint: no choice is made on test images: give another split, or `validation_split`.",
        ),
        (
            "variants.plain.validation",
            "tset",
            "variants.plain.validation: the dataset `clothes` has no split `tset`.\nHint: did you mean `test`?",
        ),
        (
            "variants.held-out.validation",
            "more",
            "variants.held-out: validation and validation_split: give one of them.",
        ),
        # weights of classes
        (
            "variants.plain.class_weight",
            "even",
            "variants.plain.class_weight: 'even' is neither `balanced` nor a mapping of classes to weights, such as "
            "{leaf: 2.5}.",
        ),
        (
            "variants.plain.class_weight",
            7,
            "variants.plain.class_weight: 7 is neither `balanced` nor a mapping of "
            "classes to weights, such as {leaf: 2.5}.",
        ),
        ("variants.plain.class_weight", {"Bag": -1}, "variants.plain.class_weight: Bag: -1 is not a number from 0."),
        (
            "variants.plain.class_weight",
            {False: 1},
            "variants.plain.class_weight: False is not the name of a class; put it in quotes.",
        ),
        (
            "variants.plain.class_weight",
            {"Bog": 2},
            "variants.plain.class_weight: `clothes` has no class `Bog`.\nHint: did you mean `Bag`?",
        ),
        (
            "variants.plain.class_weight",
            [1.0, 2.0],
            "variants.plain.class_weight: has 2 weights, and `clothes` 3 classes.",
        ),
        (
            "variants.plain",
            {"label_smoothing": 0.1, "loss": "sparse_categorical_crossentropy"},
            f"variants.plain: {SMOOTHING}.",
        ),
        (
            "variants.plain.label_smoothing",
            1.0,
            "variants.plain.label_smoothing: 1.0 is out of range: it must be < 1.0.",
        ),
        (
            "variants.plain.restore_best_weights",
            True,
            f"variants.plain: {NO_CHOICE}.",
        ),
        (
            "variants.plain.patience",
            3,
            f"variants.plain: {NO_CHOICE}.",
        ),
        ("variants.held-out.patience", 0, "variants.held-out.patience: 0 is not a positive whole number."),
        (
            "variants.plain.validation_split",
            1.0,
            "variants.plain.validation_split: 1.0 is out of range: it must be < 1.0.",
        ),
        (
            "variants.plain.validation_split",
            -0.1,
            "variants.plain.validation_split: -0.1 is out of range: it must be >= 0.0.",
        ),
        (
            "variants.plain.augment",
            ["flop"],
            f"variants.plain.augment.0.name: 'flop' is not one of {', '.join(CHANGES)}. Hint: did you mean `flip`?",
        ),
        ("variants.plain.augment", ["shift"], "variants.plain.augment.0: shift needs pixels."),
        (
            "variants.plain.augment",
            ["flip", {"name": "flip", "pixels": 2}],
            "variants.plain.augment.1: flip takes no pixels.",
        ),
        (
            "variants.plain.augment",
            [{"name": "affine", "zoom": 0.1}],
            "variants.plain.augment.0: affine needs degrees.",
        ),
        (
            "variants.plain.augment",
            [{"name": "affine", "zoom": 0.1, "degrees": 5.0, "pixels": 1}],
            "variants.plain.augment.0: affine takes no pixels.",
        ),
        (
            "variants.plain.augment",
            [{"name": "shift", "pixels": 1, "zoom": 0.1}],
            "variants.plain.augment.0: shift takes no zoom.",
        ),
        (
            "variants.plain.augment",
            [{"name": "affine", "zoom": 1.0, "degrees": 5.0}],
            "variants.plain.augment.0.zoom: 1.0 is out of range: it must be < 1.0.",
        ),
        (
            "variants.plain.test_views",
            ["flipp"],
            "variants.plain.test_views.0: 'flipp' is not one of flip, shift. Hint: did you mean `flip`?",
        ),
        (
            "variants.plain.augment",
            [{"name": "erase", "pixels": 0}],
            "variants.plain.augment.0.pixels: 0 is not a positive whole number.",
        ),
        (
            "variants.plain.augment",
            [{"name": "erase", "pixel": 2}],
            "variants.plain.augment.0.pixel: is not a known key. Hint: did you mean `pixels`?",
        ),
        # claims
        ("claims.0", claim(), f"claims.0: {KINDS}."),
        ("claims.0", claim(value=0.9, between=[0.8, 0.9]), f"claims.0: {KINDS}."),
        ("claims.0", claim(value=0.9, similar_to="perceptron"), f"claims.0: {KINDS}."),
        ("claims.0", claim(between=[0.93, 0.9]), "claims.0: between: 0.93 is above 0.9."),
        ("claims.0", claim(between=[90, 93]), "claims.0: 90.0 is not a share; write 90 % as 0.90."),
        ("claims.0", claim(as_low_as=7), "claims.0: 7.0 is not a share; write 90 % as 0.90."),
        ("claims.0", claim(as_low_as=0.1, value=0.1), f"claims.0: {KINDS}."),
        ("claims.0", claim(between=[0.9]), "claims.0.between: [0.9] is too short: it must have at least 2."),
        (
            "claims.0",
            claim(between=[0.7, 0.8, 0.9]),
            "claims.0.between: [0.7, 0.8, 0.9] is too long: it must have at most 2.",
        ),
        ("claims.0", claim(value=float("nan")), "claims.0.value: NaN is not a finite number."),
        (
            "claims.1.similar_to",
            "perceptro",
            "claims.1.similar_to: there is no variant `perceptro`.\nHint: did you mean `perceptron`?",
        ),
        ("claims.0", claim(split=None, value=0.9), "claims.0: accuracy needs a split."),
        ("claims.0", claim(metric="parameters", value=1), "claims.0: parameters takes no split."),
        ("claims.0", claim(metric="training_accuracy", value=0.9), "claims.0: training_accuracy takes no split."),
        (
            "claims.0",
            claim(metric="parameters", split=None, at_most=1),
            "claims.0: a claim on parameters has a value.",
        ),
        (
            "claims.0",
            claim(metric="exact", value=0.9),
            f"claims.0.metric: task classify has {OF_CLASSES}, parameters, training_accuracy, not exact.",
        ),
        (
            "claims.0",
            claim(variant="perceptron", metric="training_accuracy", split=None, value=0.9),
            "claims.0.metric: `perceptron` has no training_accuracy: scikit-learn's models record none.",
        ),
        (
            "claims.0",
            claim(similar_to="perceptron", metric="training_accuracy", split=None),
            "claims.0.metric: `perceptron` has no training_accuracy: scikit-learn's models record none.",
        ),
        (
            "source",
            {"title": "A page", "url": "example.org"},
            'source.url: "example.org" is not a web address (http:// or https://).',
        ),
    ],
)
def test_wrong_value_in_a_study_that_classifies_is_named_with_file_and_key(classes, where, value, complaint):
    assert classes.study(changed(CLASSIFY, where, value), "clothes").complaint() == f"{CLOTHES_FILE}: {complaint}"


# ---- A study that counts ---------------------------------------------------------------------------------------------


def test_a_study_that_counts_classes_is_refused(classes):
    study = changed(STUDY, "dataset", "clothes")
    complaint = classes.study(study).complaint()
    where = f"{STUDY_FILE}: task: the labels of `clothes` are classes, not counts."
    assert complaint == f"{where}\nHint: task: classify has such labels."


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        ("metric", "accuracy", f"metric: task count has {OF_COUNTS}, not accuracy."),
        ("example", 1, "example: only task classify has probabilities to show."),
        ("feature_maps", "wide", "feature_maps: needs an example to show them on."),
        ("variants.wide.loss", "categorical_crossentropy", "variants.wide.loss: categorical_crossentropy does not fit "
         "task count."),
        ("variants.wide", STUDY["variants"]["wide"] | {"monitor": "val_accuracy", "validation_split": 0.1},
         "variants.wide: monitor: val_accuracy is not recorded; these are: val_loss, loss."),
        ("variants.wide.label_smoothing", 0.1, f"variants.wide: {SMOOTHING}."),
        ("claims.0.metric", "accuracy", f"claims.0.metric: task count has {OF_COUNTS}, parameters, not accuracy."),
        ("claims.0", {"variant": "wide", "metric": "training_accuracy", "value": 0.9, "says": "It says so."},
         f"claims.0.metric: task count has {OF_COUNTS}, parameters, not training_accuracy."),
    ],
)  # fmt: skip
def test_what_belongs_to_classes_is_refused_in_a_study_that_counts(project, where, value, complaint):
    assert project.study(changed(STUDY, where, value)).complaint() == f"{STUDY_FILE}: {complaint}"


# ---- A study of numbers ----------------------------------------------------------------------------------------------

REGRESS = STUDY | {"task": "regress", "claims": []}


def refused(study):
    """What a study file says of itself, whatever its dataset."""
    with pytest.raises(CalotypeError) as problem:
        validate(Study, study, STUDY_FILE)
    return str(problem.value)


def test_a_study_of_numbers_takes_the_losses_of_counts_and_has_its_own_metrics():
    study = validate(Study, REGRESS, STUDY_FILE)
    assert study.headline == "mean_absolute_error"
    assert study.shown == ["mean_absolute_error", "root_mean_squared_error", "r2"]
    assert study.variants["wide"].loss == "huber"
    assert (
        validate(Study, changed(REGRESS, "variants.wide.scale_targets", True), STUDY_FILE)
        .variants["wide"]
        .scale_targets
    )


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        ("variants.wide.loss", "categorical_crossentropy",
         "variants.wide.loss: categorical_crossentropy does not fit task regress."),
        ("metric", "exact", "metric: task regress has mean_absolute_error, root_mean_squared_error, r2, not exact."),
        ("example", 1, "example: only task classify has probabilities to show."),
    ],
)  # fmt: skip
def test_what_belongs_to_counts_or_classes_is_refused_in_a_study_of_numbers(where, value, complaint):
    assert refused(changed(REGRESS, where, value)) == f"{STUDY_FILE}: {complaint}"


# ---- Claims ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["exact", "off_by_more_than_one"])
@pytest.mark.parametrize("bound", ["value", "at_most", "at_least"])
def test_claims_of_shares_lie_between_none_and_all(project, metric, bound):
    base = {"variant": "wide", "split": "test", "metric": metric, "says": "It says so."}
    for number in (0, 0.5, 1):
        project.study(changed(STUDY, "claims", [base | {bound: number}])).load()
    for number in (-0.01, 1.01, 50):
        complaint = project.study(changed(STUDY, "claims", [base | {bound: number}])).complaint()
        assert "is not a share; write 90 % as 0.90" in complaint
    project.study(changed(STUDY, "claims", [base | {"metric": "sum_of_squared_errors", bound: 50}])).load()


def test_a_claim_about_a_split_that_is_not_tested_is_refused(project):
    complaint = project.study(changed(STUDY, "claims.0.split", "test-large")).complaint()
    assert complaint == f"{STUDY_FILE}: claims.0.split: `test-large` is not among the study's tests."


def test_what_claims_may_hold_is_taken(classes):
    made = [
        claim(between=[0.9, 0.9]),
        claim(metric="log_loss", between=[0.5, 70]),
        claim(metric="error", similar_to="perceptron"),
        claim(metric="training_accuracy", split=None, between=[0.97, 0.98]),
        claim(metric="parameters", split=None, value=804554),
        claim(metric="error", as_low_as=0.07),
    ]
    found = classes.study(CLASSIFY | {"claims": made}, "clothes").load().studies["clothes"].claims
    assert [entry.numbers() for entry in found] == [[0.9, 0.9], [0.5, 70], [], [0.97, 0.98], [804554], [0.07]]


# ---- Models of scikit-learn ------------------------------------------------------------------------------------------

PERCEPTRON = "sklearn.neural_network.MLPClassifier"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"optimizer": "adamw"}, "optimizer"),
        ({"optimizer": {"name": "sgd", "learning_rate": 0.1, "schedule": "cosine"}}, "optimizer.schedule"),
        ({"optimizer": {"name": "sgd", "arguments": {"weight_decay": 0.1}}}, "optimizer.arguments"),
        ({"optimizer": {"name": "adam", "arguments": {"momentum": 0.9}}}, "optimizer.arguments"),
        ({"loss": "sparse_categorical_crossentropy"}, "loss"),
        ({"label_smoothing": 0.1}, "label_smoothing"),
        ({"augment": ["flip"]}, "augment"),
        ({"test_views": ["flip"]}, "test_views"),
        ({"validation": "more"}, "validation"),
        ({"monitor": "loss", "patience": 3}, "monitor"),
        ({"validation_split": 0.1}, "validation_split"),
        ({"validation_split": 0.1, "restore_best_weights": True}, "validation_split"),
    ],
)
def test_what_scikit_learn_cannot_do_is_refused_before_a_job_waits_in_a_queue(classes, changes, key):
    """Else it would stand in the report as if it had been done."""
    variant = CLASSIFY["variants"]["perceptron"] | changes
    complaint = classes.study(changed(CLASSIFY, "variants.perceptron", variant), "clothes").complaint()
    where = f"{CLOTHES_FILE}: variants.perceptron: {key}: {PERCEPTRON} cannot do this"
    assert complaint == f"{where}; leave it out, or use a Keras model."


def test_what_scikit_learn_can_do_is_taken(classes):
    for optimizer in (
        "sgd",
        "adam",
        {"name": "sgd", "learning_rate": 0.1, "arguments": {"momentum": 0.9, "nesterov": True}},
    ):
        variant = CLASSIFY["variants"]["perceptron"] | {"optimizer": optimizer, "test_images": 5}
        classes.study(changed(CLASSIFY, "variants.perceptron", variant), "clothes").load()
