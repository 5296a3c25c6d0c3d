"""Figures fit the page of a publisher: width, font and font size, at least six points, and letters of any language."""

import logging
from pathlib import Path

import matplotlib
import pytest
from matplotlib.lines import Line2D
from matplotlib.text import Text
from unit.all_figures import FIGURES, LONG, calibration_curves, confusion_matrix, example
from unit.drawings import assert_readable, seeds, training_curves, words

from calotype.config.figure_style import DEFAULT, NARROWEST, PRESETS
from calotype.figures import base, fonts
from calotype.util.errors import CalotypeError

ROOT = Path(__file__).parents[3]
STYLE = ROOT / "workflow/report/calotype.mplstyle"
PAGES = {"default": DEFAULT} | PRESETS | {
    "narrow": DEFAULT | NARROWEST,
    "large": {"single": 4.5, "double": 8.5, "font": "serif", "size": 10.0},
}  # fmt: skip
HARD = {
    "seeds_of_long_names": lambda: seeds([f"{LONG}, variant {i}" for i in range(5)]),
    "curves_of_nine": lambda: training_curves([f"{LONG}, variant {i}" for i in range(9)]),
    "calibration_of_six": lambda: calibration_curves([f"variant {i}" for i in range(6)]),
    "example_of_long_names": lambda: example([LONG, "wide"]),
    "forty_classes": lambda: confusion_matrix([f"some class {i}" for i in range(40)]),
}


pytestmark = pytest.mark.usefixtures("style", "closed")


SLOW = ("ieee", "neurips", "lncs", "large")  # wider, or of larger text, than the others


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in PAGES])
def page(request):
    """Apply the style of a page, and return it."""
    with matplotlib.rc_context():
        base.use_style(STYLE, base.Page(**PAGES[request.param]))
        yield base.Page(**PAGES[request.param])
    base.use_style(STYLE)


@pytest.mark.parametrize("name", [*FIGURES, *HARD])
def test_no_text_is_smaller_than_six_points_cut_off_or_covered_on_any_page(page, name):
    figure = (FIGURES | HARD)[name]()
    base.to_page(figure)
    assert figure.get_figwidth() == pytest.approx(page.single) or figure.get_figwidth() == pytest.approx(page.double)
    sizes = {text.get_fontsize() for text, _ in words(figure)}
    assert min(sizes) >= 6
    assert max(sizes) <= page.size + 1e-9
    assert_readable(figure)
    assert figure.get_figheight() <= base.TALLEST


def test_a_figure_that_is_scaled_keeps_its_proportions():
    before = seeds()
    places = [axes.get_position().bounds for axes in before.axes]
    base.use_style(STYLE, base.Page(single=7.0, double=14.2, size=16.0))
    try:
        figure = seeds()
        base.to_page(figure)
    finally:
        base.use_style(STYLE)
    assert [axes.get_position().bounds for axes in figure.axes] == [pytest.approx(place) for place in places]
    assert figure.get_size_inches() == pytest.approx(2 * before.get_size_inches())
    for kind, size in ((Text, "get_fontsize"), (Line2D, "get_markersize")):
        pairs = zip(before.findobj(kind), figure.findobj(kind), strict=True)
        assert all(getattr(b, size)() == pytest.approx(2 * getattr(a, size)()) for a, b in pairs)


# ---- Fonts -----------------------------------------------------------------------------------------------------------


def test_letters_that_no_font_has_are_named_once_when_a_figure_is_saved(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "calotype"):
        base.save(seeds(["普通模型", "普通 wide"], {}), [tmp_path / f"seeds{suffix}" for suffix in base.METADATA])
    (record,) = caplog.records
    assert record.getMessage().startswith(
        "seeds: figures: no font has the letters 普通模型. Hint: set `figures: {font: "
    )


def test_a_figure_of_known_letters_warns_of_nothing(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "calotype"):
        base.save(seeds(["modèle µ → ∞", "Модель λ"], {}), [tmp_path / "seeds.png"])
    assert not caplog.records


@pytest.mark.parametrize("font", ["sans", "serif"])
def test_fonts_of_matplotlib_have_the_letters_of_europe_and_of_formulas(font):
    assert fonts.missing_letters(["ÅçñßøŁ", "Ωλ", "Жя", "± × − → … ≥ µ ² ⁻⁸"], fonts.families(font)) == ""


def test_a_font_file_comes_first_and_letters_that_it_lacks_are_found():
    file = Path(matplotlib.get_data_path(), "fonts/ttf/cmb10.ttf")
    families = fonts.families(str(file))
    assert families == ["cmb10", "DejaVu Sans"]
    assert fonts.missing_letters(["a ⁻ 普"], families) == "普"
    with matplotlib.rc_context():
        base.use_style(STYLE, base.Page(font=str(file)))
        assert base.text_width("wide", 8) != pytest.approx(0)
    base.use_style(STYLE)


def test_a_font_that_is_not_there_is_an_error_with_a_hint(tmp_path):
    with pytest.raises(CalotypeError, match=r"figures\.font: `DejaVu Sanz` is not installed here") as error:
        fonts.families("DejaVu Sanz")
    assert "did you mean `DejaVu Sans`?" in str(error.value)
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    with pytest.raises(CalotypeError, match="not a readable font"):
        fonts.families(str(broken))


def test_warnings_of_matplotlib_reach_the_log(caplog, monkeypatch):
    import warnings

    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    base.log_warnings()
    with caplog.at_level(logging.WARNING, "calotype"), warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning(UserWarning("axes sizes collapsed to zero"), UserWarning, "file", 1)
    assert [record.getMessage() for record in caplog.records] == ["axes sizes collapsed to zero"]
