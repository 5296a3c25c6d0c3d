"""LaTeX takes the tables as they are, whatever names they hold, and they fit on a page."""

import math
import re
import shutil
import subprocess

import pandas as pd
import pytest
import yaml

from calotype.config.load import load
from calotype.config.paths import Layout
from calotype.config.study import CLAIM_KINDS
from calotype.evaluation.claims import claims_table
from calotype.evaluation.study_results import StudyResults
from calotype.metrics.registry import METRICS
from calotype.report.latex import claims_latex, escape, latex_tables, layers_latex, summary_latex
from calotype.tasks.registry import TASKS
from calotype.util.files import write_csv

HOSTILE = r"50 % & $x_1^2$ #1 {a} ~b \input{secret}"
PARAMETERS = {"wide": 1135, "deep": 804_554}
COLUMNS = ["study", "variant", "split", "metric", "mean", "low", "high", "n", "diverged"]
POOLED = ["study", "variant", "split", "metric", "value", "low", "high", "images", "seeds"]
METRIC_NAMES = ("exact", "off_by_more_than_one", "sum_of_squared_errors")


def summary(variants=("wide", "deep"), splits=("test", "test-large")):
    rows = []
    for variant in variants:
        for split in splits:
            rows += [
                ("dots", variant, split, "exact", 0.888, 0.841, 0.935, 5, 0),
                ("dots", variant, split, "off_by_more_than_one", 0.001, math.nan, math.nan, 5, 0),
                ("dots", variant, split, "sum_of_squared_errors", 12345.6, 12000.0, 13000.0, 5, 0),
            ]
        rows.append(("dots", variant, "train", "training_accuracy", 0.99, 0.98, 1.0, 5, 0))
    return pd.DataFrame(rows, columns=COLUMNS)


def pooled():
    """Of 2,000 images in `test` and 20,000 in `test-large`, with five seeds."""
    rows = [
        ("dots", variant, split, metric, 0.888, 0.88, 0.89, 5 * images, 5)
        for variant in ("wide", "deep")
        for split, images in (("test", 2000), ("test-large", 20_000))
        for metric in ("exact", "off_by_more_than_one")
    ]
    return pd.DataFrame(rows, columns=POOLED)


def latex(label="Wide", metrics=METRIC_NAMES):
    labels = {"wide": label, "deep": "Deep"}
    caption = escape(HOSTILE) + r": mean over $n$ seeds."
    return summary_latex(summary(), pooled(), PARAMETERS, metrics, labels, caption, "dots")


def test_names_of_metrics_are_those_of_the_field_and_set_as_formulas_where_they_are():
    found = summary()
    names = {"exact": "r2", "off_by_more_than_one": "roc_auc", "sum_of_squared_errors": "macro_f1"}
    made = summary_latex(found.replace({"metric": names}), pooled(), PARAMETERS, [*names.values()],
                         {"wide": "m²", "deep": "Deep"}, "Caption.", "dots")  # fmt: skip
    heads = next(line for line in made.splitlines() if "Variant &" in line)
    for expected in ("{R$^2$}", r"{ROC AUC (\%)}", r"{Macro F1 (\%)}"):
        assert expected in heads


def claims():
    base = {"variant": "wide", "split": "test", "says": HOSTILE, "note": ""}
    base |= dict.fromkeys(CLAIM_KINDS)
    made = [
        base | {"metric": "accuracy", "value": 0.9009},
        base | {"metric": "accuracy", "between": [0.9, 0.93]},
        base | {"metric": "accuracy", "similar_to": "deep"},
        base | {"metric": "log_loss", "at_most": 12345.0},
        base | {"metric": "accuracy", "as_low_as": 0.9},
        base | {"metric": "parameters", "split": None, "variant": "deep", "value": 804_554.0},
    ]
    rows = [
        ("dots", variant, seed, "test", metric, value + seed / 100)
        for variant in PARAMETERS
        for metric, value in (("accuracy", 0.9), ("log_loss", 12_000.0))
        for seed in range(5)
    ]
    runs = pd.DataFrame(rows, columns=["study", "variant", "seed", "split", "metric", "value"])
    return claims_table("dots", made, runs, pooled(), PARAMETERS, same_images=True)


def layers():
    rows = [
        ("wide", "dense", "Dense", "(None, 15)", 975),
        ("wide", "dense_1", "Dense", "(None, 10)", 160),
        ("deep", "conv2d", "Conv2D", "(None, 28, 28, 32)", 320),
        ("deep", "my_layer", "My_Layer%", "(None, 10)", 804_234),
    ]
    return pd.DataFrame(rows, columns=["variant", "layer", "kind", "output_shape", "parameters"])


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
        ["Wide", r"1\,135", "test"],
        ["", "", "test-large"],
        ["Deep", r"804\,554", "test"],
        ["", "", "test-large"],
    ]
    assert [row[3] for row in rows] == ["2000", "20000", "2000", "20000"]
    assert rows[0][4:] == ["88.80", "[84.10, 93.50]", "0.10", "", r"12\,346", r"[12\,000, 13\,000]", "5"]
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
    assert body(text)[0][4:7] == ["0.10", "", "88.80"]


def test_shares_of_a_paper_have_two_decimals_and_their_unit_in_the_head():
    text = latex()
    assert r"{Exact count (\%)}" in text
    assert "{Sum of squared errors}" in text


# ---- The claims ------------------------------------------------------------------------------------------------------


def test_every_claim_stands_beside_its_measurement_and_its_verdict():
    rows = body(claims_latex(claims(), summary(), {"wide": "Wide", "deep": "Deep"}, "Claims", "c"))
    assert [row[:3] for row in rows] == [
        ["Wide", "Accuracy", r"90.09 \%"],
        ["Wide", "Accuracy", r"90 to 93 \%"],
        ["Wide", "Accuracy", "as that of Deep"],
        ["Wide", "Log loss", r"at most 12\,345"],
        ["Wide", "Accuracy", r"as low as 90 \%"],
        ["Deep", "Parameters", r"804\,554"],
    ]
    assert rows[0][3] == r"92.00 \%"
    assert rows[0][4].startswith("[90.04, 93.96]")
    assert rows[5][3:] == [r"804\,554", "", "1", "agrees"]
    assert [row[-1] for row in rows] == claims().verdict.tolist()
    assert {len(row) for row in rows} == {7}


def test_names_of_variants_cannot_break_the_table_of_the_claims():
    text = claims_latex(claims(), summary(), {"wide": HOSTILE, "deep": "Deep & co_"}, escape(HOSTILE), "c")
    assert "as that of Deep \\& co\\_" in text
    assert HOSTILE not in text


# ---- Seeds that diverged ---------------------------------------------------------------------------------------------

LABELS = {"wide": "Wide & co", "deep": "Deep"}
DAGGER = r"\rlap{$^\dagger$}"


def lost_summary():
    """Of `wide`, two of five seeds diverged, of `deep` all."""
    table = summary()
    wide = table.variant == "wide"
    table.loc[wide, ["n", "diverged"]] = [3, 2]
    table.loc[~wide, ["mean", "low", "high", "n", "diverged"]] = [math.nan, math.nan, math.nan, 0, 5]
    return table


def lost_latex():
    pools = pooled()
    pools.loc[pools.variant == "deep", ["images", "seeds"]] = 0
    return summary_latex(lost_summary(), pools, PARAMETERS, METRIC_NAMES, LABELS, "Caption.", "dots")


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


def test_layers_of_each_model_stand_below_each_other_with_their_sum():
    assert body(layers_latex(layers(), {"wide": "Wide_", "deep": "Deep"}, "Models", "m")) == [
        [r"Wide\_", "Dense", "(None, 15)", "975"],
        ["", "Dense", "(None, 10)", "160"],
        ["", "all layers", "", r"1\,135"],
        ["Deep", "Conv2D", "(None, 28, 28, 32)", "320"],
        ["", r"My\_Layer\%", "(None, 10)", r"804\,234"],
        ["", "all layers", "", r"804\,554"],
    ]


def test_a_study_has_a_table_of_each_kind_with_its_title_as_latex(tmp_path):
    for name, table in {"summary": summary(), "pooled": pooled(), "claims": claims(), "layers": layers()}.items():
        write_csv(table, tmp_path / f"{name}.csv")
    results = StudyResults("dots", str(tmp_path), "count", ["test"], "exact", LABELS)
    found = latex_tables(results, "Dots & co", METRIC_NAMES)
    assert {name: caption(text).strip() for name, text in found.items()} == {
        "summary": r"\caption{Dots \& co: mean over $n$ seeds and its 95\,\% interval.}",
        "claims": r"\caption{Dots \& co: published, and measured over $n$ seeds (mean and 95\,\% interval).}",
        "layers": r"\caption{Dots \& co: the models.}",
    }
    for end, text in zip(("", "-claims", "-layers"), found.values(), strict=True):
        assert rf"\label{{tab:dots{end}}}" in text
    assert [len(body(text)) for text in found.values()] == [4, len(claims()), 6]


# ---- pdflatex --------------------------------------------------------------------------------------------------------

needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed; Debian: texlive-latex-recommended"
)
OVERFULL = re.compile(r"Overfull \\hbox \(([\d.]+)pt too wide\)[^\n]*")


def typeset(folder, **tables):
    """Set a paper with these tables; gives what is too wide, in points."""
    document = [r"\documentclass{article}", r"\usepackage[margin=2cm]{geometry}", r"\usepackage{booktabs}"]
    document += [r"\begin{document}", "Some text."]
    for name, text in tables.items():
        (folder / f"{name}.tex").write_text(text, encoding="utf-8")
        document.append(rf"\input{{{name}}}")
    (folder / "paper.tex").write_text("\n".join([*document, r"\end{document}", ""]), encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", "paper.tex"],
        cwd=folder,
        capture_output=True,
    )
    printed = done.stdout.decode(errors="replace")
    assert done.returncode == 0, printed
    assert (folder / "paper.pdf").read_bytes().startswith(b"%PDF")
    return [float(width) for width in OVERFULL.findall(printed)]


@needs_latex
def test_latex_takes_the_most_hostile_names(tmp_path):
    labels = {"wide": HOSTILE, "deep": r"<b>|\end{tabular}^^M\\[1em] – é × µ"}
    kinds = layers().assign(kind=HOSTILE, output_shape=HOSTILE)
    typeset(
        tmp_path,
        summary=summary_latex(summary(), pooled(), PARAMETERS, METRIC_NAMES, labels, escape(HOSTILE), "s-s_1"),
        claims=claims_latex(claims(), summary(), labels, escape(HOSTILE), "c"),
        layers=layers_latex(kinds, labels, escape(HOSTILE), "l"),
    )


@needs_latex
def test_latex_takes_tables_with_seeds_that_diverged(tmp_path):
    typeset(tmp_path, summary=lost_latex(), claims=claims_latex(claims(), lost_summary(), LABELS, "Caption.", "c"))


@needs_latex
def test_latex_takes_the_tables_of_a_study_without_claims(tmp_path):
    typeset(
        tmp_path,
        claims=claims_latex(claims().iloc[:0], summary(), {"wide": "Wide", "deep": "Deep"}, "None", "c"),
        summary=latex(),
    )


@needs_latex
def test_a_table_that_is_too_wide_would_be_noticed(tmp_path):
    """Else the next test could not fail."""
    assert max(typeset(tmp_path, summary=latex(label="A label that is much too long for a page " * 4))) > 20


def shipped(root):
    settings = yaml.safe_load((root / "config/config.yaml").read_text(encoding="utf-8"))
    config = load(settings, root=root)
    return config, Layout(config).described(config.studies)


def measured(config, study):
    """Tables of a study as a run would give them, with numbers as wide as they get."""
    entry = config.studies[study]
    rows, together = [], []
    shown = [metric.name for metric in TASKS[entry.task].offered(len(config.classes(study)))]
    for variant in entry.variants:
        for split in entry.tests:
            for i, metric in enumerate(shown):
                value = 0.9876 if METRICS[metric].share else 12.34
                rows += [("s", variant, seed, split, metric, value + (seed + i) / 1000) for seed in range(5)]
                together.append(("s", variant, split, metric, value, value, value, 50_000, 5))
        rows += [("s", variant, seed, "train", "training_accuracy", 0.9876 + seed / 1000) for seed in range(5)]
    runs = pd.DataFrame(rows, columns=["study", "variant", "seed", "split", "metric", "value"])
    means = runs.groupby(["study", "variant", "split", "metric"], sort=False).value.mean().rename("mean").reset_index()
    means = means.assign(low=means["mean"] - 0.0123, high=means["mean"] + 0.0123, n=5, diverged=0)
    parameters = dict.fromkeys(entry.variants, 1_854_170)
    pools = pd.DataFrame(together, columns=POOLED)
    found = claims_table(
        study, [claim.model_dump() for claim in entry.claims], runs, pools, parameters, same_images=True
    )
    return means, pools, parameters, found


@needs_latex
@pytest.mark.parametrize("study", ["dots", "dots-long", "digits", "mnist-dnn", "mnist-ablation", "fashion"])
def test_tables_of_the_shipped_studies_fit_on_a_page(root, tmp_path, study):
    config, described = shipped(root)
    labels = config.studies[study].labels()
    means, pools, parameters, found = measured(config, study)
    net = pd.concat([layers()[layers().variant == "deep"].assign(variant=variant) for variant in labels])
    title = escape(config.studies[study].title)
    overfull = typeset(
        tmp_path,
        summary=summary_latex(means, pools, parameters, described[study]["metrics"], labels, title, study),
        claims=claims_latex(found, means, labels, title, f"{study}-claims"),
        layers=layers_latex(net, labels, title, f"{study}-layers"),
    )
    assert max(overfull, default=0) < 20
