"""A study runs as its file says, or its errors are reported before training."""

import pytest
from unit.projects import CLASSIFY, CLOTHES_FILE, FETCHED, OF_COUNTS, SMOOTHING, STUDY, STUDY_FILE, changed

from calotype.config.study import Study
from calotype.tasks.registry import TASKS
from calotype.util.errors import CalotypeError
from calotype.util.yaml_validation import validate

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


@pytest.mark.parametrize("name", ["figures", "predictions"])
def test_a_variant_does_not_overwrite_other_results_of_its_study(project, name):
    complaint = project.study(changed(STUDY, f"variants.{name}", STUDY["variants"]["wide"])).complaint()
    assert complaint == f"{STUDY_FILE}: variants: `{name}` is a reserved name.\nHint: rename the variant."


def test_two_variants_with_one_label_do_not_become_one_in_the_figures(project):
    """Figures and tables tell variants apart by their labels."""
    study = changed(changed(STUDY, "variants.wide.label", "Net"), "variants.deep.label", "Net")
    complaint = project.study(study).complaint()
    assert "Net" in complaint
    assert "label" in complaint


def test_runs_may_diverge_unless_a_study_forbids_it_and_that_trains_nothing_again(project):
    loaded = project.study(STUDY).load().studies["dots"]
    strict = project.study(STUDY | {"may_diverge": False}).load().studies["dots"]
    assert (loaded.may_diverge, strict.may_diverge) == (True, False)
    assert loaded.variants["wide"].recipe() == strict.variants["wide"].recipe()


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
        assert complaint.startswith(f"{CLOTHES_FILE}: example: {example} is not one of the test images.\nHint: give")


@pytest.mark.parametrize(
    ("entry", "first"),
    [({"source": "images"}, 1), ({"source": "arrays", "arrays": {"images": "x.npy", "labels": "y.npy"}}, 0)],
)
def test_an_example_of_user_images_is_checked_when_they_are_known(classes, entry, first):
    splits = {"train": {"share": 0.5}, "test": {"share": 0.5}}
    classes.datasets(FETCHED | {"clothes": {"folder": "x", "classes": ["a", "b"], "splits": splits} | entry})
    base = CLASSIFY | {"claims": [], "variants": {"a": {"test_images": 3}}}
    for example in (first, 999_999):
        classes.study(base | {"example": example}, "clothes").load()
    complaint = classes.study(base | {"example": first - 1}, "clothes").complaint()
    assert "not one of the test images" in complaint or "out of range" in complaint


# ---- A study that counts ---------------------------------------------------------------------------------------------


def test_a_study_that_counts_classes_is_refused(classes):
    study = changed(STUDY, "dataset", "clothes")
    complaint = classes.study(study).complaint()
    where = f"{STUDY_FILE}: task: `count` needs counts, but the labels of `clothes` are classes."
    assert complaint == f"{where}\nHint: use task: classify."


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        ("metric", "accuracy", f"metric: task count has {OF_COUNTS}, not accuracy."),
        ("example", 1, "example: task count has no probabilities to show."),
        ("feature_maps", "wide", "feature_maps: needs an example."),
        ("variants.wide.loss", "categorical_crossentropy", "variants.wide.loss: categorical_crossentropy does not fit "
         f"task count. Hint: its losses are {', '.join(TASKS['count'].losses)}."),
        ("variants.wide", STUDY["variants"]["wide"] | {"monitor": "val_accuracy", "validation_split": 0.1},
         "variants.wide: monitor: val_accuracy is not recorded; allowed values are val_loss, loss."),
        ("variants.wide.label_smoothing", 0.1, f"variants.wide: {SMOOTHING}."),
        ("claims.0.metric", "accuracy", f"claims.0.metric: task count has {OF_COUNTS}, parameters, not accuracy."),
        ("claims.0", {"variant": "wide", "metric": "training_accuracy", "value": 0.9, "quote": "It says so."},
         f"claims.0.metric: task count has {OF_COUNTS}, parameters, not training_accuracy."),
    ],
)  # fmt: skip
def test_what_belongs_to_classes_is_refused_in_a_study_that_counts(project, where, value, complaint):
    assert project.study(changed(STUDY, where, value)).complaint() == f"{STUDY_FILE}: {complaint}"


# ---- A study of numbers ----------------------------------------------------------------------------------------------

REGRESS = STUDY | {"task": "regress", "claims": []}


def refused(study):
    """Return the error of a study file, independent of its dataset."""
    with pytest.raises(CalotypeError) as problem:
        validate(Study, study, STUDY_FILE)
    return str(problem.value)


def test_a_study_of_numbers_takes_the_losses_of_counts_and_has_its_own_metrics():
    study = validate(Study, REGRESS, STUDY_FILE)
    assert study.headline == "mean_absolute_error"
    assert study.shown == TASKS["regress"].names
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
         "variants.wide.loss: categorical_crossentropy does not fit task regress. "
         f"Hint: its losses are {', '.join(TASKS['regress'].losses)}."),
        ("metric", "exact", "metric: task regress has " + ", ".join(TASKS["regress"].names) + ", not exact."),
        ("example", 1, "example: task regress has no probabilities to show."),
    ],
)  # fmt: skip
def test_what_belongs_to_counts_or_classes_is_refused_in_a_study_of_numbers(where, value, complaint):
    assert refused(changed(REGRESS, where, value)) == f"{STUDY_FILE}: {complaint}"


# ---- Comparisons -----------------------------------------------------------------------------------------------------

PAIRS = {"wide": {"model": "dots_source", "epochs": 3}, "deep": {"model": "dots_source", "epochs": 4},
         "last": {"model": "dots_source", "epochs": 4, "batch_size": 8}}  # fmt: skip


@pytest.mark.parametrize(
    ("compare", "pairs"),
    [
        (None, [("deep", "wide"), ("last", "deep")]),
        ("consecutive", [("deep", "wide"), ("last", "deep")]),
        ("all", [("deep", "wide"), ("last", "wide"), ("last", "deep")]),
        ({"to": "deep"}, [("wide", "deep"), ("last", "deep")]),
    ],
    ids=str,
)
def test_the_variants_that_a_study_names_are_compared(project, compare, pairs):
    study = STUDY | {"variants": PAIRS, "claims": []} | ({"compare": compare} if compare else {})
    found = project.study(study).load().studies["dots"].comparisons
    assert found == {"pairs": [(*pair, "last" not in pair) for pair in pairs]}, "another batch size is another order"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"compare": "some"}, "compare: 'some' is neither `consecutive`, `all` nor a mapping such as {to: source}"),
        ({"compare": {"to": ["wide"]}}, "is neither `consecutive`"),
        ({"compare": {"to": "wild"}}, "compare.to: variant `wild` not found.\nHint: did you mean `wide`?"),
        ({"worth": 0}, "worth: 0 is not above 0 and below 100, in points"),
        ({"worth": -1}, "worth: -1 is not above 0"),
        ({"worth": 100}, "worth: 100 is not above 0 and below 100"),
        ({"worth": 0.005}, "worth: 0.005 points is below 0.01. Hint: give points: 0.5 for a fraction of 0.005."),
        ({"worth": 0, "metric": "sum_of_squared_errors"}, "worth: 0 is not a number above 0, in the unit of sum_of_"),
        ({"worth": "0.5"}, "worth: "),
    ],
    ids=str,
)
def test_comparisons_that_cannot_be_made_are_refused_before_any_training(project, changes, words):
    assert words in project.study(STUDY | changes).complaint()


def test_the_smallest_difference_that_matters_is_in_points_and_trains_nothing_again(project):
    loaded = project.study(STUDY | {"worth": 0.5, "compare": "all"}).load().studies["dots"]
    assert loaded.comparisons["worth"] == 0.005
    plain = project.study(STUDY).load().studies["dots"]
    assert loaded.variants["wide"].recipe() == plain.variants["wide"].recipe()
    loaded = project.study(STUDY | {"worth": 0.5, "metric": "sum_of_squared_errors"}).load().studies["dots"]
    assert loaded.comparisons["worth"] == 0.5
