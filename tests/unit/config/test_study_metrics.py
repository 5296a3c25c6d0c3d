"""A study has the metrics that its task and its classes allow."""

import re

import pytest
from unit.projects import CLASSIFY, CLOTHES_FILE, FETCHED, changed


def test_headline_of_a_study_is_the_first_metric_of_its_task_or_the_one_it_names(classes):
    studies = classes.load().studies
    assert (studies["dots"].headline, studies["clothes"].headline) == ("exact", "accuracy")
    studies = classes.study(CLASSIFY | {"metric": "error"}, "clothes").load().studies
    assert studies["clothes"].headline == "error"


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
        (["error", "error"], "metrics: duplicate metric."),
        ([], r"metrics: \[\] is empty."),
        ("accuracy", 'metrics: "accuracy" is not a list.'),
        (
            ["accuracy", "top_3"],
            "metrics.1: `top_3` needs 4 classes or more, but `clothes` has 3.\nHint: allowed values are accura.*",
        ),
        (["roc_auc"], "metrics.0: `roc_auc` needs 2 classes, but `clothes` has 3.\nHint: .*"),
    ],
)
def test_metrics_that_a_study_cannot_show_are_named_with_what_it_can(classes, metrics, complaint):
    found = classes.study(CLASSIFY | {"metrics": metrics}, "clothes").complaint()
    assert re.fullmatch(f"{CLOTHES_FILE}: {complaint}", found)


def test_two_headlines_are_refused(classes):
    study = CLASSIFY | {"metrics": ["accuracy", "error"], "metric": "error"}
    assert classes.study(study, "clothes").complaint() == (
        f"{CLOTHES_FILE}: metrics: begins with accuracy, but metric is error: put it first or remove it."
    )


@pytest.mark.parametrize("where", ["metric", "claims.0.metric"])
def test_a_metric_of_more_classes_than_there_are_is_refused_wherever_it_stands(classes, where):
    study = changed(CLASSIFY, where, "top_5")
    found = classes.study(study, "clothes").complaint()
    assert found.startswith(f"{CLOTHES_FILE}: {where}: `top_5` needs 6 classes or more, but `clothes` has 3")


@pytest.mark.parametrize(("names", "metric"), [("ab", "roc_auc"), ("abcd", "top_3"), ("abcdef", "top_5")])
def test_metrics_are_offered_as_soon_as_there_are_the_classes_for_them(classes, names, metric):
    classes.datasets(changed(FETCHED, "clothes.classes", [*names]))
    assert classes.study(CLASSIFY | {"metric": metric}, "clothes").load().studies["clothes"].headline == metric
