"""Figures can go into a paper as they are: fonts, width and text fit, whatever they show."""

import re
import zlib

import cv2
import numpy as np
import pytest
from unit.all_figures import (
    FIGURES,
    LONG,
    agreement,
    binary,
    calibration_curves,
    confident_errors,
    confusion_matrix,
    counts,
    errors_of_counts,
    example,
    feature_maps,
    measured_numbers,
    predicted_against_true,
)
from unit.drawings import (
    accuracy_by_class,
    accuracy_by_label,
    assert_readable,
    errors,
    saved,
    seeds,
    sheet,
    training_curves,
)

from calotype.figures import agreement as agreement_figure
from calotype.figures import base
from calotype.figures import seeds as figures_seeds

pytestmark = pytest.mark.usefixtures("style", "closed")
SINGLE = (
    "training_curves",
    "predicted_against_true",
    "accuracy_by_label",
    "accuracy_by_class",
    "calibration_curves",
    "roc_curves",
    "precision_recall_curves",
    "agreement",
)


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """Return the files of each figure, by figure and suffix."""
    return {name: saved(make(), tmp_path_factory.mktemp(name)) for name, make in FIGURES.items()}


def inflated(pdf):
    """Return a PDF with decompressed streams."""
    parts = [pdf]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"\n".join(parts)


@pytest.mark.parametrize("name", FIGURES)
def test_fonts_of_the_pdf_are_embedded_as_journals_ask_for(printed, name):
    pdf = inflated(printed[name][".pdf"])
    assert b"/Type3" not in pdf
    assert b"/TrueType" in pdf or b"/CIDFontType2" in pdf
    assert b"/FontFile2" in pdf


@pytest.mark.parametrize("name", FIGURES)
def test_files_are_one_or_two_columns_wide(printed, name):
    inches = 3.5 if name in SINGLE else 7.1
    left, _, right, _ = map(float, re.search(rb"/MediaBox \[([^\]]+)\]", printed[name][".pdf"])[1].split())
    assert (right - left) / 72 == pytest.approx(inches, abs=0.01)
    points = re.search(rb'<svg [^>]*width="([\d.]+)pt"', printed[name][".svg"])[1]
    assert float(points) / 72 == pytest.approx(inches, abs=0.01)
    width = cv2.imdecode(np.frombuffer(printed[name][".png"], np.uint8), cv2.IMREAD_COLOR).shape[1]
    assert width / 300 == pytest.approx(inches, abs=0.01)


@pytest.mark.parametrize("figure", [training_curves, predicted_against_true, calibration_curves, agreement])
@pytest.mark.parametrize(("names", "inches"), [("a", 3.5), ("ab", 7.1), ("abc", 7.1), ("abcde", 7.1)])
def test_figures_of_several_panels_take_the_whole_page(figure, names, inches):
    assert figure(names).get_figwidth() == inches


@pytest.mark.parametrize("name", FIGURES)
def test_text_of_the_svg_needs_no_font_of_the_reader(printed, name):
    assert b"<text" not in printed[name][".svg"]
    assert b"font-family" not in printed[name][".svg"]


@pytest.mark.parametrize(
    "make",
    [
        *FIGURES.values(),
        lambda: sheet(50),
        lambda: training_curves([f"{LONG}, variant {i}" for i in range(9)]),
        lambda: training_curves([LONG]),
        lambda: training_curves(["wide", "deep"]),
        lambda: accuracy_by_label([f"{LONG}, variant {i}" for i in range(8)]),
        lambda: accuracy_by_class([f"variant {i}" for i in range(8)]),
        lambda: accuracy_by_class(classes=[f"Incomprehensibility {i}" for i in range(10)]),
        lambda: seeds([f"{LONG}, variant {i}" for i in range(8)]),
        lambda: seeds(["wide"], {}),
        lambda: seeds([LONG], {LONG: [("between", (0.02, 0.04))]}),
        lambda: seeds(["a", "b"], {"a": [("value", (0.02,)), ("between", (0.02, 0.04)), ("between", (0.03, 0.04)),
                                         ("at_most", (0.03,)), ("at_least", (0.01,)), ("as_low_as", (0.02,))]}),
        lambda: figures_seeds.draw_seeds({"a": errors(), "b": errors()}, metric="error", share=True, differences=None,
                              claims={"a": [("value", (0.02,))], "b": [("between", (0.02, 0.03))]}),
        lambda: confusion_matrix(list("0123456789")),
        lambda: confusion_matrix([f"some class {i}" for i in range(20)]),
        lambda: confusion_matrix([f"some class {i}" for i in range(40)]),
        lambda: confusion_matrix([f"class {i}" for i in range(100)]),
        lambda: confusion_matrix(["cat", "a very long name of a class that nobody wants to read"]),
        lambda: confusion_matrix(counts(0, 5), counts(-1, 14, "other")),
        lambda: confusion_matrix(counts(0, 5), counts(0, 6, "other")),
        lambda: confusion_matrix(counts(0, 9), counts(0, 29, "other")),
        lambda: confusion_matrix(counts(1, 300)),
        lambda: errors_of_counts(40),
        lambda: confident_errors(40, list("0123456789")),
        lambda: confident_errors(40, [f"Incomprehensibility {i}" for i in range(10)]),
        lambda: confident_errors(0),
        lambda: example(["wide"]),
        lambda: example([LONG, "wide"]),
        lambda: feature_maps(3),
        lambda: calibration_curves([f"{LONG}, variant {i}" for i in range(6)], {f"{LONG}, variant 1": 2}),
        lambda: calibration_curves([LONG], seeds=1, images=20_000),
        lambda: calibration_curves(["wide", "deep"], images=2),
        lambda: binary([f"{LONG}, variant {i}" for i in range(8)], diverged={f"{LONG}, variant 1": 2}),
        lambda: binary(["wide"], "pr", seeds=1, positive="a very long name of a class that nobody wants to read"),
        lambda: agreement([f"{LONG}, variant {i}" for i in range(5)], {f"{LONG}, variant 1": 2}),
        lambda: agreement([LONG], seeds=1),
        lambda: agreement_figure.draw_agreement({"a": (1e5 * measured_numbers()[0], 1e5 * measured_numbers()[1]),
                                           "b": (1e-5 * measured_numbers()[0], 1e-5 * measured_numbers()[1])}),
    ],
)  # fmt: skip
def test_no_word_is_cut_off_or_covered(make):
    assert_readable(make())


def test_a_dollar_in_a_name_is_no_formula():
    names = ["$5 & 6 $_", "a_$", "$x^$"]
    for make in (training_curves, accuracy_by_label, seeds, example):
        make(names).draw_without_rendering()
    accuracy_by_class(classes=[f"${i}^_$" for i in range(10)]).draw_without_rendering()
    confusion_matrix(names).draw_without_rendering()
    confident_errors(4, [f"${i}^_$" for i in range(10)]).draw_without_rendering()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("wide", "wide"),
        ("T-shirt/top", "T-shirt/\ntop"),
        ("Ankle boot", "Ankle\nboot"),
        ("Incomprehensible", "Incom…"),
        ("one two three four five six", "one two\nthree f…"),
        ("", ""),
    ],
)
def test_long_names_are_broken_where_they_can_be(text, lines):
    assert base.wrap(text, 0.45, 7, lines=2) == lines
