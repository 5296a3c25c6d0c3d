"""Every published number stands beside ours, with the verdict that the seeds support."""

import math

import numpy as np
import pandas as pd
import pytest
from unit.evaluated import one_run, two

from calotype.config.study import Claim
from calotype.evaluation.claims import COLUMNS, VERDICTS, claims_table, half_last_digit
from calotype.evaluation.runs import SeedPredictions
from calotype.evaluation.tables import pooled_table, runs_table, summary_table
from calotype.tasks.classify import CLASSIFY
from calotype.util.csv_tables import read_csv
from calotype.util.files import write_csv
from calotype.util.statistics import judge, mean_interval

ACCURACIES = {"wide": [0.90, 0.92, 0.91, 0.93], "deep": [0.91, 0.93, 0.92, 0.94], "single": [0.90]}
PARAMETERS = {"wide": 1135, "deep": 804_554, "single": 3}


def runs():
    rows = []
    for variant, values in ACCURACIES.items():
        for seed, value in enumerate(values):
            rows += [
                ("clothes", variant, seed, "test", "accuracy", value),
                ("clothes", variant, seed, "test", "error", 1 - value),
                ("clothes", variant, seed, "test", "log_loss", 10 * (1 - value)),
                ("clothes", variant, seed, "other", "accuracy", value / 2),
                ("clothes", variant, seed, "train", "training_accuracy", min(1.0, value + 0.069)),
            ]
    return pd.DataFrame(rows, columns=["study", "variant", "seed", "split", "metric", "value"])


def pooled(images=100):
    labels = np.zeros(images, np.int64)
    probabilities = np.zeros((images, 2), np.float32)
    made = [
        SeedPredictions(variant, seed, split, labels, probabilities)
        for variant, values in ACCURACIES.items()
        for split in ("test", "other")
        for seed in range(len(values))
    ]
    return pooled_table("clothes", CLASSIFY, made)


def claim(**changes):
    base = {"variant": "wide", "split": "test", "metric": "accuracy", "quote": "It says so."}
    return Claim.model_validate(base | changes).model_dump()


def table(*claims, same_images=True, **changes):
    tables = {"runs": runs(), "pooled": pooled()} | changes
    tables = {"summary": summary_table(tables["runs"], CLASSIFY, ())} | tables
    frames = (tables[name] for name in ("runs", "summary", "pooled"))
    return claims_table("clothes", claims, *frames, PARAMETERS, same_images=same_images)


@pytest.mark.parametrize(
    ("number", "kind", "shown", "verdict"),
    [
        ({"value": 0.93}, "value", (0.93, None), "agrees"),
        ({"value": 0.99}, "value", (0.99, None), "differs"),
        ({"at_most": 0.95}, "at_most", (0.95, None), "agrees"),
        ({"at_most": 0.5}, "at_most", (0.5, None), "differs"),
        ({"at_least": 0.92}, "at_least", (0.92, None), "open"),
        ({"at_least": 0.0}, "at_least", (0.0, None), "agrees"),
        ({"between": [0.90, 0.93]}, "between", (0.90, 0.93), "agrees"),
        ({"between": [0.0, 0.5]}, "between", (0.0, 0.5), "differs"),
        ({"between": [0.905, 0.925]}, "between", (0.905, 0.925), "open"),
        ({"as_low_as": 0.90}, "as_low_as", (0.90, None), "agrees"),
        ({"as_low_as": 0.0}, "as_low_as", (0.0, None), "open"),
        ({"similar_to": "deep"}, "similar_to", (None, None), "agrees"),
        ({"similar_to": "single"}, "similar_to", (None, None), "open"),
    ],
)
def test_each_kind_of_claim_gets_its_line_and_its_verdict(number, kind, shown, verdict):
    row = table(claim(**number, note="Why.")).iloc[0]
    assert (row.study, row.variant, row.split, row.metric) == ("clothes", "wide", "test", "accuracy")
    assert (row.quote, row.note, row.kind, row.verdict) == ("It says so.", "Why.", kind, verdict)
    assert row.other == number.get("similar_to", "")
    for found, expected in zip((row.number, row.second), shown, strict=True):
        assert found == expected or (expected is None and math.isnan(found))
    mean, low, high = mean_interval(ACCURACIES["wide"])
    assert (row["mean"], row.low, row.high) == pytest.approx((mean, low, high))
    assert (row.smallest, row.largest, row.n) == (0.90, 0.93, 4)
    assert row.reason


def test_only_a_share_of_the_images_may_differ_because_other_images_were_drawn():
    """The variance of an area or of a mean over classes is not known."""
    shifted = runs().replace({"metric": {"error": "macro_f1", "accuracy": "balanced_accuracy"}})
    both = [claim(value=0.80), claim(value=0.80, metric="balanced_accuracy")]
    plain = table(both[0], same_images=False, pooled=pooled(20)).iloc[0]
    means = table(both[1], same_images=False, runs=shifted, pooled=pooled(20)).iloc[0]
    assert (plain.verdict, means.verdict) == ("agrees (weak)", "differs")


def test_a_claim_is_judged_by_its_own_variant_split_and_metric():
    found = table(
        claim(value=0.46, split="other"),
        claim(value=0.08, metric="error"),
        claim(value=0.8, metric="log_loss"),
        claim(value=0.93, variant="deep"),
        claim(value=0.99, metric="training_accuracy", split=None),
    )
    weak = "agrees (weak)"  # a loss of 0.85 with a range from 0.4 to 1.3
    assert found.verdict.tolist() == ["agrees", "agrees", weak, "agrees", "agrees"]
    assert found["mean"].tolist() == pytest.approx([0.4575, 0.085, 0.85, 0.925, 0.984])
    assert found.split.tolist() == ["other", "test", "test", "test", ""]
    assert found.high.iloc[4] == 1.0, "a share ends at one"
    assert found.high.iloc[2] > found["mean"].iloc[2]


def test_a_claim_on_the_size_of_a_model_is_right_or_wrong():
    found = table(
        claim(variant="deep", split=None, metric="parameters", value=804_554),
        claim(variant="deep", split=None, metric="parameters", value=804_555),
    )
    assert found.verdict.tolist() == ["agrees", "differs"]
    assert found.reason.tolist() == ["the numbers are equal", "the numbers are not equal"]
    assert found["mean"].tolist() == [804_554, 804_554]
    assert found.n.tolist() == [1, 1]


def test_a_claim_about_one_seed_is_open_and_has_no_interval():
    row = table(claim(variant="single", value=0.9)).iloc[0]
    assert (row.verdict, row.n, row["mean"]) == ("open", 1, 0.9)
    assert math.isnan(row.low)
    assert math.isnan(row.high)


def test_a_source_with_other_images_is_given_the_chance_of_drawing_them():
    """A hundred images: the same mean, a wider range of one more run."""
    values = ACCURACIES["wide"]
    for number in (0.80, 0.85, 0.97, 1.0):
        for same in (True, False):
            verdict = table(claim(value=number), same_images=same).verdict.iloc[0]
            assert (
                verdict
                == VERDICTS[
                    judge(
                        values, value=number, images=100, other_images=not same, rounding=half_last_digit(number)
                    ).agrees
                ]
            )
    assert table(claim(value=0.80), same_images=True).verdict.tolist() == ["differs"]
    assert table(claim(value=0.80), same_images=False).verdict.tolist() == ["agrees"]


@pytest.mark.parametrize(
    "number", [{"metric": "log_loss", "value": 1.4}, {"metric": "training_accuracy", "split": None, "value": 0.93}]
)
def test_images_of_the_source_are_no_matter_where_no_share_of_them_was_measured(number):
    verdicts = {table(claim(**number), same_images=same).verdict.iloc[0] for same in (True, False)}
    assert verdicts == {"differs"}


def test_a_run_without_a_number_leaves_its_claims_open():
    lost = runs()
    lost.loc[(lost.variant == "wide") & (lost.seed == 1) & (lost.metric == "log_loss"), "value"] = math.nan
    made = [claim(metric="log_loss", value=0.8), claim(metric="log_loss", variant="deep", similar_to="wide")]
    found = table(*made, runs=lost)
    assert found.verdict.tolist() == ["open", "open"]
    assert set(found.reason) == {"a value is NaN or infinite"}


def test_a_training_run_that_predicts_nothing_does_not_pass_for_a_bad_one():
    """Its accuracy is no number: a zero would drag the mean down, and an error of one would break a bound."""
    lost = runs()
    lost.loc[(lost.variant == "wide") & (lost.seed == 1) & (lost.split == "test"), "value"] = math.nan
    kinds = ({"value": 0.5}, {"at_most": 0.95}, {"between": [0, 0.5]}, {"as_low_as": 0.95}, {"similar_to": "deep"})
    found = table(*(claim(**kind) for kind in kinds), runs=lost)
    assert set(found.verdict) == {"open"}
    assert set(found.reason) == {"a value is NaN or infinite"}


def with_diverged(*lost):
    """Return runs of which some diverged, with predictions that no good run makes."""
    table = runs()
    for variant, seed in lost:
        table.loc[(table.variant == variant) & (table.seed == seed), "value"] = 0.1
    rows = pd.DataFrame([("clothes", *run, "train", "diverged", 3.0) for run in lost], columns=table.columns)
    return pd.concat([table, rows], ignore_index=True)


def test_a_claim_is_judged_by_the_seeds_that_did_not_diverge_and_says_so():
    made = [claim(value=0.93), claim(metric="training_accuracy", split=None, value=0.99), claim(at_least=0.5)]
    found = table(*made, claim(variant="deep", similar_to="wide"), runs=with_diverged(("wide", 0), ("wide", 3)))
    assert found.n.tolist() == [2, 2, 2, 4]
    assert found["mean"].iloc[0] == pytest.approx(0.915)
    assert found.smallest.iloc[0] == 0.91
    assert found.verdict.str.startswith("agrees").all()
    assert all(reason.endswith("; 2 of 4 seeds diverged and are left out") for reason in found.reason[:3])
    assert found.reason.iloc[3].endswith("; wide: 2 of 4 seeds diverged and are left out")
    one = table(made[0], runs=with_diverged(("wide", 0)))
    assert one.reason.iloc[0].endswith("; 1 of 4 seeds diverged and is left out")


@pytest.mark.parametrize("same_images", [True, False])
def test_a_claim_on_a_variant_of_which_all_seeds_diverged_is_open_and_stops_nothing(tmp_path, same_images):
    kinds = ({"value": 0.5}, {"at_most": 0.95}, {"between": [0, 0.5]}, {"as_low_as": 0.95}, {"similar_to": "deep"})
    made = [*(claim(**kind) for kind in kinds), claim(variant="deep", similar_to="wide")]
    lost = with_diverged(*(("wide", seed) for seed in range(4)))
    found = table(*made, runs=lost, same_images=same_images)
    assert set(found.verdict) == {"open"}
    assert all(reason.startswith("no run has a value; ") for reason in found.reason)
    assert all("4 of 4 seeds diverged" in reason for reason in found.reason)
    assert found.n.tolist() == [0] * 5 + [4]
    write_csv(found, tmp_path / "claims.csv")
    assert read_csv(tmp_path / "claims.csv")[["mean", "smallest", "largest"]].iloc[:5].isna().all(axis=None)


def test_a_study_without_claims_has_a_table_without_lines(tmp_path):
    found = table()
    assert found.columns.tolist() == COLUMNS
    write_csv(found, tmp_path / "claims.csv")
    assert read_csv(tmp_path / "claims.csv").columns.tolist() == COLUMNS
    assert len(read_csv(tmp_path / "claims.csv")) == 0


def test_claims_come_out_of_their_file_as_they_went_in(tmp_path):
    made = [
        claim(value=0.93, quote='A "comma", and a line\nbreak.', note="NA"),
        claim(similar_to="deep"),
        claim(variant="deep", split=None, metric="parameters", value=804_554),
        claim(variant="single", between=[0.1, 0.2]),
        claim(metric="error", as_low_as=0.07),
    ]
    found = table(*made)
    write_csv(found, tmp_path / "claims.csv")
    pd.testing.assert_frame_equal(read_csv(tmp_path / "claims.csv"), found, check_dtype=False, check_exact=True)


@pytest.mark.parametrize(
    ("share", "half"), [(0.93, 0.005), (0.9, 0.005), (1.0, 0.005), (0.916, 0.0005), (0.0293, 0.00005)]
)
def test_a_published_number_that_was_rounded_is_not_called_different_for_it(share, half):
    assert half_last_digit(share) == pytest.approx(half)


def test_a_share_is_held_against_the_range_that_it_may_have_been_rounded_from_and_a_loss_is_not():
    """Four runs from 0.9339 to 0.9342 on 10,000 images: none is 0.93, but their mean rounds to it."""
    near = runs()
    near["value"] = 0.9339 + 0.0001 * near.seed
    claims = claim(value=0.93), claim(metric="log_loss", value=0.93), claim(value=0.928)
    found = table(*claims, runs=near, pooled=pooled(10_000))
    assert found.verdict.tolist() == ["agrees", "differs", "differs"]


def test_a_reader_of_a_likeness_sees_by_how_much_the_means_differ():
    """Means 0.915 and 0.925: shares differ by points, losses of ten times what is missing to one by a number."""
    found = table(claim(variant="deep", similar_to="wide"), claim(metric="log_loss", variant="deep", similar_to="wide"))
    assert found.reason.iloc[0].endswith("; the means differ by +1.0 points, single runs by up to 6.5 points")
    assert found.reason.iloc[1].endswith(
        "; the means differ by −0.10, single runs by up to 0.65; weak, as almost any value would agree"
    )


def test_the_interval_of_a_share_ends_at_one_and_that_of_a_loss_does_not():
    """-1, 0, 1 and 2 have the mean 0.5, the standard deviation 1.291, and t(0.975; 3) = 3.182."""
    wide = runs()
    wide["value"] = wide.seed - 1.0
    found = table(claim(value=0.9), claim(metric="log_loss", value=0.9), runs=wide)
    assert found[["low", "high"]].iloc[0].tolist() == [0, 1]
    assert found[["low", "high"]].iloc[1].tolist() == pytest.approx([0, 0.5 + 2.054], abs=1e-3), "no negative loss"


def test_a_verdict_shows_the_range_that_it_used_and_is_weak_if_that_is_wide():
    """Four runs from 90 to 93 %; t(0.975; 3) = 3.182, sd 1.29 points.

    Twenty images add the chance of drawing them, and a standard deviation of half an image, 2.5 points.
    """
    near = table(claim(value=0.93)).iloc[0]
    assert (near.verdict, near.reason) == ("agrees", "inside the 95 % range of one more run, 86.9 to 96.1 %")
    other = table(claim(value=0.80), same_images=False, pooled=pooled(20)).iloc[0]
    assert other.verdict == "agrees (weak)"
    assert other.reason == ("inside the 95 % range of one more run, 57 to 100 %; weak, as almost any value would agree")
    far = table(claim(value=0.5), same_images=False, pooled=pooled(20)).iloc[0]
    assert (far.verdict, far.reason) == ("differs", "outside the 95 % range of one more run, 57 to 100 %")


def test_a_bound_is_judged_by_the_interval_of_seeds_and_images():
    """All seeds right on 240 images: the images leave open 1.6 % of errors."""
    runs = [one_run(two(*[0.0] * 240), np.zeros(240, int), seed=seed) for seed in range(5)]
    frame = runs_table("clothes", CLASSIFY, runs)
    tables = {"runs": frame, "summary": summary_table(frame, CLASSIFY, runs)}
    tables["pooled"] = pooled_table("clothes", CLASSIFY, runs)
    row, below = (table(claim(at_least=bound), **tables).iloc[i] for i, bound in ((0, 0.99), (0, 0.98)))
    assert (row["mean"], row.low) == pytest.approx((1, 0.98425), abs=1e-5)
    assert (row.verdict, below.verdict) == ("open", "agrees")
