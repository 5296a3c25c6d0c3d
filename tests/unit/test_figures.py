"""Figures can be printed in a paper, show what was measured, and are the same bytes every time."""

import hashlib
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from calotype import figures
from calotype.errors import CalotypeError

ROOT = Path(__file__).parents[2]
RED = "#d00000"
SUFFIXES = (".pdf", ".svg", ".png")


@pytest.fixture(autouse=True, scope="module")
def style():
    """The style of the workflow, for these tests only."""
    with mpl.rc_context():
        figures.use_style(ROOT / "workflow/report/calotype.mplstyle")
        yield


@pytest.fixture(autouse=True)
def closed():
    """No figure stays open."""
    yield
    plt.close("all")


def labels(images=60):
    return np.arange(images) % 6


def predictions(seeds=3, images=60, spread=0.4, key=1):
    rng = np.random.default_rng(key)
    return (labels(images) + rng.normal(0, spread, (seeds, images))).astype(np.float32)


def history(seeds=3, epochs=4):
    return pd.DataFrame(
        [(seed, epoch, "loss", (1 + seed) / epoch) for seed in range(seeds) for epoch in range(1, epochs + 1)],
        columns=["seed", "epoch", "metric", "value"],
    )


def sheet(images=12, columns=10, predicted=None):
    pictures = np.random.default_rng(1).random((images, 40, 40, 1), np.float32)
    predicted = labels(images).astype(float) if predicted is None else predicted
    return figures.contact_sheet(pictures, labels(images), np.asarray(predicted, float), columns)


def variants(make, names=("wide", "deep")):
    return {name: make(i) for i, name in enumerate(names)}


def loss_curves(names=("wide",)):
    return figures.loss_curves(variants(lambda _: history(), names))


def predicted_against_true(names=("wide",)):
    return figures.predicted_against_true(variants(lambda i: (labels(), predictions(key=i)), names))


def accuracy_by_count(names=("wide", "deep")):
    return figures.accuracy_by_count(variants(lambda i: (labels(), np.rint(predictions(key=i)).astype(float)), names))


FIGURES = {
    "contact_sheet": lambda: sheet(5, columns=4),
    "loss_curves": loss_curves,
    "predicted_against_true": predicted_against_true,
    "accuracy_by_count": accuracy_by_count,
}


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
    assert saved(accuracy_by_count(), tmp_path) == printed["accuracy_by_count"]


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
    inches = 7.1 if name == "contact_sheet" else 3.5
    left, _, right, _ = map(float, re.search(rb"/MediaBox \[([^\]]+)\]", printed[name][".pdf"])[1].split())
    assert (right - left) / 72 == pytest.approx(inches, abs=0.01)
    points = re.search(rb'<svg [^>]*width="([\d.]+)pt"', printed[name][".svg"])[1]
    assert float(points) / 72 == pytest.approx(inches, abs=0.01)
    width = cv2.imdecode(np.frombuffer(printed[name][".png"], np.uint8), cv2.IMREAD_COLOR).shape[1]
    assert width / 300 == pytest.approx(inches, abs=0.01)


@pytest.mark.parametrize("figure", [loss_curves, predicted_against_true])
@pytest.mark.parametrize(("names", "inches"), [("a", 3.5), ("ab", 7.1), ("abc", 7.1), ("abcde", 7.1)])
def test_figures_of_several_panels_take_the_whole_page(figure, names, inches):
    assert figure(names).get_figwidth() == inches


@pytest.mark.parametrize("name", FIGURES)
def test_text_of_the_svg_needs_no_font_of_the_reader(printed, name):
    assert b"<text" not in printed[name][".svg"]
    assert b"font-family" not in printed[name][".svg"]


def test_a_full_disk_leaves_no_half_figure(tmp_path, files_no_longer_than):
    with pytest.raises(CalotypeError, match=r"figure\.pdf: cannot be written"), files_no_longer_than(2000):
        figures.save(accuracy_by_count(), [tmp_path / "figure.pdf"])
    assert list(tmp_path.iterdir()) == []


def test_figures_do_not_pile_up_in_memory(tmp_path):
    figure = plt.figure(figsize=(1, 1))
    figures.save(figure, [tmp_path / "figure.png"])
    assert plt.get_fignums() == []


# ---- What they show --------------------------------------------------------------------------------------------------


def test_wrong_counts_stand_out_in_the_contact_sheet():
    figure = sheet(8, predicted=[0, 1, 2, 4, 4, 5, np.nan, -3])
    titles = [axis.title for axis in figure.axes if axis.get_title()]
    assert [title.get_text() for title in titles] == [
        "0 (0)",
        "1 (1)",
        "2 (2)",
        "3 (4)",
        "4 (4)",
        "5 (5)",
        "0 (nan)",
        "1 (-3)",
    ]
    assert [to_hex(title.get_color()) == RED for title in titles] == [False] * 3 + [True] + [False] * 2 + [True] * 2
    assert [title.get_fontweight() == "bold" for title in titles] == [False] * 3 + [True] + [False] * 2 + [True] * 2


def test_each_image_of_the_contact_sheet_is_shown_with_its_full_range():
    pictures = np.stack([np.zeros((8, 8, 1)), np.ones((8, 8, 1)), np.full((8, 8, 1), 0.5)]).astype(np.float32)
    figure = figures.contact_sheet(pictures, np.zeros(3, int), np.zeros(3))
    for axis, picture in zip(figure.axes, pictures, strict=False):
        (shown,) = axis.get_images()
        assert np.array_equal(shown.get_array(), picture[..., 0])
        assert shown.get_clim() == (0, 1)


@pytest.mark.parametrize("images", [1, 4, 5])
def test_a_contact_sheet_of_any_length_has_no_empty_frames(images):
    figure = sheet(images, columns=4)
    assert sum(bool(axis.get_images()) for axis in figure.axes) == images
    assert not any(axis.axison for axis in figure.axes)


def test_titles_of_the_contact_sheet_do_not_run_into_the_images_above():
    figure = sheet(20)
    figure.draw_without_rendering()
    boxes = [axis.get_window_extent() for axis in figure.axes]
    for axis in figure.axes:
        title = axis.title.get_window_extent()
        assert title.y1 <= figure.bbox.y1
        above = [box for box in boxes if box.y0 > axis.get_window_extent().y1 and abs(box.x0 - axis.bbox.x0) < 5]
        assert all(title.y1 <= box.y0 for box in above)


def test_accuracy_by_count_shows_mean_and_interval_over_seeds():
    right = np.tile(labels(60), (3, 1)).astype(float)
    right[0, labels(60) == 2] = 9  # one of three seeds is wrong about each 2
    figure = figures.accuracy_by_count({"wide": (labels(60), right)})
    line = figure.axes[0].containers[0].lines[0]
    assert line.get_xdata().tolist() == [0, 1, 2, 3, 4, 5]
    assert line.get_ydata().tolist() == pytest.approx([1, 1, 2 / 3, 1, 1, 1])


def test_accuracy_of_a_single_seed_has_wilsons_interval():
    figure = figures.accuracy_by_count({"wide": (np.zeros(100, int), np.repeat([[0.0, 1.0]], [90, 10], axis=1))})
    (bars,) = figure.axes[0].containers[0].lines[2]
    (low, high) = bars.get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((0.8256, 0.9448), abs=1e-4)


def test_loss_curves_show_the_mean_over_seeds():
    axis = loss_curves(["wide"]).axes[0]
    (mean,) = [line for line in axis.lines if line.get_label() == "mean of 3 seeds"]
    assert mean.get_ydata().tolist() == pytest.approx([2, 1, 2 / 3, 0.5])
    assert sum(len(line.get_xdata()) == 4 for line in axis.lines) == 4


@pytest.mark.parametrize(
    ("figure", "count"),
    [(loss_curves, 2), (loss_curves, 4), (predicted_against_true, 2), (predicted_against_true, 4)]
    + [(accuracy_by_count, count) for count in (1, 2, 3, 8)],
)
def test_any_number_of_variants_is_shown(figure, count):
    names = [f"variant {i}" for i in range(count)]
    drawn = figure(names)
    drawn.draw_without_rendering()
    text = [axis.get_title() for axis in drawn.axes if axis.get_visible()]
    for legend in drawn.legends:
        text += [entry.get_text() for entry in legend.get_texts()]
        box = legend.get_window_extent()
        assert drawn.bbox.x0 <= box.x0 <= box.x1 <= drawn.bbox.x1, "the legend is cut off"
        assert drawn.bbox.y0 <= box.y0 <= box.y1 <= drawn.bbox.y1, "the legend is cut off"
    for name in names:
        assert any(entry.startswith(name) for entry in text)


def test_many_variants_leave_room_for_the_curves():
    figure = accuracy_by_count([f"variant {i}" for i in range(8)])
    figure.draw_without_rendering()
    assert figure.axes[0].bbox.height > figure.bbox.height / 3


def test_one_seed_and_one_epoch_are_shown():
    figures.loss_curves({"wide": history(seeds=1, epochs=1)}).draw_without_rendering()
    figures.predicted_against_true({"wide": (labels(), predictions(seeds=1))}).draw_without_rendering()
    figures.accuracy_by_count({"wide": (labels(), np.rint(predictions(seeds=1)))}).draw_without_rendering()


def test_a_single_seed_is_not_called_seeds():
    axis = figures.loss_curves({"wide": history(seeds=1)}).axes[0]
    assert "1 seeds" not in " ".join(text.get_text() for text in axis.get_legend().get_texts())
    figure = figures.accuracy_by_count({"wide": (labels(), np.rint(predictions(seeds=1)))})
    assert "1 seeds" not in " ".join(text.get_text() for text in figure.legends[0].get_texts())


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize(("lost", "seeds"), [(np.nan, [0]), (np.nan, [0, 1, 2]), (np.inf, [0, 1, 2]), (3e38, [0])])
def test_a_training_that_diverged_is_shown_and_stops_nothing(lost, seeds):
    found = predictions()
    found[seeds] = lost
    losses = history()
    losses.loc[losses.seed.isin(seeds), "value"] = lost
    figures.accuracy_by_count({"wide": (labels(), np.rint(found.astype(float)))}).draw_without_rendering()
    sheet(6, columns=6, predicted=found[0, :6]).draw_without_rendering()
    figures.loss_curves({"wide": losses}).draw_without_rendering()
    figures.predicted_against_true({"wide": (labels(), found)}).draw_without_rendering()


def test_a_net_that_always_says_the_same_is_shown():
    """With no spread there is no density to draw."""
    found = np.full((2, 60), 2.5, np.float32)
    figures.predicted_against_true({"wide": (labels(), found)}).draw_without_rendering()
    figures.predicted_against_true({"wide": (np.arange(6), found[:1, :6])}).draw_without_rendering()


def test_a_loss_that_reaches_zero_is_shown():
    losses = history()
    losses.loc[losses.epoch == 4, "value"] = 0.0
    figures.loss_curves({"wide": losses}).draw_without_rendering()


def test_variants_tested_on_different_numbers_of_images_stand_in_one_figure():
    few, many = (labels(12), predictions(images=12)), (labels(60), predictions(images=60))
    figures.predicted_against_true({"wide": many, "deep": few}).draw_without_rendering()
    rounded = {"wide": (many[0], np.rint(many[1])), "deep": (few[0], np.rint(few[1]))}
    figures.accuracy_by_count(rounded).draw_without_rendering()


def test_every_true_count_has_its_tick_whichever_variant_comes_last():
    few = np.array([0, 1])
    runs = {"wide": (labels(), np.rint(predictions())), "deep": (few, few[None].astype(float))}
    assert set(range(6)) <= set(figures.accuracy_by_count(runs).axes[0].get_xticks())
