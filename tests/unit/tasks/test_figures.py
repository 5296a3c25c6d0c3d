"""The table of figures: each line leads to a function and a caption."""

import inspect

import pytest

from calotype.tasks.figures import EXAMPLE, FEATURE_MAPS, FIGURES, GRID, SEVERAL_SETTINGS, TWO_CLASSES, figures_of
from calotype.tasks.registry import TASKS

CONDITIONS = (TWO_CLASSES, EXAMPLE, FEATURE_MAPS, GRID, SEVERAL_SETTINGS)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_each_figure_has_its_function_its_caption_and_a_study_that_shows_it(figure, root):
    from calotype.figures.study import drawing

    parameters = list(inspect.signature(drawing(figure)).parameters)
    assert parameters == (["results", "variant"] if figure.per_variant else ["results"])
    assert (root / f"workflow/report/{figure.name}.rst").is_file()
    assert figure.label
    assert set(figure.tasks) <= set(TASKS)
    assert figure.condition in ("", *CONDITIONS)
    assert any(figure in figures_of(task, CONDITIONS) for task in TASKS)


def test_no_two_figures_have_the_same_file_or_label():
    for names in ([figure.stem for figure in FIGURES], [figure.label for figure in FIGURES]):
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("task", TASKS)
def test_each_task_has_figures_of_seeds_curves_and_errors(task):
    assert {"seeds", "training_curves", "most_confident_errors"} <= {figure.name for figure in figures_of(task, ())}


def test_figures_that_ask_for_more_are_drawn_only_where_it_is_there():
    for condition in CONDITIONS:
        more = {figure.name for figure in figures_of("classify", [condition])}
        more -= {figure.name for figure in figures_of("classify", ())}
        assert more == {figure.name for figure in FIGURES if figure.condition == condition}
