"""Published and measured numbers are shown side by side, on the page and in the terminal."""

import re

import numpy as np
import pytest
from unit.pages import PREDICTIONS, Page, claim, page, rendered, right, section

from calotype.report.html import findings

# ---- Claims ----------------------------------------------------------------------------------------------------------


def judged(tmp_path, **number):
    (row,) = section(tmp_path, claims=[claim(**number)])["claims"]
    return row


@pytest.mark.parametrize(
    ("number", "claimed", "verdict"),
    [
        ({"value": 0.9}, "90 %", "agrees (weak)"),
        ({"value": 0.2}, "20 %", "differs"),
        ({"value": 0.9009}, "90.09 %", "agrees (weak)"),
        ({"at_least": 0.5}, "at least 50 %", "agrees"),
        ({"at_most": 0.5}, "at most 50 %", "differs"),
        ({"at_least": 0.9}, "at least 90 %", "open"),
        ({"at_least": 0.5, "variant": "deep"}, "at least 50 %", "open"),
        ({"at_most": 0.0, "metric": "off_by_more_than_one"}, "at most 0 %", "differs"),
        ({"value": 4.0, "metric": "sum_of_squared_errors"}, "4", "agrees (weak)"),
        ({"between": [0.1, 0.2]}, "10 to 20 %", "open"),
        ({"similar_to": "deep"}, "similar to deep", "open"),
        ({"value": 338881, "metric": "parameters", "split": None}, "338,881", "agrees"),
        ({"value": 338882, "metric": "parameters", "split": None}, "338,882", "differs"),
    ],
)
def test_each_claim_is_beside_its_measurement_with_a_verdict(tmp_path, number, claimed, verdict):
    row = judged(tmp_path, **number)
    assert (row["claimed"], row["verdict"]) == (claimed, verdict)
    assert row["reason"]


def test_a_claim_shows_mean_interval_range_and_number_of_seeds(tmp_path):
    row = judged(tmp_path, value=0.9)
    assert row["variant"] == "Wide net"
    assert row["mean"] == "90 %"
    assert row["interval"] == "[53, 99]"
    assert row["range"] == "80 to 100 %"
    assert row["n"] == 3


def test_a_published_share_may_come_from_other_images(tmp_path):
    """Seeds that agree on every image leave open how other images would have come out: 90 % of 20 are 18 of 20."""
    same = {**PREDICTIONS, "wide": {split: right(0.9, 0.9, 0.9) for split in ("test", "test-large")}}
    claims = [claim(value=0.8), claim(value=0.1), claim(value=19.0, metric="sum_of_squared_errors")]
    made = section(tmp_path, predictions=same, claims=claims)["claims"]
    assert [row["verdict"] for row in made] == ["agrees (weak)", "differs", "open"], "sums of errors have no images"


def test_a_claim_about_one_seed_has_the_interval_of_its_images(tmp_path):
    row = judged(tmp_path, value=0.9, variant="deep")
    assert (row["mean"], row["interval"], row["n"]) == ("95 %", "[76, 99]", 1)


@pytest.mark.parametrize("verdict", ["agrees", "differs", "open"])
def test_verdicts_are_on_the_page(tmp_path, verdict):
    number = {"agrees": {"at_least": 0.5}, "differs": {"value": 0.2}, "open": {"at_least": 0.9}}[verdict]
    text = page(tmp_path, claims=[claim(**number)])
    assert f'<span class="verdict {verdict}">{verdict}</span>' in text


def test_a_study_without_claims_has_a_page(tmp_path):
    text = page(tmp_path, claims=[])
    assert "Measured against claimed" not in text
    assert "Results" in Page(text).text


# ---- Findings --------------------------------------------------------------------------------------------------------


def test_findings_say_in_the_terminal_what_was_found(tmp_path):
    claims = [claim(value=0.9), claim(at_most=0.5, metric="off_by_more_than_one")]
    lines = findings([section(tmp_path, claims=claims)]).splitlines()
    assert lines[0] == "Counting dots (dots)"
    assert re.fullmatch(r"  Wide net  test        exact count 90 % \[53, 99\]  \(3 seeds, 20 images\)", lines[1])
    assert re.fullmatch(r"  Wide net  test-large  exact count 90 % \[66, 98\]  \(3 seeds, 20 images\)", lines[2])
    assert lines[3].startswith("  deep      test        exact count 95 % [76, 99]")
    assert lines[3].endswith("(1 seed, 20 images)")
    assert lines[5] == (
        "  claimed: exact count 90 % on test (Wide net); measured: 90 % [53, 99]; agrees (weak): inside the "
        "95 % range of one more run, 22 to 100 %; weak, as almost any value would agree"
    )
    assert lines[6].startswith("  claimed: off by more than one at most 50 % on test (Wide net); measured: 10 %")
    assert lines[6].endswith("; agrees: the whole interval lies below the bound")
    assert len(lines) == 7


def test_findings_are_in_columns(tmp_path):
    lines = findings([section(tmp_path, label="A much longer name", claims=[])]).splitlines()[1:]
    assert len({line.index("exact count") for line in lines}) == 1


def test_predictions_that_are_no_numbers_still_get_their_page(tmp_path):
    lost = {**PREDICTIONS, "wide": {split: np.full((3, 20), np.nan, np.float32) for split in ("test", "test-large")}}
    claims = [claim(value=0.9), claim(value=4.0, metric="sum_of_squared_errors")]
    made = section(tmp_path, predictions=lost, claims=claims)
    assert [row["verdict"] for row in made["claims"]] == ["open", "open"]
    assert {row["reason"] for row in made["claims"]} == {"a value is NaN or infinite"}
    assert "0.0 %" not in findings([made])
    assert made["confusions"][0]["found"].first[0].predicted == "none"
    Page(rendered([made]))
