"""The look of figures: presets, single keys, and values that leave no room for text."""

import pytest

from calotype.config.figure_style import DEFAULT, PRESETS, FigureStyle
from calotype.util.errors import CalotypeError
from calotype.util.yaml_validation import validate


def style(**keys):
    return validate(FigureStyle, keys, "config/config.yaml", ("figures",))


def test_without_keys_figures_look_as_before():
    assert style().page() == {"single": 3.5, "double": 7.1, "font": "sans", "size": 8.0}


@pytest.mark.parametrize(
    ("preset", "single", "double"),
    [("ieee", 88.9, 181.9), ("neurips", 139.7, 139.7), ("lncs", 122, 122), ("nature", 89, 183)],
)
def test_a_preset_has_the_widths_of_its_publisher_in_millimetres(preset, single, double):
    page = style(preset=preset).page()
    assert (page["single"] * 25.4, page["double"] * 25.4) == pytest.approx((single, double), abs=0.1)


def test_a_key_beside_a_preset_changes_that_value_alone():
    assert style(preset="ieee", size=9).page() == PRESETS["ieee"] | {"size": 9.0}
    assert style(double=6).page() == DEFAULT | {"double": 6.0}


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"preset": "elsevier"}, "preset"),
        ({"size": 6}, "size"),
        ({"single": 8}, "are more than double: 7.1"),
        ({"single": 2.5}, "single: 2.5 inches hold no text of 8 points"),
        ({"size": 12}, "single: 3.5 inches hold no text of 12 points"),
        ({"font": ""}, "font"),
        ({"widht": 3}, "widht"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(keys, problem):
    with pytest.raises(CalotypeError) as error:
        style(**keys)
    assert problem in str(error.value)
    assert str(error.value).startswith("config/config.yaml: figures")
