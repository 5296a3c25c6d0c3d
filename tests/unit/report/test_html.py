"""The page shows the runs and their origin, opens offline, and executes no foreign code."""

from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from unit.pages import (
    PREDICTIONS,
    SOURCE_URL,
    SVG,
    Page,
    claim,
    class_section,
    origin,
    own_print,
    page,
    rendered,
    section,
)

from calotype.util.errors import CalotypeError

HOSTILE = "<script>alert('1')</script><img src=x onerror=\"alert(2)\">&amp;"


# ---- The page --------------------------------------------------------------------------------------------------------


def test_page_is_well_formed_and_its_links_lead_somewhere(tmp_path):
    found = Page(page(tmp_path))
    identifiers = found.values("id")
    assert len(set(identifiers)) == len(identifiers)
    assert {link[1:] for link in found.values("href") if link.startswith("#")} <= set(identifiers)
    assert all(alternative for alternative in found.values("alt"))


def test_page_opens_offline(tmp_path):
    text = page(tmp_path)
    found = Page(text)
    links = [value for value in found.values("src", "href", "srcset", "action", "data") if not value.startswith("#")]
    outside = [link for link in links if not link.startswith("data:") and not Path(tmp_path, link).exists()]
    assert outside == [SOURCE_URL]
    assert "script" not in found.elements
    assert "@import" not in text
    assert "url(" not in text
    assert "default-src 'none'" in next(value for value in found.values("content") if "src" in value)


def test_labels_and_titles_cannot_run_code_in_the_readers_browser(tmp_path):
    claims = [claim(quote=HOSTILE)]
    text = page(tmp_path, label=HOSTILE, title=HOSTILE, claims=claims)
    found = Page(text)
    assert "script" not in found.elements
    assert not [key for _, key, _ in found.attributes if key.startswith("on")]
    assert "<script" not in text
    assert found.text.count(HOSTILE) >= 5, "the reader sees the text as it is written"
    assert found.elements.count("img") == 1


def test_figures_are_inside_the_page(tmp_path):
    (image,) = Page(page(tmp_path)).values("src")
    head, _, drawn = unquote(image).partition(",")
    assert head == "data:image/svg+xml"
    assert drawn.replace("'", '"') == SVG


def test_the_preview_of_user_images_is_on_the_page_with_its_caption(tmp_path):
    found = Page(page(tmp_path, previews=[own_print("preparation/train", tmp_path, "Step by step.\n")]))
    assert "Preparation" in found.text
    assert "train Step by step. (preparation/train)" in " ".join(found.text.split())
    assert "Preparation" not in Page(page(tmp_path)).text


def test_figures_of_one_variant_have_their_own_names_whatever_the_kind(tmp_path):
    names = [f"{kind}/{variant}" for kind in ("confusion-matrices", "most-confident-errors") for variant in PREDICTIONS]
    found = Page(page(tmp_path, prints=[own_print(name, tmp_path) for name in names]))
    assert found.elements.count("figure") == 4
    assert len(set(found.values("id"))) == len(found.values("id"))
    assert all(f"({name})" in found.text for name in names)


def test_a_figure_that_was_deleted_from_its_folder_is_named_with_what_to_do(tmp_path):
    lost = own_print("confusion-matrices/wide", tmp_path)
    lost.file.unlink()
    with pytest.raises(CalotypeError, match=r"matrices/wide\.svg: cannot be read: No such file") as problem:
        section(tmp_path, prints=[lost])
    assert f"Hint: delete {tmp_path}/confusion-matrices to plot its figures again" in str(problem.value)


def test_same_results_give_the_same_page(tmp_path):
    assert page(tmp_path) == page(tmp_path)


def test_page_shows_what_was_run_and_where_it_comes_from(tmp_path):
    text = Page(page(tmp_path)).text
    for expected in (
        "338,881",
        "adamw",
        "learning_rate: 0.003",
        "dihedral",
        "abc-dirty",
        "keras 3.15.0",
        "A CPU",
    ):
        assert expected in text
    assert "c0dec0de" in text
    assert "da7ada7a" in text


def test_the_most_frequent_confusions_of_all_seeds_on_the_last_split_are_on_the_page(tmp_path):
    wide, deep = (table["found"] for table in section(tmp_path)["confusions"])
    assert (wide.split, wide.images, wide.wrong) == ("test-large", 60, 6)
    assert (deep.split, deep.images, deep.wrong) == ("test-large", 20, 1)
    ((pair),) = deep.first
    assert (pair.true, pair.predicted, pair.images, pair.of) == ("1", "3", 1, 4)
    text = Page(page(tmp_path)).text
    assert (
        "deep, all seeds on test-large: 1 of 20 predictions are errors. True 1, predicted 3: 1 of 4 (25.0 %)." in text
    )


def test_a_confusion_is_listed_whatever_was_predicted(tmp_path):
    below = {variant: {**splits, "test-large": splits["test-large"].copy()} for variant, splits in PREDICTIONS.items()}
    below["wide"]["test-large"][0, 0] = -3
    below["deep"]["test-large"][0, 0] = np.nan
    wide, deep = (table["found"] for table in section(tmp_path, predictions=below)["confusions"])
    assert "-3" in {pair.predicted for pair in wide.first}
    assert "none" in {pair.predicted for pair in deep.first}


def test_page_names_each_set_of_packages_and_each_machine_once(tmp_path):
    made = section(tmp_path)
    other = {"packages": {"python": "3.12.1", "keras": "3.16.0"}, "machine": {"processor": "Another CPU"}}
    other["machine"] = {**made["packs"][0].origin["machine"], **other["machine"]}
    made["packs"] = [*made["packs"], origin("wide", 3, 4, **other), origin("wide", 5, 6, **other)]
    text = Page(rendered([made])).text
    for expected in ("python 3.11.7, keras 3.15.0", "python 3.12.1, keras 3.16.0", "Another CPU, 2 cores"):
        assert text.count(expected) == 1
    assert text.count("A CPU, 2 cores") == 1


def test_a_study_that_counts_may_have_a_headline_that_is_no_share(tmp_path):
    row = section(tmp_path, metric="sum_of_squared_errors")["results"][0]
    assert (row["metrics"][0][0], row["range"]) == ("8", "0 to 16")


def test_layers_of_each_model_are_on_the_page(tmp_path):
    text = Page(page(tmp_path)).text
    assert "Wide net, deep: 338,881 parameters" in text, "models with the same layers are listed once"
    assert "(None, 40, 40, 32)" in text
    assert "338,561" in text


def test_several_studies_stand_on_one_page_under_names_of_their_own(tmp_path):
    (tmp_path / "other").mkdir()
    found = Page(rendered([section(tmp_path), class_section(tmp_path / "other")]))
    identifiers = found.values("id")
    assert len(set(identifiers)) == len(identifiers)
    assert {"study-dots", "study-clothes", "cost", "provenance"} <= set(identifiers)
