"""Tables hold the numbers in full, and show them in few digits."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from calotype.evaluation.number_format import (
    claim_text,
    difference_text,
    interval_decimals,
    mean_texts,
    measured_text,
    range_text,
    show,
)
from calotype.util.csv_tables import NUMBERS, TEXTS, read_csv
from calotype.util.errors import CalotypeError
from calotype.util.files import write_csv


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.888, "88.8 %"),
        (0.5, "50.0 %"),
        (0.99, "99.0 %"),
        (0.01, "1.0 %"),
        (0.995, "99.50 %"),
        (0.005, "0.50 %"),
        (0.99955, "99.955 %"),
        (0.00045, "0.045 %"),
        (0.0099, "0.99 %"),
        (0.001, "0.10 %"),
        (0.0, "0.0 %"),
        (1.0, "100.0 %"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_shares_get_the_digits_that_tell_them_apart(value, shown):
    assert show(value, share=True) == shown
    assert show(value, share=True, unit=False) == shown.removesuffix(" %")


@pytest.mark.parametrize("value", [0.999_999, 0.999_999_9, 1 - 1e-12])
def test_a_share_below_one_is_not_shown_as_all(value):
    assert not show(value, share=True).startswith("100")


@pytest.mark.parametrize("value", [1.04, -0.03, 1.004, -0.004])
def test_ends_of_an_interval_beyond_all_and_nothing_get_no_invented_digits(value):
    """Student's t knows nothing of 0 and 100 %; such an end is vague, and three decimals would say the opposite."""
    assert re.fullmatch(r"−?\d+\.\d{1,2} %", show(value, share=True))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3.14159, "3.142"),
        (0.14, "0.1400"),
        (0.00012345, "0.0001234"),
        (0.0000123456, "1.235 × 10⁻⁵"),
        (0.0, "0"),
        (-2.5, "−2.500"),
        (1234.5678, "1,235"),
        (9999.4, "9,999"),
        (9999.96, "10,000"),
        (-12345.6, "−12,350"),
        (1234567.0, "1,235,000"),
        (12345678.0, "1.235 × 10⁷"),
        (math.nan, "–"),
    ],
)
def test_plain_numbers_get_four_digits_a_separator_and_a_minus_sign(value, shown):
    assert show(value, share=False) == shown


@pytest.mark.parametrize(("decimals", "shown"), [(-2, "100"), (0, "100"), (1, "99.5"), (2, "99.51"), (4, "99.5100")])
def test_a_share_has_the_decimals_that_are_asked_for(decimals, shown):
    assert show(0.9951, share=True, decimals=decimals) == f"{shown} %"


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0102, "+1.02"), (-0.003, "−0.30"), (0.0, "+0.00"), (-1e-9, "+0.00"), (math.nan, "–")]
)
def test_a_difference_has_its_sign_and_zero_no_minus(value, shown):
    assert difference_text(value, True, 2) == difference_text(value, True, None) == shown


def test_csv_loses_no_digit_and_has_no_row_names(tmp_path):
    values = [0.1 + 0.2, 1 / 3, 1e-300, 123456789.123456789]
    write_csv(pd.DataFrame({"metric": list("abcd"), "value": values}), tmp_path / "new" / "runs.csv")
    assert (tmp_path / "new" / "runs.csv").read_bytes().startswith(b"metric,value\na,0.30000000000000004\n")
    assert pd.read_csv(tmp_path / "new" / "runs.csv").value.tolist() == values


def test_csv_is_written_whole_or_not_at_all(tmp_path, files_no_longer_than):
    table = pd.DataFrame({"value": range(1000)})
    with pytest.raises(CalotypeError, match=r"runs\.csv: cannot be written"), files_no_longer_than(500):
        write_csv(table, tmp_path / "runs.csv")
    assert list(tmp_path.iterdir()) == []


def test_names_stay_names_on_their_way_through_a_file(tmp_path):
    """pandas takes 001 for one, and NA and nan for nothing."""
    table = pd.DataFrame({"variant": ["001", "NA", "nan", "1e5", ""], "quote": ["", "null", "None", "a,b", 'a "b"']})
    write_csv(table, tmp_path / "table.csv")
    assert read_csv(tmp_path / "table.csv").to_dict("list") == table.to_dict("list")


def test_numbers_that_are_not_there_stay_so_on_their_way_through_a_file(tmp_path):
    table = pd.DataFrame({name: [0.1 + 0.2, math.nan] for name in NUMBERS})
    write_csv(table, tmp_path / "table.csv")
    found = read_csv(tmp_path / "table.csv")
    assert found.iloc[0].tolist() == table.iloc[0].tolist()
    assert found.iloc[1].isna().all()
    assert not set(NUMBERS) & set(TEXTS)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"value\n1,2,3\n4\n5,6,7,8\n"])
def test_a_broken_table_is_named(tmp_path, content):
    file = tmp_path / "runs.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CalotypeError, match=r"runs\.csv: cannot be read") as problem:
        read_csv(file)
    assert "\nHint: delete it; the next call writes it again." in str(problem.value)


# ---- Intervals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "share", "shown"),
    [
        ((0.844, 0.795, 0.893), True, ("84.4 %", "[79.5, 89.3]")),
        ((0.8, 0.65, 0.9), True, ("80 %", "[65, 90]")),
        ((0.9069, 0.9020, 0.9118), True, ("90.69 %", "[90.20, 91.18]")),
        ((1.0, 0.98425, 1.0), True, ("100.0 %", "[98.4, 100.0]")),
        ((0.9997, 0.9993, 1.0), True, ("99.970 %", "[99.930, 100.000]")),
        ((0.14, 0.131, 0.149), False, ("0.140", "[0.131, 0.149]")),
        ((0.287, 0.0, 0.8524), False, ("0.29", "[0.00, 0.85]")),
        ((12345.6, 12000.0, 13000.0), False, ("12,300", "[12,000, 13,000]")),
        ((-0.2, -0.35, 0.1), False, ("−0.20", "[−0.35, 0.10]")),
        ((1.234e-5, 1.1e-5, 1.4e-5), False, ("1.23 × 10⁻⁵", "[1.10, 1.40] × 10⁻⁵")),
        ((9.996e-8, 9.9e-8, 10.1e-8), False, ("1.000 × 10⁻⁷", "[0.990, 1.010] × 10⁻⁷")),
        ((-1e-12, -1.5e-9, 1.5e-9), False, ("0.0 × 10⁻⁹", "[−1.5, 1.5] × 10⁻⁹")),
        ((9_900_000.0, 9_000_000.0, 10_800_000.0), False, ("9.9 × 10⁶", "[9.0, 10.8] × 10⁶")),
        ((38_782_450.0, 31_452_860.0, 46_112_040.0), False, ("3.9 × 10⁷", "[3.1, 4.6] × 10⁷")),
        ((2e-4, 0.0, 5e-4), False, ("0.00020", "[0.00000, 0.00050]")),
        ((0.888, math.nan, math.nan), True, ("88.8 %", "")),
        ((0.9, 0.9, 0.9), True, ("90.0 %", "")),
        ((math.nan, math.nan, math.nan), False, ("–", "")),
    ],
)
def test_the_width_of_an_interval_decides_how_many_digits_are_shown(numbers, share, shown):
    assert mean_texts(*numbers, share) == shown
    assert mean_texts(*numbers, share, unit=False) == (shown[0].removesuffix(" %"), shown[1])


def test_a_difference_has_the_sign_and_the_digits_of_its_interval():
    assert mean_texts(0.0102, -0.003, 0.0234, True, unit=False, sign=True) == ("+1.0", "[−0.3, +2.3]")
    assert mean_texts(-3e-8, -7e-8, 1e-8, False, sign=True) == ("−3.0 × 10⁻⁸", "[−7.0, +1.0] × 10⁻⁸")
    assert mean_texts(0.01, math.nan, math.nan, True, unit=False, sign=True) == ("+1.00", "")


def test_numbers_of_tables_are_rounded_as_plain_ones():
    for value in (0.99685, 0.12345, 0.5):
        assert show(np.float64(value), True, decimals=2) == show(value, True, decimals=2)


def test_the_range_over_seeds_has_the_decimals_of_the_mean():
    assert range_text(0.85, 0.95, 0.87654, 0.93, True) == "88 to 93 %"
    assert range_text(0.89, 0.91, 0.87654, 0.93, True) == "87.7 to 93.0 %"
    assert range_text(1.1e-8, 1.4e-8, 1.234e-8, 1.3e-8, False) == "1.23 to 1.30 × 10⁻⁸"
    assert interval_decimals(0.0, math.nan, True) is None


# ---- Claims ----------------------------------------------------------------------------------------------------------


def claim(metric="accuracy", kind="value", number=0.9, second=math.nan, **changes):
    base = {"metric": metric, "kind": kind, "number": number, "second": second, "other": ""}
    base |= {"mean": 0.91234, "low": 0.9, "high": 0.92468, "smallest": 0.888, "largest": 0.93, "n": 5}
    return base | changes


@pytest.mark.parametrize(
    ("number", "claimed"),
    [
        (0.0293, "2.93 %"),
        (0.9009, "90.09 %"),
        (0.916, "91.6 %"),
        (0.93, "93 %"),
        (1.0, "100 %"),
        (0.0, "0 %"),
        (1.5e-05, "0.0015 %"),
        (0.8500000000000001, "85 %"),
        (0.1 + 0.2, "30 %"),
    ],
)
def test_a_claim_has_the_decimals_that_were_published_and_its_measurement_those_of_its_interval(number, claimed):
    made = claim(number=number)
    assert claim_text(made, {}) == claimed
    assert measured_text(made) == ("91.2 %", "[90.0, 92.5]", "88.8 to 93.0 %")


def test_every_published_share_of_two_decimals_is_shown_as_it_was_published():
    """100 * 0.0293 is 2.9299999999999997."""
    for hundredths in range(10_001):
        number = float(f"{hundredths / 10_000:.4f}")
        shown = f"{hundredths / 100:.2f}".rstrip("0").rstrip(".")
        assert claim_text(claim(number=number), {}) == f"{shown} %"


@pytest.mark.parametrize(
    ("made", "claimed"),
    [
        (claim(kind="at_most", number=0.5), "at most 50 %"),
        (claim(kind="at_least", number=0.755), "at least 75.5 %"),
        (claim(kind="as_low_as", number=0.065), "as low as 6.5 %"),
        (claim(kind="as_low_as", metric="log_loss", number=0.25), "as low as 0.25"),
        (claim(kind="between", number=0.9, second=0.93), "90 to 93 %"),
        (claim(kind="between", number=0.9, second=0.9325), "90.00 to 93.25 %"),
        (claim(kind="similar_to", number=math.nan, other="deep"), "similar to The deep net"),
        (claim("parameters", number=804_554.0), "804,554"),
        (claim("parameters", number=1135.0), "1,135"),
        (claim("parameters", number=12_345_678.0), "12,345,678"),
        (claim("sum_of_squared_errors", number=4.0), "4"),
        (claim("log_loss", number=0.3333333), "0.3333333"),
        (claim("log_loss", "at_most", number=0.25), "at most 0.25"),
        (claim("log_loss", "between", number=0.25, second=1.5), "0.25 to 1.50"),
        (claim("log_loss", number=1e-5), "1 × 10⁻⁵"),
        (claim("log_loss", "between", number=1e-8, second=2.5e-8), "1.0 to 2.5 × 10⁻⁸"),
        (claim("log_loss", number=1.2000000000000002e-8), "1.2 × 10⁻⁸"),
        (claim("log_loss", number=3e7), "3 × 10⁷"),
    ],
)
def test_each_kind_of_claim_is_put_into_words(made, claimed):
    assert claim_text(made, {"deep": "The deep net"}) == claimed


def test_measured_parameters_have_no_interval_and_every_digit():
    made = claim("parameters", number=1_238_730.0, mean=1_238_730.0, low=math.nan, high=math.nan)
    assert measured_text(made) == ("1,238,730", "", "")


def test_a_measurement_of_one_seed_has_no_interval():
    assert measured_text(claim(low=math.nan, high=math.nan))[1] == ""


def test_a_claim_without_a_measurement_has_no_range():
    nothing = dict.fromkeys(("mean", "low", "high", "smallest", "largest"), math.nan)
    assert measured_text(claim(n=0, **nothing)) == ("–", "", "")
