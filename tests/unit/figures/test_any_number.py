"""Figures show any number of variants, seeds and epochs, and runs that diverged."""

import numpy as np
import pytest
from unit.all_figures import predicted_against_true
from unit.drawings import (
    ALL,
    CLASSES,
    accuracy_by_label,
    assert_readable,
    counted,
    diverging,
    history,
    labels,
    legend_texts,
    predictions,
    seeds,
    sheet,
    training_curves,
    words,
)

from calotype.figures import accuracy, classify
from calotype.figures import count as figures_count
from calotype.figures import seeds as figures_seeds
from calotype.figures import training_curves as figures_training
from calotype.figures.image_page import first_seed_diverged

pytestmark = pytest.mark.usefixtures("style", "closed")


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
    legends = [text.replace("\u00a0", " ").replace("\n", " ") for text in legend_texts(figure)]
    assert legends == [f"wide ({said})", "deep (3 seeds)"]
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
    assert figure.axes[0].get_xlim() == (0, 1)
    assert_readable(figure)
    found = dict.fromkeys(names, np.zeros((0, 10), np.float32))
    assert_readable(classify.draw_example(np.eye(28, dtype=np.float32)[..., None], "Coat", found, CLASSES, lost))
    curves = {name: diverging({0: 1, 1: 2, 2: 3}, metrics=ALL) for name in names}
    assert_readable(figures_training.draw_training_curves(curves))


def test_a_figure_of_a_seed_that_diverged_says_so_instead():
    figure = first_seed_diverged(3)
    assert [text.get_text() for text in figure.axes[0].texts] == [
        "Seed 0 diverged in epoch 3: there is nothing to show."
    ]
    assert_readable(figure)


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize(("lost", "seeds"), [(np.nan, [0]), (np.nan, [0, 1, 2]), (np.inf, [0, 1, 2]), (3e38, [0])])
def test_a_training_run_that_diverged_is_shown_and_stops_nothing(lost, seeds):
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
