"""The page of a study that classifies, or whose labels are any numbers."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from unit.pages import (
    CLASS_PREDICTIONS,
    NAMES,
    TRAINING,
    Page,
    claim,
    class_config,
    class_section,
    config,
    hits,
    origin,
    page,
    rendered,
    results,
    section,
    section_of,
)

from calotype.report.html import findings


def test_a_study_that_classifies_has_a_well_formed_page_with_its_metrics(tmp_path):
    made = class_section(tmp_path)
    assert made["metrics"] == ["accuracy", "log loss"]
    assert [row["variant"] for row in made["results"]] == ["plain", "Other net"]
    first = made["results"][0]
    assert first["metrics"][0][0] == "90 %"
    assert (first["range"], first["images"], first["n"]) == ("80 to 100 %", "30", 3)
    text = Page(rendered([made])).text
    for name in NAMES:
        assert name in text, "the reader sees the names of the classes as they are written"
    assert "Log loss" in text
    assert "on other images" not in text, "the source had the same ones"
    assert "on other images" in Page(page(tmp_path)).text


def test_a_table_shows_the_metrics_that_the_study_chose_and_writes_abbreviations_as_they_are(tmp_path):
    """`roc auc` capitalized would be `Roc auc`."""
    labels = np.arange(20) % 2
    guesses = np.stack([np.eye(2, dtype=np.float32)[labels]] * 3)
    made = class_config(metrics=["roc_auc", "macro_f1"], claims=[])
    made.datasets["clothes"] = made.datasets["clothes"].model_copy(update={"classes": ["a", "b"]})
    predictions = {variant: {"test": guesses} for variant in ("plain", "other")}
    packs = [origin("plain", 0, 2), origin("other", 0, 2)]
    section = section_of(results(tmp_path, made, predictions, packs, TRAINING, labels), made)
    assert section["headings"] == ["ROC AUC", "Macro F1"]
    assert section["results"][0]["metrics"][0] == ("100 %", "[82, 100]")
    text = Page(rendered([section])).text
    assert "ROC AUC, range over seeds" in text
    assert findings([section]).splitlines()[1].startswith("  plain      test  ROC AUC 100 % [82, 100]")


NUMBERS = np.linspace(0.25, 9.75, 20)


def test_a_study_of_numbers_has_a_well_formed_page(tmp_path):
    made = config(task="regress", claims=[claim(metric="mean_absolute_error", at_most=0.5, split="test-large")])
    said = np.stack([NUMBERS + shift for shift in (0.125, 0.25, 0.375)]).astype(np.float32)
    predictions = {
        "wide": {"test": said, "test-large": said},
        "deep": {split: np.full((1, 20), np.nan, np.float32) for split in ("test", "test-large")},
    }
    packs = [origin("wide", 0, 2), origin("deep", 0, 0)]
    section = section_of(results(tmp_path, made, predictions, packs, labels=NUMBERS, lost={"deep": {0: 1}}), made)
    assert section["confusions"] == []
    assert section["headings"] == ["Mean absolute error", "Root mean squared error", "R²"]
    first, *_, last = section["results"]
    assert (first["metrics"][0], first["range"]) == (("0.25", "[0.00, 0.56]"), "0.12 to 0.38")
    assert (last["metrics"][0], last["diverged"]) == (("–", ""), "1 of 1 seed diverged")
    text = Page(rendered([section])).text
    assert "Mean absolute error" in text
    lines = findings([section]).splitlines()
    assert lines[1].startswith("  Wide net  test        mean absolute error 0.25 [")
    assert lines[-1].startswith("  claimed: mean absolute error at most 0.5 on test-large (Wide net); measured: 0.25 [")
    assert "open: the interval contains the bound" in lines[-1]


def test_the_most_frequent_confusions_are_called_by_the_names_of_the_classes(tmp_path):
    found = class_section(tmp_path)["confusions"][0]["found"]
    assert (found.images, found.wrong) == (90, 9)
    pairs = [(pair.true, pair.predicted, pair.images, pair.of) for pair in found.first]
    assert pairs == [(NAMES[0], NAMES[1], 3, 30), (NAMES[1], NAMES[2], 3, 30), (NAMES[2], NAMES[0], 3, 30)]
    text = Page(rendered([class_section(tmp_path)])).text
    assert f"True {NAMES[1]}, predicted {NAMES[2]}: 3 of 30 (10.0 %)" in text


def test_probabilities_that_are_no_numbers_are_a_confusion_with_none(tmp_path):
    lost = {"plain": {"test": CLASS_PREDICTIONS["plain"]["test"].copy()}, "other": CLASS_PREDICTIONS["other"]}
    lost["plain"]["test"][0, 0] = np.nan
    found = class_section(tmp_path, predictions=lost)["confusions"][0]["found"]
    assert [pair.images for pair in found.first if pair.predicted == "none"] == [1]


def test_consecutive_variants_are_compared_in_points_and_the_page_says_how(tmp_path):
    """One variant holds out images, so that equal seeds see other batches."""
    (row,) = class_section(tmp_path)["differences"]
    assert (row["variant"], row["than"], row["split"], row["mean"], row["n"]) == (
        "Other net",
        "plain",
        "test",
        "−10",
        3,
    )
    assert (row["interval"], row["verdict"], row["test"], row["p"]) == ("[−33, +13]", "not told apart", "Welch", "0.30")
    assert (row["seeds"], row["size"]) == ("3", "−0.80"), "one point is a tenth of the spread, times Hedges' 0.8"
    text = Page(rendered([class_section(tmp_path)])).text
    for words in ("Accuracy, mean difference (points)", "Consecutive variants compared", "Welch"):
        assert words in text
    assert "allow for all comparisons" not in text, "there is only one"
    assert "Not compared" not in text


def test_a_study_that_compares_all_pairs_says_so_and_names_those_that_it_cannot_compare(tmp_path):
    """The variant deep has one seed."""
    text = Page(rendered([section(tmp_path, compare="all")])).text
    assert "Not compared: deep (fewer than two seeds)." in text
    made = class_section(tmp_path, compare={"to": "plain"})
    assert made["compared"] == "Variants compared with plain"
    assert made["not_compared"] == ""
    assert class_section(tmp_path, compare="all")["compared"] == "All pairs of variants compared"


def test_a_study_with_a_smallest_difference_that_matters_says_how_many_seeds_would_tell_and_their_cost(tmp_path):
    made = class_section(tmp_path, worth=25)
    (row,) = made["differences"]
    assert row["verdict"] == "open"
    assert re.fullmatch(r"\d+ seeds of each would tell \(\d+ more, about \d+ core minutes\)", row["remark"]), row[
        "remark"
    ]
    text = Page(rendered([made])).text
    assert row["remark"] in text
    assert "A difference of 25 points or more matters here (worth)." in text
    assert "One image of test is 3.33 points, which is more." in class_section(tmp_path, worth=1)["worth"]
    (row,) = class_section(tmp_path, worth=90)["differences"]
    assert (row["verdict"], row["remark"]) == ("equivalent within 90 points", "")


def test_an_open_claim_says_how_many_seeds_would_tell_if_the_study_says_what_matters(tmp_path):
    about = {"variant": "plain", "split": "test", "metric": "accuracy", "at_least": 0.9, "quote": "At least."}
    (told,) = class_section(tmp_path, worth=20, claims=[about])["claims"]
    assert (told["verdict"], "seeds would tell (" in told["reason"]) == ("open", True)
    assert "if the mean is 20 points from the bound" in told["reason"]
    (plain,) = class_section(tmp_path, claims=[about])["claims"]
    assert told["reason"].startswith(plain["reason"])
    assert "would tell" not in plain["reason"]


def test_consecutive_variants_without_a_significant_difference_are_not_said_to_differ(tmp_path):
    alike = {"plain": {"test": hits(0.8, 0.9, 1.0)}, "other": {"test": hits(0.9, 0.8, 1.0)}}
    (row,) = class_section(tmp_path, predictions=alike)["differences"]
    assert (row["mean"], row["verdict"]) == ("+0", "not told apart")


@pytest.mark.parametrize("metric", ["error", "log_loss"])
def test_the_headline_of_a_study_is_the_one_of_its_results_and_differences(tmp_path, metric):
    made = class_section(tmp_path, metric=metric)
    first, (row,) = made["results"][0], made["differences"]
    text = Page(rendered([made])).text
    if metric == "error":
        assert (made["metrics"], first["range"], row["mean"]) == (["error", "log loss"], "0 to 20 %", "+10")
        assert "Error, mean difference (points)" in text
    else:
        assert made["metrics"][0] == "log loss"
        low, high = (float(number) for number in first["range"].split(" to "))
        assert 0.2 < low < high < 1, "no share of images, no per cent"
        assert float(row["mean"]) == pytest.approx(0.1 * math.log(8), abs=0.005)
        assert "Log loss, mean difference (points)" not in text


def test_claims_of_every_metric_are_on_the_page_with_their_notes(tmp_path):
    made = class_section(tmp_path)
    assert [(row["claimed"], row["split"], row["verdict"]) for row in made["claims"]] == [
        ("90.09 %", "test", "agrees (weak)"),
        ("50 to 95 %", "", "open"),
        ("1,135", "", "differs"),
    ]
    assert made["claims"][0]["mean"] == "90 %"
    assert "the numbers are not equal. We count better" in Page(rendered([made])).text
    lines = findings([made]).splitlines()
    assert lines[-1] == (
        "  claimed: parameters 1,135 (Other net); measured: 338,881; differs: the numbers are not equal"
    )


def test_the_use_of_validation_images_and_the_augmentation_are_on_the_page(tmp_path):
    plain, other = class_section(tmp_path)["recipes"]
    assert plain["augment"] == "none"
    assert other["augment"] == "shift 2 px, affine 15° 0.1 zoom, flip, rotate 5° (fill: edge), noise 0.1"
    assert other["remarks"][-3:] == [
        "the last 10 % of the training images are held out; the epoch with the best val_accuracy is kept; stopped "
        "after 3 epochs without an improvement of more than 0.001; the learning rate is multiplied by 0.1 after 2 "
        "epochs without improvement of val_accuracy",
        "epoch kept, by seed: 2, 1, 2",
        "predictions are averaged over each test image and its copies (flipped, shifted by one pixel)",
    ]
    text = Page(rendered([class_section(tmp_path)])).text
    assert "last 10 % of the training images are held out; " in text
    assert "redictions are averaged over each test image and its copies (flipped, shifted by one pixel)" in text
    assert "sparse categorical crossentropy" in text


def test_a_training_run_of_classes_that_diverged_still_gets_its_page(tmp_path):
    lost = {variant: {"test": np.full((3, 30, 3), np.nan, np.float32)} for variant in CLASS_PREDICTIONS}
    for metric in ("accuracy", "log_loss"):
        made = class_section(tmp_path, predictions=lost, metric=metric)
        Page(rendered([made]))
        assert {pair.predicted for pair in made["confusions"][0]["found"].first} == {"none"}
    assert "accuracy –" in findings([class_section(tmp_path, predictions=lost)])


def test_names_of_classes_cannot_run_code_in_the_readers_browser(tmp_path):
    found = Page(rendered([class_section(tmp_path)]))
    assert not {"b", "script"} & set(found.elements)


def test_errors_in_the_unit_of_the_labels_say_so(tmp_path):
    made = config(task="regress", claims=[claim(metric="mean_absolute_error", at_most=0.5, split="test-large")])
    said = np.stack([NUMBERS + shift for shift in (0.125, 0.25, 0.375)]).astype(np.float32)
    predictions = {variant: {"test": said, "test-large": said} for variant in ("wide", "deep")}
    plain = results(tmp_path, made, predictions, [origin("wide", 0, 2), origin("deep", 0, 0)], labels=NUMBERS)
    section = section_of(replace(plain, quantity="diameter", unit="mm"), made)
    assert section["headings"] == ["Mean absolute error (mm)", "Root mean squared error (mm)", "R²"]
    assert findings([section]).splitlines()[1].startswith("  Wide net  test        mean absolute error (mm) 0.25 [")
    assert section["claims"][0]["metric"] == "mean absolute error (mm)"
