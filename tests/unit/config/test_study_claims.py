"""A claim is read as the study states it, or its error is reported before training."""

import pytest
from unit.projects import CLASSIFY, CLOTHES_FILE, KINDS, OF_CLASSES, STUDY, STUDY_FILE, changed


def claim(**changes):
    return {"variant": "plain", "split": "test", "metric": "accuracy", "quote": "It says so."} | changes


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        ("claims.0", claim(), f"claims.0: {KINDS}."),
        ("claims.0", claim(value=0.9, between=[0.8, 0.9]), f"claims.0: {KINDS}."),
        ("claims.0", claim(value=0.9, similar_to="perceptron"), f"claims.0: {KINDS}."),
        ("claims.0", claim(between=[0.93, 0.9]), "claims.0: between: 0.93 is above 0.9."),
        ("claims.0", claim(between=[90, 93]), "claims.0: 90.0 is not a fraction; write 90 % as 0.90."),
        ("claims.0", claim(as_low_as=7), "claims.0: 7.0 is not a fraction; write 90 % as 0.90."),
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
            "claims.1.similar_to: variant `perceptro` not found.\nHint: did you mean `perceptron`?",
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
            "claims.0.metric: `perceptron` has no training_accuracy: scikit-learn models record none.\n"
            "Hint: name another metric.",
        ),
        (
            "claims.0",
            claim(similar_to="perceptron", metric="training_accuracy", split=None),
            "claims.0.metric: `perceptron` has no training_accuracy: scikit-learn models record none.\n"
            "Hint: name another metric.",
        ),
    ],
)
def test_a_claim_that_cannot_be_held_against_results_is_named_with_file_and_key(classes, where, value, complaint):
    assert classes.study(changed(CLASSIFY, where, value), "clothes").complaint() == f"{CLOTHES_FILE}: {complaint}"


@pytest.mark.parametrize("metric", ["exact", "off_by_more_than_one"])
@pytest.mark.parametrize("bound", ["value", "at_most", "at_least"])
def test_claims_of_shares_lie_between_none_and_all(project, metric, bound):
    base = {"variant": "wide", "split": "test", "metric": metric, "quote": "It says so."}
    for number in (0, 0.5, 1):
        project.study(changed(STUDY, "claims", [base | {bound: number}])).load()
    for number in (-0.01, 1.01, 50):
        complaint = project.study(changed(STUDY, "claims", [base | {bound: number}])).complaint()
        assert "is not a fraction; write 90 % as 0.90" in complaint
    project.study(changed(STUDY, "claims", [base | {"metric": "sum_of_squared_errors", bound: 50}])).load()


def test_a_claim_about_a_split_that_is_not_tested_is_refused(project):
    complaint = project.study(changed(STUDY, "claims.0.split", "test-large")).complaint()
    assert complaint.startswith(
        f"{STUDY_FILE}: claims.0.split: `test-large` is not one of the study's tests.\nHint: allowed"
    )


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
