"""The tables of a study as LaTeX hold its numbers, and no name can break them."""

import re

import pytest
from unit.latex_tables import (
    HOSTILE,
    LABELS,
    METRIC_NAMES,
    PARAMETERS,
    claims,
    latex,
    layers,
    lost_latex,
    lost_summary,
    pooled,
    summary,
)

from calotype.evaluation.study_results import StudyResults
from calotype.report.latex import claims_latex, escape, latex_tables, layers_latex, summary_latex
from calotype.util.files import write_csv


def test_names_of_metrics_are_those_of_the_field_and_set_as_formulas_where_they_are():
    found = summary()
    names = {"exact": "r2", "off_by_more_than_one": "roc_auc", "sum_of_squared_errors": "macro_f1"}
    made = summary_latex(found.replace({"metric": names}), pooled(), PARAMETERS, [*names.values()],
                         {"wide": "m²", "deep": "Deep"}, "Caption.", "dots")  # fmt: skip
    heads = next(line for line in made.splitlines() if "Variant &" in line)
    for expected in ("{R$^2$}", r"{ROC AUC (\%)}", r"{Macro F1 (\%)}"):
        assert expected in heads


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)&", line.strip().removesuffix(r"\\"))]


def body(text):
    lines = text.splitlines()
    return [cells(line) for line in lines[lines.index(r"    \midrule") + 1 : lines.index(r"    \bottomrule")]]


def test_every_character_that_latex_takes_for_a_command_is_escaped():
    assert escape(r"a_b") == r"a\_b"
    assert escape(r"50 % & 3 # {x} $y$") == r"50 \% \& 3 \# \{x\} \$y\$"
    assert escape(r"~^\ ") == r"\textasciitilde{}\textasciicircum{}\textbackslash{} "
    assert escape("Zählen – ok") == "Zählen – ok"


@pytest.mark.parametrize("character", "<>|")
def test_characters_that_latex_prints_as_others_are_escaped(character):
    """In LaTeX's default font encoding `<` prints as an upside-down exclamation mark."""
    assert escape(character) != character


# ---- The summary -----------------------------------------------------------------------------------------------------


def test_latex_table_has_a_line_for_each_variant_and_split():
    rows = body(latex())
    assert [row[:3] for row in rows] == [
        ["Wide", r"1,135", "test"],
        ["", "", "test-large"],
        ["Deep", r"804,554", "test"],
        ["", "", "test-large"],
    ]
    assert [row[3] for row in rows] == ["2,000", "20,000", "2,000", "20,000"]
    assert rows[0][4:] == ["88.8", "[84.1, 93.5]", "0.10", "", r"12,300", r"[12,000, 13,000]", "5"]
    assert r"\label{tab:dots}" in latex()


@pytest.mark.parametrize("metrics", [METRIC_NAMES, METRIC_NAMES[:1], METRIC_NAMES[::-1]])
def test_latex_table_has_a_column_for_every_cell(metrics):
    text = latex(metrics=metrics)
    columns = re.sub(r"@\{.*?\}", "", re.search(r"\{tabular\}\{(.*)\}$", text, re.M)[1])
    head = next(line for line in text.splitlines() if "Variant" in line)
    assert len(columns) == len(cells(head)) + head.count(r"\multicolumn{2}") == 5 + 2 * len(metrics)
    assert {len(row) for row in body(text)} == {len(columns)}


def test_labels_cannot_break_the_latex_table():
    text = latex(label=HOSTILE)
    assert escape(HOSTILE) in text
    assert HOSTILE not in text
    plain = re.sub(r"\\[\\{}]", "", text)
    assert plain.count("{") == plain.count("}")


def test_latex_table_leaves_out_metrics_that_were_not_asked_for():
    text = latex(metrics=("off_by_more_than_one", "exact"))
    assert "squared" not in text
    assert "Training" not in text
    assert text.index("Off by more") < text.index("Exact count"), "in the order that was asked for"
    assert body(text)[0][4:7] == ["0.10", "", "88.8"]


def test_shares_of_a_paper_have_their_unit_in_the_head():
    text = latex()
    assert r"{Exact count (\%)}" in text
    assert "{Sum of squared errors}" in text


def test_numbers_are_set_with_a_minus_sign_and_powers_of_ten():
    found = summary()
    found[["mean", "low", "high"]] = [1.234e-5, -1.1e-5, 1.4e-5]
    plain = summary_latex(found, pooled(), PARAMETERS, METRIC_NAMES[2:], LABELS, "Caption.", "dots")
    assert body(plain)[0][4:6] == [r"1.2$\,\times\,10^{-5}$", r"[$-$1.1$\,\times\,10^{-5}$, 1.4$\,\times\,10^{-5}$]"]


# ---- The claims ------------------------------------------------------------------------------------------------------


def test_every_claim_is_beside_its_measurement_and_its_verdict():
    rows = body(claims_latex(claims(), summary(), {"wide": "Wide", "deep": "Deep"}, "Claims", "c"))
    assert [row[:3] for row in rows] == [
        ["Wide", "Accuracy", r"90.09 \%"],
        ["Wide", "Accuracy", r"90 to 93 \%"],
        ["Wide", "Accuracy", "similar to Deep"],
        ["Wide", "Log loss", r"at most 12,345"],
        ["Wide", "Accuracy", r"as low as 90 \%"],
        ["Deep", "Parameters", r"804,554"],
    ]
    assert rows[0][3] == r"92.0 \%"
    assert rows[0][4].startswith("[90.0, 94.0]")
    assert rows[5][3:] == [r"804,554", "", "1", "agrees"]
    assert [row[-1] for row in rows] == claims().verdict.tolist()
    assert {len(row) for row in rows} == {7}


def test_names_of_variants_cannot_break_the_table_of_the_claims():
    text = claims_latex(claims(), summary(), {"wide": HOSTILE, "deep": "Deep & co_"}, escape(HOSTILE), "c")
    assert "similar to Deep \\& co\\_" in text
    assert HOSTILE not in text


# ---- Seeds that diverged ---------------------------------------------------------------------------------------------

DAGGER = r"\rlap{$^\dagger$}"


def caption(text):
    return next(line for line in text.splitlines() if r"\caption" in line)


def test_seeds_that_diverged_are_marked_at_their_number_and_counted_in_the_caption():
    text = lost_latex()
    assert [row[-1] for row in body(text)] == [f"3{DAGGER}"] * 2 + [f"0{DAGGER}"] * 2
    assert body(text)[2][2:8] == ["test", "--", "--", "", "--", ""]
    assert caption(text).endswith(
        r"Caption. $^\dagger$Seeds that diverged are left out (Wide \& co: 2 of 5 seeds diverged; "
        r"Deep: 5 of 5 seeds diverged).}"
    )
    assert "dagger" not in latex()


def test_claims_are_marked_where_seeds_of_their_variant_diverged_but_not_where_nothing_was_trained_for_them():
    text = claims_latex(claims(), lost_summary(), LABELS, "Caption.", "c")
    assert [row[5] for row in body(text)] == [f"5{DAGGER}"] * 5 + ["1"]
    assert caption(text).endswith(r"left out (Wide \& co: 2 of 5 seeds diverged).}"), "of deep only the size is claimed"
    assert "dagger" not in claims_latex(claims(), summary(), LABELS, "Caption.", "c")


# ---- The layers ------------------------------------------------------------------------------------------------------


def test_layers_of_each_model_are_listed_with_their_sum():
    assert body(layers_latex(layers(), {"wide": "Wide_", "deep": "Deep"}, "Models", "m")) == [
        [r"Wide\_", "Dense", "(None, 15)", "975"],
        ["", "Dense", "(None, 10)", "160"],
        ["", "all layers", "", r"1,135"],
        ["Deep", "Conv2D", "(None, 28, 28, 32)", "320"],
        ["", r"My\_Layer\%", "(None, 10)", r"804,234"],
        ["", "all layers", "", r"804,554"],
    ]


def test_a_study_has_a_table_of_each_kind_with_its_title_as_latex(tmp_path):
    for name, table in {"summary": summary(), "pooled": pooled(), "claims": claims(), "layers": layers()}.items():
        write_csv(table, tmp_path / f"{name}.csv")
    results = StudyResults("dots", str(tmp_path), "count", ["test"], "exact", LABELS)
    found = latex_tables(results, "Dots & co", METRIC_NAMES)
    holds = r"95\,\% interval, which holds the chance of seeds and test images; with $n=1$ of test images alone"
    assert {name: caption(text).strip() for name, text in found.items()} == {
        "summary": rf"\caption{{Dots \& co: mean over $n$ seeds and its {holds}.}}",
        "claims": rf"\caption{{Dots \& co: published, and measured over $n$ seeds (mean and {holds}).}}",
        "layers": r"\caption{Dots \& co: the models.}",
    }
    for end, text in zip(("", "-claims", "-layers"), found.values(), strict=True):
        assert rf"\label{{tab:dots{end}}}" in text
    assert [len(body(text)) for text in found.values()] == [4, len(claims()), 6]
