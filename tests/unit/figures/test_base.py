"""Figures can be printed in a paper, whatever they show and however much of it, and are the same bytes every time."""

import hashlib
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pytest
from unit.drawings import (
    ALL,
    CLASSES,
    SUFFIXES,
    accuracy_by_class,
    accuracy_by_label,
    assert_readable,
    counted,
    diverging,
    errors,
    history,
    labels,
    legend_texts,
    predictions,
    saved,
    seeds,
    sheet,
    training_curves,
    variants,
    words,
)

from calotype.figures import accuracy, base, binary_curves, calibration, classify
from calotype.figures import agreement as figures_regress
from calotype.figures import count as figures_count
from calotype.figures import errors as figures_errors
from calotype.figures import seeds as figures_seeds
from calotype.figures import training_curves as figures_training
from calotype.tasks.classify import percent_text
from calotype.tasks.count import count_text
from calotype.util.errors import CalotypeError

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.usefixtures("style", "closed")


def predicted_against_true(names=("wide",)):
    return figures_count.draw_predicted_against_true(variants(lambda i: (labels(), predictions(key=i)), names))


def mistakes(images=10, names=CLASSES, channels=1):
    pictures = np.random.default_rng(1).random((images, 28, 28, channels), np.float32)
    true = [names[i % 10] for i in range(images)]
    predicted = [names[(i + 1) % 10] for i in range(images)]
    sure = [percent_text(probability) for probability in np.linspace(1, 0.5, images)]
    return figures_errors.draw_errors(pictures, true, predicted, sure)


def errors_of_counts(images=10):
    pictures = np.random.default_rng(1).random((images, 40, 40, 1), np.float32)
    predicted = [count_text(count) for count in np.linspace(14, 0.6, images)]
    return figures_errors.draw_errors(pictures, [str(i % 6) for i in range(images)], predicted)


def confusion_matrix(names=CLASSES, predicted=None):
    predicted = predicted or names
    counts = np.eye(len(names), len(predicted), dtype=np.int64) * 900
    counts += np.eye(len(names), len(predicted), k=1, dtype=np.int64) * 5
    return figures_errors.draw_confusion_matrix(counts, names, predicted)


def counts(first, last, *others):
    return [*map(str, range(first, last + 1)), *others]


def example(names=("wide", "deep", "scikit-learn")):
    found = np.random.default_rng(1).dirichlet(np.ones(10), 5).astype(np.float32)
    return classify.draw_example(np.eye(28, dtype=np.float32)[..., None], "Coat", dict.fromkeys(names, found), CLASSES)


def feature_maps(filters=16):
    found = np.random.default_rng(1).random((28, 28, filters), np.float32)
    return classify.draw_feature_maps(found[..., :1], found, found[::2, ::2])


def probable(variant=0, seeds=3, images=200, classes=10, key=None):
    """Return true classes and probabilities that favour them."""
    rng = np.random.default_rng(variant if key is None else key)
    true = np.arange(images) % classes
    chances = np.exp(2 * rng.normal(0, 1, (seeds, images, classes)))
    chances[:, np.arange(images), true] *= 5
    return true, (chances / chances.sum(axis=-1, keepdims=True)).astype(np.float32)


def calibration_curves(names=("wide",), diverged=None, **shape):
    return calibration.draw_calibration_curves(variants(lambda i: probable(i, **shape), names), diverged)


def binary(names=("wide", "deep"), curves="roc", diverged=None, positive="malignant", **shape):
    make = {"roc": binary_curves.draw_roc_curves, "pr": binary_curves.draw_precision_recall_curves}[curves]
    runs = variants(lambda i: probable(i, classes=2, **shape), names)
    return make(runs, positive=positive, areas=variants(lambda i: 0.98 - 0.1 * i, names), diverged=diverged)


def measured_numbers(variant=0, seeds=3, images=200):
    rng = np.random.default_rng(variant)
    true = rng.gamma(3, 2, images)
    return true, (true + rng.normal(0.1, 0.4, (seeds, images))).astype(np.float32)


def agreement(names=("wide",), diverged=None, **shape):
    return figures_regress.draw_agreement(variants(lambda i: measured_numbers(i, **shape), names), diverged)


FIGURES = {
    "contact_sheet": lambda: sheet(5, columns=4),
    "training_curves": training_curves,
    "predicted_against_true": predicted_against_true,
    "accuracy_by_label": accuracy_by_label,
    "accuracy_by_class": accuracy_by_class,
    "seeds": seeds,
    "confusion_matrix": confusion_matrix,
    "most_confident_errors": mistakes,
    "largest_errors": errors_of_counts,
    "example": example,
    "feature_maps": feature_maps,
    "calibration_curves": calibration_curves,
    "roc_curves": binary,
    "precision_recall_curves": lambda: binary(curves="pr"),
    "agreement": agreement,
    "agreement_of_many": lambda: agreement(["wide", "deep"], images=1000),
}
SINGLE = (
    "training_curves",
    "predicted_against_true",
    "accuracy_by_label",
    "calibration_curves",
    "roc_curves",
    "precision_recall_curves",
    "agreement",
)


# ---- The same bytes --------------------------------------------------------------------------------------------------

ELSEWHERE = """
import hashlib, importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("test_figures", sys.argv[1])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
tests.base.use_style(tests.ROOT / "workflow/report/calotype.mplstyle")
for name, make in reversed(tests.FIGURES.items()):
    for suffix, content in tests.saved(make(), pathlib.Path(sys.argv[2], name)).items():
        print(name, suffix, hashlib.sha256(content).hexdigest())
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """Return the files of each figure, by figure and suffix."""
    return {name: saved(make(), tmp_path_factory.mktemp(name)) for name, make in FIGURES.items()}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Return the SHA-256 of the files of each figure, plotted by another process in another order."""
    made = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, __file__, str(tmp_path_factory.mktemp("elsewhere"))],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("workflow", "tests")),
            "PYTHONHASHSEED": "7",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return {(name, suffix): digest for name, suffix, digest in map(str.split, made.stdout.splitlines())}


def test_a_figure_is_the_same_bytes_when_printed_again(printed, tmp_path):
    assert saved(accuracy_by_label(), tmp_path) == printed["accuracy_by_label"]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_the_same_bytes_whichever_process_prints_it(printed, elsewhere, name, suffix):
    assert hashlib.sha256(printed[name][suffix]).hexdigest() == elsewhere[name, suffix]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_does_not_say_when_it_was_made(printed, name):
    assert b"CreationDate" not in printed[name][".pdf"]
    assert b"<dc:date>" not in printed[name][".svg"]


def test_a_figure_of_fixed_places_is_the_same_in_every_format(tmp_path):
    """Between two files matplotlib would put the style's layout in place of none."""
    figure = training_curves()
    place = figure.axes[0].get_position().bounds
    saved(figure, tmp_path)
    assert figure.axes[0].get_position().bounds == place


# ---- Ready for print -------------------------------------------------------------------------------------------------


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


def test_a_full_disk_leaves_no_half_figure(tmp_path, files_no_longer_than):
    with pytest.raises(CalotypeError, match=r"figure\.pdf: cannot be written"), files_no_longer_than(2000):
        base.save(accuracy_by_label(), [tmp_path / "figure.pdf"])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_figures_holds_each_in_every_format_and_nothing_older(printed, tmp_path):
    folder = tmp_path / "figures" / "seeds"
    for names in (("source", "left-out"), ("source", "added")):
        with base.new_figures(folder) as save:
            for name in names:
                save(FIGURES["seeds"](), name)
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert files == {f"{name}{suffix}": printed["seeds"][suffix] for name in names for suffix in printed["seeds"]}


def test_a_full_disk_leaves_the_older_folder_of_figures_whole(tmp_path, files_no_longer_than):
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "old.svg").touch()
    with (
        pytest.raises(CalotypeError, match=f"{folder}: cannot be written: File too large"),
        files_no_longer_than(2000),
        base.new_figures(folder) as save,
    ):
        save(accuracy_by_label(), "new")
    assert list(tmp_path.rglob("*")) == [folder, folder / "old.svg"]


def test_figures_do_not_pile_up_in_memory(tmp_path):
    base.save(accuracy_by_label(), [tmp_path / "figure.png"])
    assert plt.get_fignums() == []


# ---- Nothing is cut off ----------------------------------------------------------------------------------------------

LONG = "Three layers of 784, dropout 0.2 after the third, SGD with learning rate 0.01"


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
        lambda: seeds([LONG], {LONG: [(0.02, 0.04)]}),
        lambda: seeds(["a", "b"], {"a": [(0.02,), (0.02, 0.04), (0.03, 0.04), (0.01, 0.04)]}),
        lambda: figures_seeds.draw_seeds({"a": errors(), "b": errors()}, metric="error", share=True, differences=None,
                              claims={"a": [(0.02,)], "b": [(0.02, 0.03)]}),
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
        lambda: mistakes(40, list("0123456789")),
        lambda: mistakes(40, [f"Incomprehensibility {i}" for i in range(10)]),
        lambda: mistakes(0),
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
        lambda: figures_regress.draw_agreement({"a": (1e5 * measured_numbers()[0], 1e5 * measured_numbers()[1]),
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
    mistakes(4, [f"${i}^_$" for i in range(10)]).draw_without_rendering()


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


# ---- Any number of anything ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figure", "count"),
    [(predicted_against_true, 2), (predicted_against_true, 4)]
    + [(make, count) for make in (training_curves, accuracy_by_label, seeds) for count in (1, 2, 3, 8, 9)],
)
def test_any_number_of_variants_is_shown(figure, count):
    names = [f"variant {i}" for i in range(count)]
    text = [text.get_text().replace("\n", " ") for text, _ in words(figure(names))]
    for name in names:
        assert any(entry.startswith(name) for entry in text)


def test_one_seed_and_one_epoch_are_shown():
    figures_training.draw_training_curves({"wide": history(seeds=1, epochs=1)}).draw_without_rendering()
    figures_count.draw_predicted_against_true({"wide": (labels(), predictions(seeds=1))}).draw_without_rendering()
    counted({"wide": (labels(), np.rint(predictions(seeds=1)))}).draw_without_rendering()


def test_a_single_seed_is_not_called_seeds():
    figure = counted({"wide": (labels(), np.rint(predictions(seeds=1)))})
    assert "1 seeds" not in " ".join(legend_texts(figure))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("left", [0, 1, 2])
def test_figures_over_all_seeds_say_how_many_diverged(left):
    """Of three seeds, so many are left."""
    lost = {"wide": 3 - left, "deep": 0}
    said = f"{3 - left} of 3 seeds diverged"
    found, whole = predictions(left), predictions(3)
    figure = figures_count.draw_predicted_against_true({"wide": (labels(), found), "deep": (labels(), whole)}, lost)
    assert [[text.get_text() for text in axis.texts] for axis in figure.axes] == [[said], []]
    assert_readable(figure)
    runs = {"wide": (labels(), np.rint(found).astype(float)), "deep": (labels(), np.rint(whole).astype(float))}
    figure = accuracy.draw_accuracy_by_label(runs, xlabel="true count", ylabel="exact", diverged=lost)
    assert legend_texts(figure) == [f"wide ({said})", "deep (3 seeds)"]
    assert_readable(figure)
    shares = np.random.default_rng(1).dirichlet(np.ones(10), 3).astype(np.float32)
    probabilities = {"wide": shares[:left], "deep": shares}
    figure = classify.draw_example(np.eye(28, dtype=np.float32)[..., None], "Coat", probabilities, CLASSES, lost)
    assert [[text.get_text() for text in axis.texts] for axis in figure.axes[1:]] == [[said], []]
    assert_readable(figure)


@pytest.mark.filterwarnings("error")
def test_a_study_of_which_all_seeds_diverged_has_figures_that_say_so():
    nothing, lost = np.zeros((0, 60), np.float32), {"wide": 5, "deep": 2}
    names = ("wide", "deep")
    empty = {"wide": [], "deep": []}
    assert_readable(
        figures_seeds.draw_seeds(empty, metric="error", share=True, claims={}, differences=None, diverged=lost)
    )
    assert_readable(figures_count.draw_predicted_against_true(dict.fromkeys(names, (labels(), nothing)), lost))
    runs = dict.fromkeys(names, (labels(), nothing.astype(float)))
    figure = accuracy.draw_accuracy_by_label(runs, xlabel="true count", ylabel="exact", diverged=lost)
    assert figure.axes[0].get_ylim() == (0, 1)
    assert_readable(figure)
    found = dict.fromkeys(names, np.zeros((0, 10), np.float32))
    assert_readable(classify.draw_example(np.eye(28, dtype=np.float32)[..., None], "Coat", found, CLASSES, lost))
    curves = {name: diverging({0: 1, 1: 2, 2: 3}, metrics=ALL) for name in names}
    assert_readable(figures_training.draw_training_curves(curves))


def test_a_figure_of_a_seed_that_diverged_says_so_instead():
    figure = base.first_seed_diverged(3)
    assert [text.get_text() for text in figure.axes[0].texts] == [
        "Seed 0 diverged in epoch 3: there is nothing to show."
    ]
    assert_readable(figure)


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize(("lost", "seeds"), [(np.nan, [0]), (np.nan, [0, 1, 2]), (np.inf, [0, 1, 2]), (3e38, [0])])
def test_a_training_that_diverged_is_shown_and_stops_nothing(lost, seeds):
    found = predictions()
    found[seeds] = lost
    losses = history(metrics=ALL)
    losses.loc[losses.seed.isin(seeds), "value"] = lost
    counted({"wide": (labels(), np.rint(found.astype(float)))}).draw_without_rendering()
    sheet(6, columns=6, predicted=found[0, :6]).draw_without_rendering()
    figures_training.draw_training_curves({"wide": losses}).draw_without_rendering()
    figures_count.draw_predicted_against_true({"wide": (labels(), found)}).draw_without_rendering()


def test_variants_tested_on_different_numbers_of_images_stand_in_one_figure():
    few, many = (labels(12), predictions(images=12)), (labels(60), predictions(images=60))
    figures_count.draw_predicted_against_true({"wide": many, "deep": few}).draw_without_rendering()
    rounded = {"wide": (many[0], np.rint(many[1])), "deep": (few[0], np.rint(few[1]))}
    counted(rounded).draw_without_rendering()
