"""The tables of a study as LaTeX hold its numbers, and no name can break them."""

import math
import re

import pandas as pd
import pytest
from unit.latex_tables import (
    DIFFERENCES,
    HOSTILE,
    LABELS,
    METRIC_NAMES,
    claims,
    latex,
    lost_pooled,
    lost_summary,
    pooled,
    summary,
)

from calotype.report.latex_layout import Column, tabular
from calotype.report.latex_text import DAGGER, escape
from calotype.report.latex_text import latex as as_latex


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)&", line.strip().removesuffix(r"\\"))]


def body(text):
    """Cells of all rows; intervals beneath their numbers are rows of their own."""
    lines, found, within = text.splitlines(), [], False
    for line in lines:
        within = (within or line == r"  \midrule") and line != r"  \bottomrule"
        if within and "&" in line:
            found.append(cells(line))
    return found


def heads(text):
    """Return the head of the first tabular."""
    return text[text.index(r"\toprule") : text.index(r"\midrule")]


def caption(text):
    return next(line for line in text.splitlines() if r"\caption" in line)


def test_every_character_that_latex_takes_for_a_command_is_escaped():
    assert escape(r"a_b") == r"a\_b"
    assert escape(r"50 % & 3 # {x} $y$") == r"50 \% \& 3 \# \{x\} \$y\$"
    assert escape(r"~^\ ") == r"\textasciitilde{}\textasciicircum{}\textbackslash{} "
    assert escape("Zählen – ok") == "Zählen -- ok"


@pytest.mark.parametrize("character", "<>|µα≤×²−")
def test_characters_that_latex_prints_as_others_or_not_at_all_are_escaped(character):
    """In LaTeX's default font encoding `<` prints as an upside-down exclamation mark."""
    assert escape(character) != character


def test_numbers_are_set_with_a_minus_sign_and_powers_of_ten():
    assert as_latex("[−1.1, 1.4] × 10⁻⁵") == r"[$-$1.1, 1.4]\,$\times\,10^{-5}$"
    assert as_latex("error (× 10⁷ ng)") == r"error ($\times\,10^{7}$ ng)"


# ---- The summary -----------------------------------------------------------------------------------------------------

ONE_METRIC = METRIC_NAMES[:1]


def test_latex_table_has_a_line_for_each_variant_and_split(tmp_path):
    text = latex(tmp_path, metrics=ONE_METRIC)["summary"]
    assert body(text) == [
        [r"Wide \& co", "test", "2,000", "1,135", "88.8", "[84.1, 93.5]", "5"],
        ["", "test-large", "20,000", "", "88.8", "[84.1, 93.5]", "5"],
        ["Deep", "test", "2,000", "804,554", "88.8", "[84.1, 93.5]", "5"],
        ["", "test-large", "20,000", "", "88.8", "[84.1, 93.5]", "5"],
    ]
    assert r"\label{tab:dots}" in text
    assert r"{Exact count~(\%)}" in text


def test_metrics_that_do_not_fit_beside_the_others_are_below_with_every_variant(tmp_path):
    text = latex(tmp_path)["summary"]
    assert text.count(r"\begin{tabular}") == 2
    assert heads(text[text.rindex(r"\begin{tabular}") :]).count("Sum of squared errors") == 1
    assert body(text)[-1] == ["", "test-large", "20,000", "12300", "[12,000, 13,000]", "5"]


def test_a_split_that_all_variants_share_is_in_the_caption(tmp_path):
    one = summary(splits=("test",))
    pools = pooled()
    text = latex(tmp_path, metrics=ONE_METRIC, summary=one, pooled=pools[pools.split == "test"])["summary"]
    assert body(text)[0] == [r"Wide \& co", "1,135", "88.8", "[84.1, 93.5]", "5"]
    assert "All variants were tested on the 2,000 images of the split test." in caption(text)


@pytest.mark.parametrize("metrics", [METRIC_NAMES, ONE_METRIC, METRIC_NAMES[::-1]])
def test_latex_table_has_a_column_for_every_cell(tmp_path, metrics):
    text = latex(tmp_path, metrics=metrics)["summary"]
    for part in text.split(r"\begin{tabular}")[1:]:
        columns = re.sub(r"@\{.*?\}|\[.*?\]|!\{.*?\}\}|^\{|\}$", "", part.splitlines()[0].strip())
        assert {len(row) for row in body(part)} == {len(columns)}
        last = heads(rf"\toprule{part}").splitlines()[-2]
        assert len(cells(last)) + last.count(r"\multicolumn{2}") == len(columns)


def test_labels_cannot_break_the_latex_table(tmp_path):
    text = latex(tmp_path, labels=LABELS | {"wide": HOSTILE}, metrics=ONE_METRIC, title=HOSTILE)["summary"]
    assert escape(HOSTILE) in text
    assert HOSTILE not in text
    plain = re.sub(r"\\[\\{}]", "", text)
    assert plain.count("{") == plain.count("}")


def test_latex_table_leaves_out_metrics_that_were_not_asked_for(tmp_path):
    text = latex(tmp_path, metrics=("off_by_more_than_one", "exact"))["summary"]
    assert "squared" not in text
    assert "Training" not in text
    assert text.index("Off by more") < text.index("Exact"), "in the order that was asked for"


def test_names_of_metrics_are_those_of_the_field_and_set_as_formulas_where_they_are(tmp_path):
    names = {"exact": "r2", "off_by_more_than_one": "roc_auc", "sum_of_squared_errors": "macro_f1"}
    text = latex(tmp_path, summary=summary().replace({"metric": names}), metrics=[*names.values()])["summary"]
    for expected in ("{R$^2$}", r"{AUC~(\%)}", r"{Macro F1~(\%)}"):
        assert expected in heads(text) + heads(text[text.rindex(r"\begin{tabular}") :])


def test_numbers_far_from_one_have_their_power_of_ten_and_their_unit_in_the_head(tmp_path):
    found = summary().replace({"metric": {"exact": "mean_absolute_error"}})
    found[["mean", "low", "high"]] = [1.234e-8, 1.1e-8, 1.4e-8]
    text = latex(tmp_path, summary=found, metrics=["mean_absolute_error"], unit="m")["summary"]
    assert r"($\times\,10^{-8}$~m)" in heads(text)
    assert body(text)[0][4:6] == ["1.23", "[1.10, 1.40]"]
    found.loc[0, ["mean", "low", "high"]] = [0.5, 0.4, 0.6]
    mixed = latex(tmp_path, summary=found, metrics=["mean_absolute_error"], unit="m")["summary"]
    assert [row[4] for row in body(mixed)[:4]] == [
        *("0.50", "{[0.40, 0.60]}"),
        *("1.23e-8", r"{[1.10, 1.40]\,$\times\,10^{-8}$}"),
    ]
    assert "S[table-format=1.2e-1]" in mixed


def set_apart(deep, than_wide=()):
    found = summary()
    found.loc[found.variant == "deep", ["mean", "low", "high"]] = deep
    return {"summary": found, "differences": pd.DataFrame(than_wide, columns=DIFFERENCES)}


def bold(tmp_path, **tables):
    text = latex(tmp_path, metrics=ONE_METRIC, **tables)["summary"]
    assert (r"\bfseries" in text) == ("Bold marks the best variant" in caption(text))
    return [row[4].startswith(r"\bfseries") for row in body(text)]


def test_the_best_variant_is_bold_only_where_it_is_told_apart(tmp_path):
    assert bold(tmp_path, **set_apart([0.97, 0.95, 0.98])) == [False, False, True, True]
    assert bold(tmp_path, **set_apart([0.7, 0.65, 0.75])) == [True, True, False, False]
    assert bold(tmp_path, **set_apart([0.95, 0.92, 0.98])) == [False] * 4, "the intervals overlap"
    assert bold(tmp_path, **set_apart([0.97, math.nan, math.nan])) == [False] * 4, "one has no interval"
    single = set_apart([0.97, 0.95, 0.98])
    single["summary"].loc[single["summary"].variant == "deep", "n"] = 1
    assert bold(tmp_path, **single) == [False] * 4, "another seed may differ"
    paired = [("dots", "test", "exact", "deep", "wide", 0.06, 0.02, 0.1, 5)]
    assert bold(tmp_path, **set_apart([0.95, 0.92, 0.98], paired)) == [False, False, True, False]


# ---- The claims ------------------------------------------------------------------------------------------------------


def test_every_claim_is_beside_its_measurement_and_its_verdict(tmp_path):
    text = latex(tmp_path, labels={"wide": "Wide", "deep": "Deep"}, tests=("test",))["claims"]
    rows = [row for row in body(text) if row[2]]
    assert [row[:3] for row in rows] == [
        ["Wide", r"Accuracy (\%)", "90.09"],
        ["", r"Accuracy (\%)", "90 to 93"],
        ["", r"Accuracy (\%)", "similar to Deep"],
        ["", "Log loss", "at most 12,345"],
        ["", r"Accuracy (\%)", "as low as 90"],
        ["Deep", "Parameters", "804,554"],
    ]
    assert (rows[0][3], rows[5][3]) == ("92.0", "804554")
    assert "[90.0, 94.0]" in text
    assert [row[-1] for row in rows] == claims().verdict.tolist()
    assert {len(row) for row in body(text)} == {len(rows[0])}


def test_claims_say_on_which_of_several_splits_they_are(tmp_path):
    rows = [row for row in body(latex(tmp_path)["claims"]) if row[2]]
    assert r"Accuracy (\%) on test}" in rows[0][1], "in two lines, beside number and interval"
    assert rows[5][1] == "Parameters"


def test_names_of_variants_cannot_break_the_table_of_the_claims(tmp_path):
    text = latex(tmp_path, labels={"wide": HOSTILE, "deep": "Deep & co_"}, title=HOSTILE)["claims"]
    assert r"similar to Deep \& co\_" in text.replace(r"\allowbreak{}", "")
    assert HOSTILE not in text


# ---- Seeds that diverged ---------------------------------------------------------------------------------------------


def test_seeds_that_diverged_are_marked_at_their_number_and_counted_in_the_caption(tmp_path):
    text = latex(tmp_path, metrics=ONE_METRIC, summary=lost_summary(), pooled=lost_pooled())["summary"]
    assert [row[-1] for row in body(text)] == [f"3{DAGGER}"] * 2 + [f"0{DAGGER}"] * 2
    assert body(text)[2][1:6] == ["test", "--", "804,554", "{--}", ""]
    assert caption(text).endswith(
        r"$^\dagger$Seeds that diverged are left out (Wide \& co: 2 of 5 seeds diverged; Deep: 5 of 5 seeds diverged).}"
    )
    assert "dagger" not in latex(tmp_path)["summary"]


def test_claims_are_marked_where_seeds_of_their_variant_diverged_but_not_where_nothing_was_trained_for_them(tmp_path):
    text = latex(tmp_path, summary=lost_summary(), pooled=lost_pooled())["claims"]
    assert [row[-2] for row in body(text) if row[2]] == [f"5{DAGGER}"] * 5 + ["1"]
    assert caption(text).endswith(r"left out (Wide \& co: 2 of 5 seeds diverged).}"), "of deep only the size is claimed"
    assert "dagger" not in latex(tmp_path)["claims"]


# ---- The layers ------------------------------------------------------------------------------------------------------


def test_layers_of_each_model_are_listed_with_their_sum(tmp_path):
    assert body(latex(tmp_path, labels={"wide": "Wide_", "deep": "Deep"})["layers"]) == [
        [r"Wide\_", "Dense", "(None, 15)", "975"],
        ["", "Dense", "(None, 10)", "160"],
        ["", "all layers", "", r"1,135"],
        ["Deep", "Conv2D", "(None, 28, 28, 32)", "320"],
        ["", r"My\_Layer\%", "(None, 10)", r"804,234"],
        ["", "all layers", "", r"804,554"],
    ]


# ---- Files -----------------------------------------------------------------------------------------------------------


def test_a_study_has_a_table_of_each_kind_with_a_caption_of_sentences_and_without(tmp_path):
    found = latex(tmp_path, title="Dots & co")
    interval = r"The interval is a 95\,\% interval of this mean and holds the chance of seeds and of test images."
    study = r"the study \emph{Dots \& co}."
    assert {name: caption(text).strip() for name, text in found.items() if not name.endswith("-tabular")} == {
        "summary": rf"\caption{{This table gives the results of {study} Each number is the mean over $n$ seeds. "
        rf"{interval}}}",
        "claims": rf"\caption{{This table compares published numbers with the results of {study} Each measured number "
        rf"is the mean over $n$ seeds. {interval} A single published number agrees if it lies in the 95\,\% range of "
        r"one more run.}",
        "layers": rf"\caption{{This table lists the layers of the models of {study}}}",
    }
    for name, end in (("summary", ""), ("claims", "-claims"), ("layers", "-layers")):
        assert rf"\label{{tab:dots{end}}}" in found[name]
        bare = found[f"{name}-tabular"]
        assert body(bare) == body(found[name])
        assert not re.search(r"\\caption|\\label|\{table", bare)


def test_a_caption_of_one_seed_says_that_its_interval_is_of_images_alone(tmp_path):
    text = latex(tmp_path, summary=summary().assign(n=1))["summary"]
    assert r"seeds and of test images; with $n=1$, it holds that of test images alone." in caption(text)


def test_a_study_without_published_numbers_has_no_empty_table(tmp_path):
    found = latex(tmp_path, claims=claims().iloc[:0])
    assert "tabular" not in found["claims"] + found["claims-tabular"]


def test_further_lines_of_a_name_stand_beside_the_lines_beneath_and_not_above_them():
    """Otherwise an interval is nearer to the next number than to its own."""
    names = ["a long name of a variant", "short", "another long name of a variant"]
    interval = Column("Accuracy", "number", ["1.0", "2.0", "3.0"], beneath=["[0.9, 1.1]", "[1.9, 2.1]", ""])
    first, _, second, _, third = body(tabular([Column("Variant", "text", names, width=60), interval], range(3)))
    assert r"[\dimexpr\depth-1\baselineskip]" in first[0]
    assert second[0] == "short"
    assert r"\raisebox" not in third[0], "no line beneath"
    layers = Column("Layer", "text", ["Dense", "Dense", "all layers"])
    group = body(tabular([Column("Variant", "text", [names[0], "", ""], width=60), layers], range(3)))
    assert r"[\dimexpr\depth-2\baselineskip]" in group[0][0]
