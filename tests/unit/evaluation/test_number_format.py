"""Tables hold the numbers in full, and show them in few digits."""

import math
import re

import pandas as pd
import pytest

from calotype.evaluation.number_format import bounds, claim_text, measured_text, published_decimals, show
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
    assert re.fullmatch(r"-?\d+\.\d{1,2} %", show(value, share=True))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3.14159, "3.142"),
        (0.00012345, "0.0001234"),
        (0.0, "0"),
        (-2.5, "-2.5"),
        (1234.5678, "1235"),
        (9999.4, "9999"),
        (9999.5, "10,000"),
        (12345.6, "12,346"),
        (-12345.6, "-12,346"),
        (1234567.0, "1,234,567"),
        (math.nan, "–"),
    ],
)
def test_plain_numbers_get_four_digits(value, shown):
    assert show(value, share=False) == shown


@pytest.mark.parametrize(
    ("like", "shown"),
    [(0.5, "12.3 %"), (0.9995, "12.346 %"), (0.0, "12.3 %"), (1.0, "12.3 %"), (math.nan, "12.3 %"), (None, "12.3 %")],
)
def test_an_end_of_an_interval_has_the_decimals_of_its_mean_or_its_own_where_there_is_none(like, shown):
    assert show(0.123456, share=True, like=like) == shown
    assert show(0.00123456, share=True, like=math.nan) == show(0.00123456, share=True) == "0.12 %"


@pytest.mark.parametrize(
    ("decimals", "shown"), [(None, "99.51 %"), (0, "99.51 %"), (1, "99.51 %"), (2, "99.51 %"), (3, "99.510 %")]
)
def test_a_share_keeps_the_digits_that_it_needs_where_fewer_are_asked_for(decimals, shown):
    assert show(0.9951, share=True, decimals=decimals) == shown


@pytest.mark.parametrize("value", [9999.4, 9999.5, 9999.96, -9999.7])
def test_plain_numbers_just_below_ten_thousand_are_not_shown_as_powers(value):
    assert "e" not in show(value, share=False)


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
    ("numbers", "share", "decimals", "shown"),
    [
        ((0.888, 0.841, 0.935), True, None, "[84.1, 93.5]"),
        ((0.99955, 0.9990, 1.0), True, None, "[99.900, 100.000]"),
        ((0.888, 0.841, 0.935), True, 2, "[84.10, 93.50]"),
        ((0.99955, 0.9990, 1.0), True, 2, "[99.900, 100.000]"),
        ((0.888, math.nan, math.nan), True, None, ""),
        ((12.3456, 11.0, 13.98765), False, None, "[11, 13.99]"),
        ((math.nan, math.nan, math.nan), False, None, ""),
    ],
)
def test_ends_of_an_interval_have_as_many_decimals_as_its_mean(numbers, share, decimals, shown):
    assert bounds(*numbers, share, decimals) == shown


def test_an_interval_that_is_none_is_not_shown_as_one():
    assert bounds(0.5, math.nan, math.nan, True) == ""


# ---- Claims ----------------------------------------------------------------------------------------------------------


def claim(metric="accuracy", kind="value", number=0.9, second=math.nan, **changes):
    base = {"metric": metric, "kind": kind, "number": number, "second": second, "other": ""}
    base |= {"mean": 0.91234, "low": 0.9, "high": 0.92468, "smallest": 0.888, "largest": 0.93, "n": 5}
    return base | changes


@pytest.mark.parametrize(
    ("number", "second", "decimals", "claimed", "measured"),
    [
        (0.0293, math.nan, 2, "2.93 %", ("91.23 %", "[90.00, 92.47]", "88.80 to 93.00 %")),
        (0.9009, math.nan, 2, "90.09 %", ("91.23 %", "[90.00, 92.47]", "88.80 to 93.00 %")),
        (0.0280, math.nan, 1, "2.8 %", ("91.2 %", "[90.0, 92.5]", "88.8 to 93.0 %")),
        (0.916, math.nan, 1, "91.6 %", ("91.2 %", "[90.0, 92.5]", "88.8 to 93.0 %")),
        (0.93, math.nan, 0, "93 %", ("91.2 %", "[90.0, 92.5]", "88.8 to 93.0 %")),
        (0.9, math.nan, 0, "90 %", ("91.2 %", "[90.0, 92.5]", "88.8 to 93.0 %")),
        (1.0, math.nan, 0, "100 %", ("91.2 %", "[90.0, 92.5]", "88.8 to 93.0 %")),
        (0.0, math.nan, 0, "0 %", ("91.2 %", "[90.0, 92.5]", "88.8 to 93.0 %")),
        (1.5e-05, math.nan, 4, "0.0015 %", ("91.2340 %", "[90.0000, 92.4680]", "88.8000 to 93.0000 %")),
    ],
)
def test_a_claim_and_its_measurement_have_the_decimals_that_were_published(number, second, decimals, claimed, measured):
    made = claim(number=number, second=second)
    assert published_decimals(made) == decimals
    assert claim_text(made, {}) == claimed
    assert measured_text(made) == measured


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
        (claim("sum_of_squared_errors", number=4.0), "4"),
        (claim("log_loss", number=0.3333333), "0.3333333"),
        (claim("log_loss", "at_most", number=0.25), "at most 0.25"),
        (claim("log_loss", "between", number=0.25, second=1.5), "0.25 to 1.5"),
    ],
)
def test_each_kind_of_claim_is_put_into_words(made, claimed):
    assert claim_text(made, {"deep": "The deep net"}) == claimed


def test_a_measurement_beside_a_range_or_a_likeness_has_decimals_too():
    assert measured_text(claim(kind="between", number=0.9, second=0.9325))[0] == "91.23 %"
    assert measured_text(claim(kind="similar_to", number=math.nan))[0] == "91.2 %"


def test_a_measurement_close_to_all_keeps_the_digits_that_tell_it_from_all():
    made = claim(number=0.99, mean=0.99955, low=0.9990, high=1.0)
    assert measured_text(made)[:2] == ("99.955 %", "[99.900, 100.000]")


def test_measured_parameters_have_no_interval_and_every_digit():
    made = claim("parameters", number=1_238_730.0, mean=1_238_730.0, low=math.nan, high=math.nan)
    assert measured_text(made) == ("1,238,730", "", "")


def test_a_measurement_of_one_seed_has_no_interval():
    assert measured_text(claim(low=math.nan, high=math.nan))[1] == ""


def test_a_claim_without_a_measurement_has_no_range():
    nothing = dict.fromkeys(("mean", "low", "high", "smallest", "largest"), math.nan)
    assert measured_text(claim(n=0, **nothing)) == ("–", "", "")
