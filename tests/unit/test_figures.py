"""Figures can be printed in a paper, show what was measured, and are the same bytes every time."""

import hashlib
import os
import re
import subprocess
import sys
import zlib
from itertools import pairwise
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from calotype import (
    figures,
    figures_binary,
    figures_calibration,
    figures_classify,
    figures_count,
    figures_mistakes,
    figures_regress,
)
from calotype.errors import CalotypeError

ROOT = Path(__file__).parents[2]
RED = "#d00000"
SUFFIXES = (".pdf", ".svg", ".png")


pytestmark = pytest.mark.usefixtures("style", "closed")


def labels(images=60):
    return np.arange(images) % 6


def predictions(seeds=3, images=60, spread=0.4, key=1):
    rng = np.random.default_rng(key)
    return (labels(images) + rng.normal(0, spread, (seeds, images))).astype(np.float32)


def history(seeds=3, epochs=4, metrics=("loss",)):
    return pd.DataFrame(
        [
            (seed, epoch, metric, 1 - 0.5 / (epoch + seed) if "accuracy" in metric else (1 + seed) / epoch)
            for metric in metrics
            for seed in range(seeds)
            for epoch in range(1, epochs + 1)
        ],
        columns=["seed", "epoch", "metric", "value"],
    )


ALL = ("loss", "accuracy", "val_loss", "val_accuracy")
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def sheet(images=12, columns=10, predicted=None):
    pictures = np.random.default_rng(1).random((images, 40, 40, 1), np.float32)
    predicted = labels(images).astype(float) if predicted is None else predicted
    return figures_count.contact_sheet(pictures, labels(images), np.asarray(predicted, float), columns)


def variants(make, names=("wide", "deep")):
    return {name: make(i) for i, name in enumerate(names)}


def training_curves(names=("wide",)):
    return figures.training_curves(variants(lambda i: history(epochs=(4, 50)[i % 2], metrics=ALL[: i % 4 + 1]), names))


def predicted_against_true(names=("wide",)):
    return figures_count.predicted_against_true(variants(lambda i: (labels(), predictions(key=i)), names))


def counted(runs):
    return figures.accuracy_by_label(runs, xlabel="true count", ylabel="counts that are exact")


def accuracy_by_label(names=("wide", "deep")):
    return counted(variants(lambda i: (labels(), np.rint(predictions(key=i)).astype(float)), names))


def accuracy_by_class(names=("wide", "deep"), classes=CLASSES):
    true = np.arange(200) % 10
    predicted = np.where(np.random.default_rng(1).random((3, 200)) < 0.2, 0, true).astype(float)
    runs = variants(lambda _: (true, predicted), names)
    return figures.accuracy_by_label(runs, xlabel="true class", ylabel="right", names=classes)


def errors(variant=0, seeds=5, mean=0.03):
    return (mean + np.random.default_rng(variant).normal(0, 0.002, seeds)).tolist()


def differences(*rows):
    return pd.DataFrame(rows, columns=["variant", "than", "mean", "low", "high", "n"])


def neighbours(names):
    return differences(*((b, a, 0.002, -0.001, 0.005, 5) for a, b in pairwise(names)))


def seeds(names=("wide", "deep"), claims=None):
    claims = {names[0]: [(0.0293,)]} if claims is None else claims
    return figures.seeds(
        variants(errors, names), metric="error", share=True, claims=claims, differences=neighbours(names)
    )


def mistakes(images=10, names=CLASSES, channels=1):
    pictures = np.random.default_rng(1).random((images, 28, 28, channels), np.float32)
    true = [names[i % 10] for i in range(images)]
    predicted = [names[(i + 1) % 10] for i in range(images)]
    sure = [figures_mistakes.percent(probability) for probability in np.linspace(1, 0.5, images)]
    return figures_mistakes.mistakes(pictures, true, predicted, sure)


def errors_of_counts(images=10):
    pictures = np.random.default_rng(1).random((images, 40, 40, 1), np.float32)
    predicted = [figures_mistakes.unrounded(count) for count in np.linspace(14, 0.6, images)]
    return figures_mistakes.mistakes(pictures, [str(i % 6) for i in range(images)], predicted)


def confusion_matrix(names=CLASSES, predicted=None):
    predicted = predicted or names
    counts = np.eye(len(names), len(predicted), dtype=np.int64) * 900
    counts += np.eye(len(names), len(predicted), k=1, dtype=np.int64) * 5
    return figures_mistakes.confusion_matrix(counts, names, predicted)


def counts(first, last, *others):
    return [*map(str, range(first, last + 1)), *others]


def example(names=("wide", "deep", "scikit-learn")):
    found = np.random.default_rng(1).dirichlet(np.ones(10), 5).astype(np.float32)
    return figures_classify.example(
        np.eye(28, dtype=np.float32)[..., None], "Coat", dict.fromkeys(names, found), CLASSES
    )


def feature_maps(filters=16):
    found = np.random.default_rng(1).random((28, 28, filters), np.float32)
    return figures_classify.feature_maps(found[..., :1], found, found[::2, ::2])


def probable(variant=0, seeds=3, images=200, classes=10, key=None):
    """True classes, and probabilities that favour them somewhat."""
    rng = np.random.default_rng(variant if key is None else key)
    true = np.arange(images) % classes
    chances = np.exp(2 * rng.normal(0, 1, (seeds, images, classes)))
    chances[:, np.arange(images), true] *= 5
    return true, (chances / chances.sum(axis=-1, keepdims=True)).astype(np.float32)


def calibration_curves(names=("wide",), diverged=None, **shape):
    return figures_calibration.calibration_curves(variants(lambda i: probable(i, **shape), names), diverged)


def binary(names=("wide", "deep"), curves="roc", diverged=None, positive="malignant", **shape):
    make = {"roc": figures_binary.roc_curves, "pr": figures_binary.precision_recall_curves}[curves]
    runs = variants(lambda i: probable(i, classes=2, **shape), names)
    return make(runs, positive=positive, areas=variants(lambda i: 0.98 - 0.1 * i, names), diverged=diverged)


def measured_numbers(variant=0, seeds=3, images=200):
    rng = np.random.default_rng(variant)
    true = rng.gamma(3, 2, images)
    return true, (true + rng.normal(0.1, 0.4, (seeds, images))).astype(np.float32)


def agreement(names=("wide",), diverged=None, **shape):
    return figures_regress.agreement(variants(lambda i: measured_numbers(i, **shape), names), diverged)


FIGURES = {
    "contact_sheet": lambda: sheet(5, columns=4),
    "training_curves": training_curves,
    "predicted_against_true": predicted_against_true,
    "accuracy_by_label": accuracy_by_label,
    "accuracy_by_class": accuracy_by_class,
    "seeds": seeds,
    "confusion_matrix": confusion_matrix,
    "confident_mistakes": mistakes,
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


def saved(figure, folder):
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"figure{suffix}" for suffix in SUFFIXES]
    figures.save(figure, files)
    return {file.suffix: file.read_bytes() for file in files}


# ---- The same bytes --------------------------------------------------------------------------------------------------


ELSEWHERE = """
import hashlib, importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("test_figures", sys.argv[1])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
tests.figures.use_style(tests.ROOT / "workflow/report/calotype.mplstyle")
for name, make in reversed(tests.FIGURES.items()):
    for suffix, content in tests.saved(make(), pathlib.Path(sys.argv[2], name)).items():
        print(name, suffix, hashlib.sha256(content).hexdigest())
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """The files of each figure, by figure and suffix."""
    return {name: saved(make(), tmp_path_factory.mktemp(name)) for name, make in FIGURES.items()}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """The SHA-256 of the files of each figure, made by another process, in another order."""
    made = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, __file__, str(tmp_path_factory.mktemp("elsewhere"))],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow"), "PYTHONHASHSEED": "7"},
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


# ---- Ready for print -------------------------------------------------------------------------------------------------


def inflated(pdf):
    """A PDF with its compressed streams opened."""
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


def test_of_counts_up_to_a_thousand_some_have_a_tick_instead_of_a_black_band():
    counts = np.arange(0, 1001, 20)
    runs = {"wide": (counts, counts[None].astype(np.float32))}
    shown = figures_count.predicted_against_true(runs), figures.accuracy_by_label(runs, xlabel="count", ylabel="exact")
    for figure in shown:
        assert 3 < len(figure.axes[0].get_xticks()) < 15
    few = figures_count.predicted_against_true({"wide": (counts[:6], counts[None, :6].astype(np.float32))})
    assert few.axes[0].get_xticks().tolist() == counts[:6].tolist()


@pytest.mark.parametrize("name", FIGURES)
def test_text_of_the_svg_needs_no_font_of_the_reader(printed, name):
    assert b"<text" not in printed[name][".svg"]
    assert b"font-family" not in printed[name][".svg"]


def test_a_full_disk_leaves_no_half_figure(tmp_path, files_no_longer_than):
    with pytest.raises(CalotypeError, match=r"figure\.pdf: cannot be written"), files_no_longer_than(2000):
        figures.save(accuracy_by_label(), [tmp_path / "figure.pdf"])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_figures_holds_each_in_every_format_and_nothing_older(printed, tmp_path):
    folder = tmp_path / "figures" / "seeds"
    for names in (("source", "left-out"), ("source", "added")):
        with figures.new_figures(folder) as save:
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
        figures.new_figures(folder) as save,
    ):
        save(accuracy_by_label(), "new")
    assert list(tmp_path.rglob("*")) == [folder, folder / "old.svg"]


def test_figures_do_not_pile_up_in_memory(tmp_path):
    figures.save(accuracy_by_label(), [tmp_path / "figure.png"])
    assert plt.get_fignums() == []


# ---- Nothing is cut off ----------------------------------------------------------------------------------------------


def words(figure):
    """All text that is printed, with the box it takes: ticks count where they lie on their axis."""
    figure.set_dpi(300)  # as it is printed; letters are a little wider on a coarser grid
    figure.draw_without_rendering()
    off = []
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not axes.axison or not low <= tick.get_loc() <= high:
                    off += [tick.label1, tick.label2]
            if not axes.axison:
                off += [axis.label, axis.offsetText]
    return [
        (text, text.get_window_extent())
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and not any(text is other for other in off)
    ]


def assert_readable(figure):
    found = words(figure)
    for text, box in found:
        word = text.get_text()
        assert box.x0 >= -1, f"{word!r} is cut off at the left"
        assert box.y0 >= -1, f"{word!r} is cut off at the bottom"
        assert box.x1 <= figure.bbox.x1 + 1, f"{word!r} is cut off at the right"
        assert box.y1 <= figure.bbox.y1 + 1, f"{word!r} is cut off at the top"
    level = [(text.get_text(), box) for text, box in found if text.get_rotation() % 90 == 0]  # boxes are, always
    for i, (word, box) in enumerate(level):
        for other, second in level[:i]:
            across = min(box.x1, second.x1) - max(box.x0, second.x0)
            down = min(box.y1, second.y1) - max(box.y0, second.y0)
            assert across < 1 or down < 6, f"{word!r} covers {other!r}"  # a line's box is higher than its letters


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
        lambda: figures.seeds({"a": errors(), "b": errors()}, metric="error", share=True, differences=None,
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
        lambda: figures_regress.agreement({"a": (1e5 * measured_numbers()[0], 1e5 * measured_numbers()[1]),
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
    assert figures.wrap(text, 0.45, 7, lines=2) == lines


# ---- Contact sheet and counts ----------------------------------------------------------------------------------------


def test_wrong_counts_stand_out_in_the_contact_sheet():
    (axes,) = sheet(8, predicted=[0, 1, 2, 4, 4, 5, np.nan, -3]).axes
    assert [text.get_text() for text in axes.texts] == [
        "0 (0)",
        "1 (1)",
        "2 (2)",
        "3 (4)",
        "4 (4)",
        "5 (5)",
        "0 (nan)",
        "1 (-3)",
    ]
    wrong = [False] * 3 + [True] + [False] * 2 + [True] * 2
    assert [to_hex(text.get_color()) == RED for text in axes.texts] == wrong
    assert [text.get_fontweight() == "bold" for text in axes.texts] == wrong
    assert [to_hex(frame.get_edgecolor()) == RED for frame in axes.patches] == wrong


def test_each_image_of_the_contact_sheet_is_shown_with_its_full_range():
    pictures = np.stack([np.zeros((8, 8, 1)), np.ones((8, 8, 1)), np.full((8, 8, 1), 0.5)]).astype(np.float32)
    figure = figures_count.contact_sheet(pictures, np.zeros(3, int), np.zeros(3))
    assert [set(np.unique(shown.get_array())) for shown in figure.axes[0].images] == [{0}, {255}, {128}]


def test_images_that_were_normalised_are_not_cut_off_at_black():
    pictures = np.stack([np.full((8, 8, 1), value) for value in (-2.0, 0.0, 2.0)]).astype(np.float32)
    figure = figures_count.contact_sheet(pictures, np.zeros(3, int), np.zeros(3))
    assert [set(np.unique(shown.get_array())) for shown in figure.axes[0].images] == [{0}, {128}, {255}]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 9], (0, 9)), ([3, 3], (0, 3)), ([0, 0], (0, 1)), ([-1, 2], (-1, 2)), ([-4, -4], (-4, -3))],
)
def test_black_is_zero_unless_there_is_less(values, expected):
    assert figures.black_and_white(np.array(values, float)) == expected


def test_pixels_of_an_image_stand_where_they_are():
    picture = np.random.default_rng(1).random((5, 8, 1)).astype(np.float32)
    (shown,) = figures_count.contact_sheet(picture[None], np.zeros(1, int), np.zeros(1)).axes[0].images
    times = shown.get_array().shape[0] // 5
    assert np.array_equal(shown.get_array()[::times, ::times, 0], np.rint(picture[..., 0] * 255))
    left, right, bottom, top = shown.get_extent()
    assert (right - left) / (bottom - top) == pytest.approx(8 / 5)
    assert shown.get_array().shape[1] / (right - left) >= 300, "too coarse for print"


@pytest.mark.parametrize("images", [1, 4, 5])
def test_a_contact_sheet_of_any_length_has_no_empty_frames(images):
    (axes,) = sheet(images, columns=4).axes
    assert len(axes.images) == len(axes.patches) == len(axes.texts) == images
    assert not axes.axison


def test_titles_of_the_contact_sheet_do_not_run_into_the_images_above():
    figure = sheet(20)
    figure.draw_without_rendering()
    boxes = [shown.get_window_extent() for shown in figure.axes[0].images]
    for text in figure.axes[0].texts:
        title = text.get_window_extent()
        assert title.y1 <= figure.bbox.y1
        assert not any(box.overlaps(title) for box in boxes)


def test_a_figure_of_fixed_places_is_the_same_in_every_format(tmp_path):
    """Between two files matplotlib would put the style's layout in place of none."""
    figure = training_curves()
    place = figure.axes[0].get_position().bounds
    saved(figure, tmp_path)
    assert figure.axes[0].get_position().bounds == place


# ---- Accuracy by label -----------------------------------------------------------------------------------------------


def test_accuracy_by_label_shows_mean_and_interval_over_seeds():
    right = np.tile(labels(60), (3, 1)).astype(float)
    right[0, labels(60) == 2] = 9  # one of three seeds is wrong about each 2
    figure = counted({"wide": (labels(60), right)})
    line = figure.axes[0].containers[0].lines[0]
    assert line.get_xdata().tolist() == [0, 1, 2, 3, 4, 5]
    assert line.get_ydata().tolist() == pytest.approx([1, 1, 2 / 3, 1, 1, 1])


def test_accuracy_of_a_single_seed_has_wilsons_interval():
    figure = counted({"wide": (np.zeros(100, int), np.repeat([[0.0, 1.0]], [90, 10], axis=1))})
    (bars,) = figure.axes[0].containers[0].lines[2]
    (low, high) = bars.get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((0.8256, 0.9448), abs=1e-4)


@pytest.mark.parametrize("names", [CLASSES, CLASSES[::-1], [f"Incomprehensibility {i}" for i in range(10)]])
def test_classes_stand_in_the_order_of_their_labels(names):
    axis = accuracy_by_class(classes=names).axes[0]
    assert axis.get_xticks().tolist() == list(range(10))
    assert [tick.get_text().replace("\n", " ").replace("/ ", "/") for tick in axis.get_xticklabels()] == names


def test_ten_classes_take_the_whole_page_and_six_counts_a_column():
    assert accuracy_by_class().get_figwidth() == 7.1
    assert accuracy_by_label().get_figwidth() == 3.5


@pytest.mark.parametrize("count", [2, 8])
def test_points_of_one_label_stay_beside_it(count):
    axis = accuracy_by_class([f"variant {i}" for i in range(count)]).axes[0]
    places = np.array([container.lines[0].get_xdata() for container in axis.containers])
    assert np.abs(places - np.arange(10)).max() < 0.45
    assert len(np.unique(places.round(6), axis=0)) == count


def test_no_two_variants_look_alike():
    containers = accuracy_by_label([f"variant {i}" for i in range(9)]).axes[0].containers
    looks = [(container.lines[0].get_marker(), to_hex(container.lines[0].get_color())) for container in containers]
    assert len(set(looks)) == 9


def test_many_variants_leave_room_for_the_curves():
    figure = accuracy_by_label([f"variant {i}" for i in range(8)])
    figure.draw_without_rendering()
    assert figure.axes[0].bbox.height > figure.bbox.height / 3


def test_every_true_count_has_its_tick_whichever_variant_comes_last():
    few = np.array([0, 1])
    runs = {"wide": (labels(), np.rint(predictions())), "deep": (few, few[None].astype(float))}
    assert set(range(6)) <= set(counted(runs).axes[0].get_xticks())


# ---- Training --------------------------------------------------------------------------------------------------------


def legend_texts(figure):
    return [entry.get_text() for entry in figure.legends[0].get_texts()]


def test_training_curves_show_the_mean_over_seeds_and_the_range_they_span():
    (axis,) = figures.training_curves({"wide": history()}).axes
    (mean,) = axis.lines
    assert mean.get_ydata().tolist() == pytest.approx([2, 1, 2 / 3, 0.5])
    (band,) = axis.collections
    corners = band.get_paths()[0].vertices
    assert {(1, 1), (1, 3), (4, 0.25), (4, 0.75)} <= {(float(x), float(y)) for x, y in corners}
    assert axis.get_yscale() == "log"


def test_curves_do_not_jump_where_one_seed_stops_early():
    losses = history(metrics=("loss", "val_loss"))
    losses = losses[(losses.seed > 0) | (losses.epoch < 3)]  # seed 0 stops after two epochs
    (axis,) = figures.training_curves({"wide": losses}).axes
    assert [line.get_xdata().tolist() for line in axis.lines] == [[1, 2]] * 2
    assert axis.lines[0].get_ydata().tolist() == pytest.approx([2, 1])
    assert max(x for x, _ in axis.collections[0].get_paths()[0].vertices) == 2


def test_a_seed_that_diverged_does_not_cut_the_curves_of_the_others():
    losses = history()
    losses = losses[(losses.seed > 0) | (losses.epoch < 3)]
    losses.loc[(losses.seed == 0) & (losses.epoch == 2), "value"] = np.nan
    (axis,) = figures.training_curves({"wide": losses}).axes
    assert axis.lines[0].get_xdata().tolist() == [1, 2, 3, 4]
    assert axis.lines[0].get_ydata().tolist() == pytest.approx([2.5, 1.25, 2.5 / 3, 0.625])


def test_validation_can_be_told_from_training_without_colour():
    loss, accuracy = figures.training_curves({"wide": history(metrics=ALL)}).axes
    assert [line.get_linestyle() for line in loss.lines] == ["-", "--"]
    assert [line.get_linestyle() for line in accuracy.lines] == ["-", "--"]
    assert accuracy.yaxis.get_major_formatter()(0.975) == "97.5 %"


@pytest.mark.parametrize(
    ("count", "metrics", "entries"),
    [
        (1, ("loss",), ["training"]),
        (3, ("loss",), ["training", "all seeds"]),
        (1, ALL, ["training", "validation"]),
        (3, ALL, ["training", "validation", "all seeds"]),
    ],
)
def test_the_legend_names_what_is_drawn_and_no_more(count, metrics, entries):
    figure = figures.training_curves({"wide": history(count, metrics=metrics)})
    assert legend_texts(figure) == entries
    assert bool(figure.axes[0].collections) == (count > 1)


def test_a_variant_without_accuracy_has_no_empty_panel():
    figure = figures.training_curves({"scikit-learn": history(), "wide": history(metrics=("loss", "accuracy"))})
    assert [axis.get_ylabel() for axis in figure.axes] == ["loss", "", "accuracy"]
    assert figure.axes[2].get_position().x0 == figure.axes[1].get_position().x0
    assert figure.axes[2].yaxis.get_tick_params()["labelleft"]


def test_accuracies_have_one_scale_and_every_variant_its_own_epochs():
    histories = {"short": history(epochs=2, metrics=ALL), "long": history(epochs=50, metrics=ALL)}
    _, short, _, long = figures.training_curves(histories).axes
    assert short.get_ylim() == long.get_ylim()
    assert short.get_xlim()[1] < 3 < 50 < long.get_xlim()[1]
    assert all(tick == int(tick) for tick in short.get_xticks())


def test_a_single_epoch_is_a_point_that_can_be_seen():
    for count in (1, 3):
        (axis,) = figures.training_curves({"wide": history(count, epochs=1)}).axes
        assert axis.lines[0].get_marker() == "o"


def diverging(epochs, lost=np.nan, **options):
    """Three seeds, of which some diverge in some epoch."""
    losses = history(**options)
    for seed, epoch in epochs.items():
        losses = losses[(losses.seed != seed) | (losses.epoch <= epoch)]
        losses.loc[(losses.seed == seed) & (losses.epoch == epoch) & (losses.metric == "loss"), "value"] = lost
    return losses


@pytest.mark.parametrize("lost", [np.nan, np.inf])
@pytest.mark.parametrize("epochs", [{0: 3}, {0: 3, 2: 1}, {0: 3, 1: 2, 2: 4}, {}])
def test_seeds_that_diverged_end_with_a_cross_and_are_no_part_of_the_mean(epochs, lost):
    figure = figures.training_curves({"wide": diverging(epochs, lost)})
    (axis,) = figure.axes
    assert [text.get_text() for text in axis.texts] == ([f"{len(epochs)} of 3 seeds diverged"] if epochs else [])
    assert ("diverged" in legend_texts(figure)) == bool(epochs)
    ends = [line.get_xdata().tolist() for line in drawn(axis, "x")]
    assert ends == ([list(epochs.values())] if epochs else [])
    thin = [line for line in axis.lines if line.get_linewidth() == 0.7]
    assert [line.get_xdata().tolist() for line in thin] == [list(range(1, epoch)) for epoch in epochs.values()]
    means = [line for line in axis.lines if to_hex(line.get_color()) != RED]
    assert [line.get_xdata().tolist() for line in means] == [[1, 2, 3, 4]] * (len(epochs) < 3)
    kept = [seed for seed in range(3) if seed not in epochs]
    assert not kept or means[0].get_ydata()[0] == pytest.approx(np.mean([1 + seed for seed in kept]))


def test_a_loss_on_its_way_to_infinity_does_not_flatten_the_others():
    losses = diverging({0: 3})
    losses.loc[(losses.seed == 0) & (losses.epoch == 2), "value"] = 1e30
    scales = [
        figures.training_curves({"wide": table}).axes[0].get_ylim() for table in (losses, losses[losses.seed > 0])
    ]
    assert scales[0] == scales[1]


def test_a_variant_that_diverged_in_its_first_epoch_shows_no_numbers_that_were_none():
    (axis,) = figures.training_curves({"wide": diverging({0: 1, 1: 1, 2: 1})}).axes
    axis.figure.draw_without_rendering()
    assert [tick.get_text() for tick in axis.get_yticklabels()] == []
    assert [text.get_text() for text in axis.texts] == ["3 of 3 seeds diverged"]


@pytest.mark.filterwarnings("error")
def test_a_loss_that_reaches_zero_is_shown():
    losses = history()
    losses.loc[losses.epoch == 4, "value"] = 0.0
    figures.training_curves({"wide": losses}).draw_without_rendering()
    figures.training_curves({"wide": losses.assign(value=0.0)}).draw_without_rendering()


@pytest.mark.parametrize(("low", "high"), [(0.30, 0.34), (0.2, 0.5), (0.03, 0.5), (0.002, 2), (1e-6, 3), (1500, 90000)])
def test_a_log_axis_of_any_range_has_ticks_to_read_it_by(low, high):
    losses = history(seeds=1).assign(value=np.geomspace(high, low, 4))
    (axis,) = figures.training_curves({"wide": losses}).axes
    ticks = [tick for tick in axis.get_yticks() if axis.get_ylim()[0] <= tick <= axis.get_ylim()[1]]
    assert 2 <= len(ticks) <= 8


# ---- Seeds -----------------------------------------------------------------------------------------------------------


def drawn(axis, marker):
    return [line for line in axis.lines if line.get_marker() == marker]


def test_every_seed_is_a_point_and_none_covers_another():
    values = errors(seeds=50)
    figure = figures.seeds({"wide": values}, metric="error", share=True, claims={}, differences=None)
    figure.draw_without_rendering()
    (points,) = drawn(figure.axes[0], "o")
    assert points.get_xdata().tolist() == values
    places = figure.axes[0].transData.transform(points.get_xydata()) * 72 / figure.dpi
    apart = np.hypot(*(places[:, None] - places).transpose(2, 0, 1))[~np.eye(50, dtype=bool)]
    assert apart.min() >= points.get_markersize() - 0.01


def interval(figure):
    (line,) = [line for line in figure.axes[0].lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 2]
    return list(line.get_xdata())


def test_mean_and_interval_are_those_of_students_t():
    figure = figures.seeds({"wide": [0.1, 0.2, 0.3]}, metric="loss", share=False, claims={}, differences=None)
    assert interval(figure) == pytest.approx([-0.0484, 0.4484], abs=1e-4)
    assert [line.get_xdata() for line in drawn(figure.axes[0], "|")] == [pytest.approx([0.2])]


@pytest.mark.parametrize(
    ("values", "ends"), [([0.1, 0.2, 0.3], [0, 0.4484]), ([0.7, 0.8, 0.9], [0.5516, 1]), ([0.0, 1.0], [0, 1])]
)
def test_the_interval_of_a_share_promises_nothing_beyond_0_and_100_per_cent(values, ends):
    figure = figures.seeds({"wide": values}, metric="error", share=True, claims={}, differences=None)
    assert interval(figure) == pytest.approx(ends, abs=1e-4)


def test_published_numbers_and_ranges_stand_in_the_row_of_their_variant():
    figure = seeds(["wide", "deep"], {"wide": [(0.0293,)], "deep": [(0.025, 0.035)]})
    axis, rows = figure.axes[0], figure.axes[0].get_yticks()
    (number,) = drawn(axis, "D")
    (span,) = [line for line in axis.lines if line.get_linewidth() == 3]
    assert list(number.get_xdata()) == [0.0293]
    assert list(span.get_xdata()) == [0.025, 0.035]
    half = (rows[1] - rows[0]) / 2
    assert abs(number.get_ydata()[0] - rows[0]) < half
    assert abs(span.get_ydata()[0] - rows[1]) < half
    assert legend_texts(figure) == ["one seed", "mean, 95 % interval", "published", "published range"]


def test_no_published_number_of_a_variant_is_hidden_by_another():
    claims = {"wide": [(0.0293,), (0.031,), (0.028, 0.033), (0.026, 0.033), (0.0293,)], "deep": [(0.03,)]}
    axis = seeds(["wide", "deep"], claims).axes[0]
    rows = axis.get_yticks()
    half = (rows[1] - rows[0]) / 2
    diamonds = [line for line in drawn(axis, "D") if line.get_ydata()[0] < rows[0] + half]
    bars = [line for line in axis.lines if line.get_linewidth() == 3]
    assert [list(line.get_xdata()) for line in diamonds] == [[0.0293], [0.031]]
    assert [list(line.get_xdata()) for line in bars] == [[0.028, 0.033], [0.026, 0.033]]
    heights = sorted({line.get_ydata()[0] for line in (*diamonds, *bars)})
    assert len(heights) == 3, "marks lie on each other"
    assert np.diff(heights).min() > 0.08
    assert heights[-1] < rows[0] + half - 0.03


def test_nothing_is_called_published_where_nothing_is():
    assert legend_texts(seeds(["wide"], {})) == ["one seed", "mean, 95 % interval"]


def test_a_single_seed_promises_no_interval():
    figure = figures.seeds({"wide": [0.9]}, metric="accuracy", share=True, claims={}, differences=None)
    assert legend_texts(figure) == ["one seed", "mean"]


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ({"a": [0.026, 0.027], "b": [0.089, 0.09]}, "log"),
        ({"a": [0.026, 0.027], "b": [0.03, 0.031]}, "linear"),
        ({"a": [0.0, 0.027], "b": [0.089, 0.09]}, "linear"),
    ],
)
def test_a_variant_far_from_the_others_does_not_flatten_them(values, scale):
    axis = figures.seeds(values, metric="error", share=True, claims={}, differences=None).axes[0]
    assert axis.get_xscale() == scale
    assert ("log" in axis.get_xlabel()) == (scale == "log")
    assert axis.xaxis.get_major_formatter()(0.026) == "2.6 %"


def test_plain_values_are_not_shown_in_per_cent():
    axis = figures.seeds({"a": [1.0, 2.0]}, metric="sum", share=False, claims={}, differences=None).axes[0]
    axis.figure.draw_without_rendering()
    assert not any("%" in tick.get_text() for tick in axis.get_xticklabels())


def test_a_seed_without_a_number_is_counted_and_no_mean_is_made_up():
    values = {"wide": [1.0, 2.0, np.inf], "deep": [1.0, 2.0, 3.0], "lost": [np.nan] * 3}
    figure = figures.seeds(values, metric="sum", share=False, claims={}, differences=None)
    figure.draw_without_rendering()
    said = [text.get_text() for text in figure.axes[0].texts]
    assert said == ["1 of 3 without a number", "3 of 3 without a number"]
    means = [line.get_xdata()[0] for line in drawn(figure.axes[0], "|")]
    assert means == pytest.approx([np.nan, 2, np.nan], nan_ok=True)


@pytest.mark.parametrize("claims", [{}, {"wide": [(0.03,)]}, {"wide": [(0.03,), (0.02, 0.04)]}])
@pytest.mark.parametrize("pairs", [None, differences(("deep", "wide", 0.01, 0.005, 0.015, 5))])
def test_each_seed_that_diverged_is_a_cross_at_the_lower_edge_of_its_row(claims, pairs):
    values = {"wide": errors(seeds=3), "deep": errors(), "lost": []}
    lost = {"wide": 2, "deep": 0, "lost": 5}
    figure = figures.seeds(
        values, metric="error", share=True, claims=claims, differences=pairs, diverged=lost
    )  # fmt: skip
    axis = figure.axes[0]
    assert [text.get_text() for text in axis.texts] == ["2 of 5 seeds diverged", "5 of 5 seeds diverged"]
    crosses = drawn(axis, "x")
    assert [len(line.get_xdata()) for line in crosses] == [2, 5]
    rows = axis.get_yticks()
    edges = [rows[0] + (rows[1] - rows[0]) / 2, rows[2] + (rows[1] - rows[0]) / 2]
    assert all(0.03 < edge - line.get_ydata()[0] < 0.15 for edge, line in zip(edges, crosses, strict=True))
    assert legend_texts(figure)[-1] == "diverged"
    means = [line.get_xdata()[0] for line in drawn(axis, "|")]
    assert means == pytest.approx([np.mean(values["wide"]), np.mean(values["deep"]), np.nan], nan_ok=True)
    assert_readable(figure)


@pytest.mark.parametrize("count", [1, 20, 200])
def test_any_number_of_crosses_stays_in_its_row(count):
    figure = figures.seeds({"a": errors()}, metric="e", share=True, claims={}, differences=None, diverged={"a": count})
    figure.set_dpi(300)
    figure.draw_without_rendering()
    axis = figure.axes[0]
    (line,) = drawn(axis, "x")
    assert 0 < min(line.get_xdata()) <= max(line.get_xdata()) < 1
    right = axis.transAxes.transform([(max(line.get_xdata()), 0)])[0, 0]
    assert right < axis.texts[0].get_window_extent().x0, "the crosses run into the words"


def test_without_seeds_that_diverged_a_figure_is_the_same_bytes_as_without_the_question(tmp_path):
    made = [
        figures.seeds({"a": errors()}, metric="error", share=True, claims={}, differences=None, diverged=lost)
        for lost in (None, {"a": 0})
    ]
    assert saved(made[0], tmp_path) == saved(made[1], tmp_path)


def test_seeds_that_all_agree_are_shown():
    figures.seeds({"a": [0.0] * 5, "b": [0.0]}, metric="x", share=True, claims={}, differences=None)
    figures.seeds({"a": [1.0] * 5}, metric="x", share=True, claims={}, differences=None).draw_without_rendering()


def test_differences_that_leave_out_zero_are_filled():
    table = differences(("b", "a", 0.01, 0.005, 0.015, 5), ("c", "b", -0.001, -0.004, 0.002, 5))
    figure = figures.seeds({name: errors() for name in "abc"}, metric="error", share=True, claims={}, differences=table)
    assert len(figure.axes) == 2
    beside = figure.axes[1]
    assert [tick.get_text() for tick in beside.get_yticklabels()] == ["b − a", "c − b"]
    marks = drawn(beside, "o")
    assert [mark.get_xdata()[0] for mark in marks] == pytest.approx([1, -0.1])
    assert [mark.get_markerfacecolor() == "white" for mark in marks] == [False, True]
    assert [list(line.get_xdata()) for line in drawn(beside, "|")] == [
        pytest.approx([0.5, 1.5]),
        pytest.approx([-0.4, 0.2]),
    ]
    assert "percentage points" in beside.get_xlabel()


def test_one_large_difference_does_not_hide_the_small_ones():
    table = differences(
        ("b", "a", 0.001, -0.002, 0.004, 5), ("c", "b", 0.002, 0.001, 0.003, 5), ("d", "c", 0.06, 0.058, 0.062, 5)
    )
    figure = figures.seeds(
        {name: errors() for name in "abcd"}, metric="error", share=True, claims={}, differences=table
    )
    assert "log scale beyond ±0.5" in figure.axes[1].get_xlabel()
    figure.draw_without_rendering()
    (small,) = [line for line in drawn(figure.axes[1], "|") if line.get_xdata()[1] == pytest.approx(0.4)]
    ends = figure.axes[1].transData.transform(small.get_xydata())[:, 0]
    assert ends[1] - ends[0] > figure.axes[1].bbox.width / 10


@pytest.mark.parametrize("none", [None, differences()])
def test_without_differences_there_is_one_panel(none):
    figure = figures.seeds({"a": errors()}, metric="error", share=True, claims={}, differences=none)
    assert len(figure.axes) == 1
    assert figure.get_figwidth() == 3.5


def test_differences_of_a_single_seed_are_shown_without_interval():
    table = differences(("b", "a", 0.01, np.nan, np.nan, 1))
    figures.seeds(
        {"a": [0.1], "b": [0.11]}, metric="x", share=True, claims={}, differences=table
    ).draw_without_rendering()


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
    figures.training_curves({"wide": history(seeds=1, epochs=1)}).draw_without_rendering()
    figures_count.predicted_against_true({"wide": (labels(), predictions(seeds=1))}).draw_without_rendering()
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
    figure = figures_count.predicted_against_true({"wide": (labels(), found), "deep": (labels(), whole)}, lost)
    assert [[text.get_text() for text in axis.texts] for axis in figure.axes] == [[said], []]
    assert_readable(figure)
    runs = {"wide": (labels(), np.rint(found).astype(float)), "deep": (labels(), np.rint(whole).astype(float))}
    figure = figures.accuracy_by_label(runs, xlabel="true count", ylabel="exact", diverged=lost)
    assert legend_texts(figure) == [f"wide ({said})", "deep (3 seeds)"]
    assert_readable(figure)
    shares = np.random.default_rng(1).dirichlet(np.ones(10), 3).astype(np.float32)
    probabilities = {"wide": shares[:left], "deep": shares}
    figure = figures_classify.example(np.eye(28, dtype=np.float32)[..., None], "Coat", probabilities, CLASSES, lost)
    assert [[text.get_text() for text in axis.texts] for axis in figure.axes[1:]] == [[said], []]
    assert_readable(figure)


@pytest.mark.filterwarnings("error")
def test_a_study_of_which_all_seeds_diverged_has_figures_that_say_so():
    nothing, lost = np.zeros((0, 60), np.float32), {"wide": 5, "deep": 2}
    names = ("wide", "deep")
    assert_readable(figures.seeds({"wide": [], "deep": []}, metric="error", share=True, claims={}, differences=None,
                                  diverged=lost))  # fmt: skip
    assert_readable(figures_count.predicted_against_true(dict.fromkeys(names, (labels(), nothing)), lost))
    runs = dict.fromkeys(names, (labels(), nothing.astype(float)))
    figure = figures.accuracy_by_label(runs, xlabel="true count", ylabel="exact", diverged=lost)
    assert figure.axes[0].get_ylim() == (0, 1)
    assert_readable(figure)
    found = dict.fromkeys(names, np.zeros((0, 10), np.float32))
    assert_readable(figures_classify.example(np.eye(28, dtype=np.float32)[..., None], "Coat", found, CLASSES, lost))
    curves = {name: diverging({0: 1, 1: 2, 2: 3}, metrics=ALL) for name in names}
    assert_readable(figures.training_curves(curves))


def test_a_figure_of_a_seed_that_diverged_says_so_instead():
    figure = figures.first_seed_diverged(3)
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
    figures.training_curves({"wide": losses}).draw_without_rendering()
    figures_count.predicted_against_true({"wide": (labels(), found)}).draw_without_rendering()


def test_a_net_that_always_says_the_same_is_shown():
    """With no spread there is no density to draw."""
    found = np.full((2, 60), 2.5, np.float32)
    figures_count.predicted_against_true({"wide": (labels(), found)}).draw_without_rendering()
    figures_count.predicted_against_true({"wide": (np.arange(6), found[:1, :6])}).draw_without_rendering()


def test_variants_tested_on_different_numbers_of_images_stand_in_one_figure():
    few, many = (labels(12), predictions(images=12)), (labels(60), predictions(images=60))
    figures_count.predicted_against_true({"wide": many, "deep": few}).draw_without_rendering()
    rounded = {"wide": (many[0], np.rint(many[1])), "deep": (few[0], np.rint(few[1]))}
    counted(rounded).draw_without_rendering()
