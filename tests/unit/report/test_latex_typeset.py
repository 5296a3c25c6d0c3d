"""LaTeX takes the tables as they are, whatever names they hold, and they fit into one column or the width of a page."""

import math
import re
import shutil
import subprocess
from functools import partial

import pandas as pd
import pytest
import yaml
from unit.latex_tables import (
    COLUMNS,
    DIFFERENCES,
    HOSTILE,
    POOLED,
    claims,
    latex,
    layers,
    lost_pooled,
    lost_summary,
    summary,
)

from calotype.config.load import load
from calotype.config.paths import Layout
from calotype.evaluation.claims import claims_table
from calotype.metrics.registry import METRICS
from calotype.tasks.registry import TASKS


def _is_there():
    """Ask LaTeX for the package and the classes of the papers."""
    files = ["siunitx.sty", "IEEEtran.cls", "llncs.cls"]
    return bool(shutil.which("pdflatex")) and subprocess.run(["kpsewhich", *files], capture_output=True).returncode == 0


needs_latex = pytest.mark.skipif(
    not _is_there(),
    reason="LaTeX is not installed; Debian: texlive-latex-recommended texlive-science texlive-publishers",
)
OVERFULL = re.compile(r"Overfull \\[hv]box \(([\d.]+)pt too (?:wide|high)\)[^\n]*")
TOO_LARGE = "Float too large for page"
CLASSES = {
    "article": r"\documentclass{article}",
    "two columns": r"\documentclass[twocolumn]{article}",
    "IEEE": r"\documentclass[conference]{IEEEtran}",
    "Springer": r"\documentclass{llncs}",
}


def typeset(folder, document, studies):
    """Typeset a paper with the tables of studies; return the overfull widths in points."""
    lines = [document, r"\usepackage{array,booktabs,siunitx}", r"\begin{document}", "Some text."]
    for study, tables in studies.items():
        for name, text in tables.items():
            (folder / f"{study}-{name}.tex").write_text(text, encoding="utf-8")
            if not name.endswith("-tabular"):
                lines.append(rf"\input{{{study}-{name}}}")
            elif text.count(r"\\") < 40:  # users put others where they want
                lines.append(rf"\begin{{table*}}\small\centering\input{{{study}-{name}}}\end{{table*}}")
        lines.append(r"\clearpage")
    (folder / "paper.tex").write_text("\n".join([*lines, r"\end{document}", ""]), encoding="utf-8")
    command = ["pdflatex", "-draftmode", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", "paper"]
    done = subprocess.run(command, cwd=folder, capture_output=True)
    printed = done.stdout.decode(errors="replace")
    assert done.returncode == 0, printed
    assert TOO_LARGE not in printed
    return [float(width) for width in OVERFULL.findall(printed)]


def shipped(root):
    settings = yaml.safe_load((root / "config/config.yaml").read_text(encoding="utf-8"))
    config = load(settings, root=root)
    return config, Layout(config).described(config.studies)


def measured(config, described, study, folder):
    """Tables of a shipped study as a run would give them, with numbers as wide as they get."""
    entry = config.studies[study]
    rows, together = [], []
    shown = [metric.name for metric in TASKS[entry.task].offered(len(config.classes(study)))]
    for variant in entry.variants:
        for split in entry.tests:
            for i, metric in enumerate(shown):
                value = 0.9876 if METRICS[metric].share else 12.34
                rows += [("s", variant, seed, split, metric, value + (seed + i) / 1000) for seed in range(5)]
                together.append(("s", variant, split, metric, value, 50_000, 5))
        rows += [("s", variant, seed, "train", "training_accuracy", 0.9876 + seed / 1000) for seed in range(5)]
    runs = pd.DataFrame(rows, columns=["study", "variant", "seed", "split", "metric", "value"])
    means = runs.groupby(["study", "variant", "split", "metric"], sort=False).value.mean().rename("mean").reset_index()
    means = means.assign(low=means["mean"] - 0.0123, high=means["mean"] + 0.0123, n=5, diverged=0)
    pools = pd.DataFrame(together, columns=POOLED)
    sizes = dict.fromkeys(entry.variants, 1_854_170)
    found = claims_table(study, [c.model_dump() for c in entry.claims], runs, means, pools, sizes, same_images=True)
    nets = pd.concat([layers()[layers().variant == "deep"].assign(variant=variant) for variant in entry.variants])
    made = {"summary": means, "pooled": pools, "claims": found, "layers": nets}
    shown = described[study]["metrics"]
    return latex(folder, labels=entry.labels(), metrics=shown, title=entry.title, tests=entry.tests, **made)


def invented(folder, numbers, *, metrics, label, title="Leaves: how many?", variants=9, splits=("test",), n=5, unit=""):
    """Tables of variants with the same numbers (mean, low, high), and models of many layers."""
    names = [f"v{i}" for i in range(variants)]
    labels = {name: label.format(i) for i, name in enumerate(names)}
    rows = [("s", name, split, metric, *numbers, n, 0) for name in names for split in splits for metric in metrics]
    pools = [("s", name, split, metrics[0], 0.9, 240 * n, n) for name in names for split in splits]
    lines = [(name, f"dense_{i}", "TransformerEncoderBlock", "(None, 128, 128, 512)", 1_180_160)
             for name in names for i in range(8)]  # fmt: skip
    return latex(
        folder, labels=labels, metrics=metrics, title=title, tests=splits, unit=unit,
        summary=pd.DataFrame(rows, columns=COLUMNS), pooled=pd.DataFrame(pools, columns=POOLED),
        layers=pd.DataFrame(lines, columns=layers().columns), claims=claims().iloc[:0],
    )  # fmt: skip


NUMBERS = TASKS["regress"].names
MANY = [metric.name for metric in TASKS["classify"].offered(25)]
NAMED = "dense model with {} units, learning rate 0.001, trained for a hundred epochs"
INVENTED = {
    "nine long labels": partial(invented, numbers=(0.9069, 0.9020, 0.9118), metrics=MANY[:2], label=NAMED),
    "words without spaces": partial(
        invented, numbers=(0.5, 0.4, 0.6), metrics=MANY[:3], label="dense-128x64-lr0_001-e4-" + "x" * 60 + "{}",
        splits=("test", "test-of-another-microscope"),
    ),
    "every metric": partial(invented, numbers=(0.9997, 0.9993, 1.0), metrics=MANY, label="Convolutions {}"),
    "all right": partial(invented, numbers=(1.0, 0.98425, 1.0), metrics=MANY[:3], label="α ≤ {}, in m²"),
    "one seed": partial(invented, numbers=(0.915, 0.9, 0.93), metrics=MANY[:3], label="Net {}", n=1, variants=2),
    "tiny numbers": partial(invented, numbers=(1.234e-8, 1.1e-8, 1.4e-8), metrics=NUMBERS, label="Net {}", unit="m"),
    "huge numbers": partial(
        invented, numbers=(38_782_450.0, 31_452_860.0, 46_112_040.0), metrics=NUMBERS, label="Net {}", unit="ng"
    ),
    "numbers of seven digits": partial(
        invented, numbers=(-1_234_567.8, -1_234_569.1, -1_234_566.2), metrics=NUMBERS, label="Net {}"
    ),
    "a hundred variants": partial(
        invented, numbers=(0.9, 0.88, 0.92), metrics=MANY[:1], label="units [{}], rate 0.001", variants=100
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def all_tables(root, tmp_path_factory):
    """Tables of the shipped studies and of others that are hard to set."""
    folder = tmp_path_factory.mktemp("tables")
    config, described = shipped(root)
    studies = {study: measured(config, described, study, folder) for study in config.studies}
    return studies | {name.replace(" ", "-"): make(folder) for name, make in INVENTED.items()}


@needs_latex
@pytest.mark.parametrize("document", CLASSES.values(), ids=CLASSES)
def test_tables_fit_into_papers_of_one_and_two_columns(all_tables, tmp_path, document):
    assert typeset(tmp_path, document, all_tables) == []


@needs_latex
def test_latex_takes_the_most_hostile_names_and_seeds_that_diverged(tmp_path):
    labels = {"wide": HOSTILE, "deep": r"<b>|\end{tabular}^^M\\[1em] – é × µ"}
    kinds = layers().assign(kind=HOSTILE, output_shape=HOSTILE)
    lost = latex(tmp_path, labels=labels, title=HOSTILE, summary=lost_summary(), pooled=lost_pooled(), layers=kinds)
    nothing = summary().assign(mean=math.nan, low=math.nan, high=math.nan)
    empty = latex(tmp_path, summary=nothing, differences=pd.DataFrame(columns=DIFFERENCES))
    assert typeset(tmp_path, CLASSES["article"], {"lost": lost, "empty": empty}) == []


@needs_latex
def test_a_table_that_is_too_wide_would_be_noticed(tmp_path):
    """Else the tests above could not fail."""
    wide = {
        "summary-tabular": r"\begin{tabular}{l}" + "A label that is much too long for a page " * 4 + r"\end{tabular}"
    }
    assert max(typeset(tmp_path, CLASSES["article"], {"wide": wide})) > 20
