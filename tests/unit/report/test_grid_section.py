"""The report of a grid says what was chosen by which images, and chooses nothing by test images."""

from pathlib import Path

import jinja2
import pytest
from unit.grids import GRID, grids, study_of
from unit.pages import TEMPLATE, Page

from calotype.report.grid_section import grid_section
from calotype.report.links import Links

CHOSEN = {"best": 2, "by": {"metric": "val_accuracy", "more": True, "images": "split valid"}, "always": []}


@pytest.fixture
def section(tmp_path):
    def make(**options):
        (tmp_path / "predictions").mkdir()
        return grid_section(study_of(tmp_path, seeds=2, **options), [], Links(tmp_path))

    return make


def page(found):
    """Return the section as the page shows it."""
    loader = jinja2.FileSystemLoader(Path(TEMPLATE).parent)
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, autoescape=True)
    text = '{% import "page/macros.j2" as page with context %}{% include "page/grid.j2" %}'
    return Page(environment.from_string(text).render(study={"name": "sweep", **found}))


def test_the_combination_that_validation_images_choose_is_named_with_its_test_score(section):
    found = section()
    (grid,) = found["grids"]
    assert grid["chosen"] == "units 16 16, learning_rate 0.01"
    assert [row["rank"] for row in grid["best"]] == [1, 2, 3, 4, 5, 6]
    assert "chosen of 6 combinations by validation accuracy: units 16 16, learning_rate 0.01" in found["best"]
    assert grid["matter"].startswith("learning_rate ")
    text = page(found).text
    assert "Best by validation accuracy (split valid): units 16 16, learning_rate 0.01." in text
    assert "The choice used no test image." in text
    assert found["grid_files"] == [("CSV", "grid.csv"), ("means (CSV)", "effects.csv")]


def test_without_validation_images_the_report_chooses_nothing_and_says_so(section):
    found = section(held_out=False)
    (grid,) = found["grids"]
    assert (grid["best"], grid["chosen"]) == ([], "")
    assert "none is chosen: no variant holds out validation images" in found["best"]
    text = page(found).text
    assert "No combination is chosen, because no variant holds out validation images." in text
    assert "Choose nothing by test images" in text
    assert "Rank" not in text
    listed = [row["settings"] for row in grid["rows"]]
    assert listed == [[units, rate] for units in ("8", "16 16") for rate in ("0.001", "0.01", "0.1")]


def test_diverged_runs_are_counted_beside_their_combination_and_their_values(section):
    found = section(lost={(0, 2): {0: 1, 1: 1}, (1, 2): {0: 3}})
    text = page(found).text
    assert "2 of 2 seeds diverged" in text
    assert "1 of 2 seeds diverged" in text
    assert "3 runs diverged" in text
    best = found["grids"][0]["best"]
    assert best[-1]["settings"] == ["16 16", "0.1"], "behind all others"
    assert len(best) == 5


def test_what_a_large_study_leaves_out_is_said_with_the_way_to_plot_it(section):
    found = section(chosen=CHOSEN)
    assert found["shown"] == {
        "number": 2, "of": 6, "why": "the best by validation accuracy (split valid), in the order of the config",
    }  # fmt: skip
    first, second = found["remarks"]
    assert "chosen of 6 combinations by validation accuracy" in first
    assert second.startswith("2 of 6 variants are shown: the best by validation accuracy (split valid)")
    assert "snakemake --cores 1 results/sweep/figures/<variant>/training-curves.pdf" in page(found).text


def test_a_study_without_a_grid_has_no_section_of_one(tmp_path):
    (tmp_path / "predictions").mkdir()
    results = study_of(tmp_path, grids(GRID), seeds=1)
    plain = type(results)(results.study, results.folder, "classify", ["test"], "accuracy", results.labels)
    found = grid_section(plain, [], Links(tmp_path))
    assert found == {"grids": [], "shown": None, "remarks": []}
    assert page(found).text.strip() == ""
