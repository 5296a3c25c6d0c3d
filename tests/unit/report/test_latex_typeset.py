"""LaTeX takes the tables as they are, whatever names they hold, and they fit on a page."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml
from unit.latex_tables import (
    HOSTILE,
    LABELS,
    METRIC_NAMES,
    PARAMETERS,
    POOLED,
    claims,
    latex,
    layers,
    lost_latex,
    lost_summary,
    pooled,
    summary,
)

from calotype.config.load import load
from calotype.config.paths import Layout
from calotype.evaluation.claims import claims_table
from calotype.metrics.registry import METRICS
from calotype.report.latex import claims_latex, escape, layers_latex, summary_latex
from calotype.tasks.registry import TASKS

needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed; Debian: texlive-latex-recommended"
)
STUDIES = sorted(file.stem for file in (Path(__file__).parents[3] / "config/studies").glob("*.yaml"))
OVERFULL = re.compile(r"Overfull \\hbox \(([\d.]+)pt too wide\)[^\n]*")


def typeset(folder, **tables):
    """Typeset a paper with these tables; return the overfull widths in points."""
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
                together.append(("s", variant, split, metric, value, 50_000, 5))
        rows += [("s", variant, seed, "train", "training_accuracy", 0.9876 + seed / 1000) for seed in range(5)]
    runs = pd.DataFrame(rows, columns=["study", "variant", "seed", "split", "metric", "value"])
    means = runs.groupby(["study", "variant", "split", "metric"], sort=False).value.mean().rename("mean").reset_index()
    means = means.assign(low=means["mean"] - 0.0123, high=means["mean"] + 0.0123, n=5, diverged=0)
    parameters = dict.fromkeys(entry.variants, 1_854_170)
    pools = pd.DataFrame(together, columns=POOLED)
    claims = [claim.model_dump() for claim in entry.claims]
    found = claims_table(study, claims, runs, means, pools, parameters, same_images=True)
    return means, pools, parameters, found


@needs_latex
@pytest.mark.parametrize("study", STUDIES)
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
