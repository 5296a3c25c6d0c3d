"""The page shows the runs and their origin, opens offline, and executes no foreign code."""

import base64

import numpy as np
import pytest
from unit.pages import (
    LABELS,
    PREDICTIONS,
    SOURCE_URL,
    SVG,
    TEMPLATE,
    Page,
    claim,
    class_section,
    origin,
    own_print,
    page,
    section,
)

from calotype.report import html
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
    assert [link for link in links if not link.startswith("data:")] == [SOURCE_URL]
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
    assert base64.b64decode(image.removeprefix("data:image/svg+xml;base64,")) == SVG


def test_the_preview_of_user_images_is_on_the_page_with_its_caption(tmp_path):
    found = Page(page(tmp_path, previews=[own_print("preparation/train", tmp_path, "Step by step.\n")]))
    assert "Preparation" in found.text
    assert "Step by step. (preparation/train)" in found.text
    assert "dots-preparation/train" in found.values("id")
    assert "Preparation" not in Page(page(tmp_path)).text


def test_figures_of_one_variant_have_their_own_names_whatever_the_kind(tmp_path):
    names = [f"{kind}/{variant}" for kind in ("confusion-matrices", "most-confident-errors") for variant in PREDICTIONS]
    found = Page(page(tmp_path, prints=[own_print(name, tmp_path) for name in names]))
    assert {f"dots-{name}" for name in names} <= set(found.values("id"))
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


def test_page_shows_the_confusion_of_all_seeds_on_the_last_split(tmp_path):
    shown = section(tmp_path)["confusions"]
    assert [(table["variant"], table["split"]) for table in shown] == [
        ("Wide net", "test-large"),
        ("deep", "test-large"),
    ]
    assert shown[0]["columns"] == ["0", "1", "2", "3", "4", "5", "7"]
    assert {true: sum(counts) for true, counts in shown[0]["rows"]} == {
        str(true): 3 * LABELS.tolist().count(true) for true in range(6)
    }
    ((_, counts),) = [row for row in shown[1]["rows"] if row[0] == "1"]
    assert counts == [0, 3, 0, 1, 0, 0]
    found = Page(page(tmp_path))
    assert "Confusion matrix of Wide net on test-large" in found.text
    assert found.elements.count("details") >= 2


def test_confusion_is_of_the_last_split_whatever_was_predicted(tmp_path):
    below = {variant: {**splits, "test-large": splits["test-large"].copy()} for variant, splits in PREDICTIONS.items()}
    below["wide"]["test-large"][0, 0] = -3
    below["deep"]["test-large"][0, 0] = np.nan
    shown = section(tmp_path, predictions=below)["confusions"]
    assert [table["split"] for table in shown] == ["test-large", "test-large"]
    assert shown[0]["columns"][0] == "-3"
    assert shown[1]["columns"][-1] == "none"
    assert shown[1]["rows"][0][1][-1] == 1
    assert all(isinstance(count, int) for _, counts in shown[1]["rows"] for count in counts)


def test_page_names_each_set_of_packages_and_each_machine_once(tmp_path):
    made = section(tmp_path)
    other = {"packages": {"python": "3.12.1", "keras": "3.16.0"}, "machine": {"processor": "Another CPU"}}
    other["machine"] = {**made["packs"][0].origin["machine"], **other["machine"]}
    made["packs"] = [*made["packs"], origin("wide", 3, 4, **other), origin("wide", 5, 6, **other)]
    text = Page(html.render(TEMPLATE, [made], [])).text
    for expected in ("python 3.11.7, keras 3.15.0", "python 3.12.1, keras 3.16.0", "Another CPU, 2 cores"):
        assert text.count(expected) == 1
    assert text.count("A CPU, 2 cores") == 1


def test_a_study_that_counts_may_have_a_headline_that_is_no_share(tmp_path):
    row = section(tmp_path, metric="sum_of_squared_errors")["results"][0]
    assert (row["metrics"][0][0], row["range"]) == ("8", "0 to 16")


def test_layers_of_each_model_are_on_the_page(tmp_path):
    text = Page(page(tmp_path)).text
    assert text.count("338,881 parameters") == 2
    assert "(None, 40, 40, 32)" in text
    assert "338,561" in text


def test_several_studies_stand_on_one_page_under_names_of_their_own(tmp_path):
    (tmp_path / "other").mkdir()
    found = Page(html.render(TEMPLATE, [section(tmp_path), class_section(tmp_path / "other")], []))
    identifiers = found.values("id")
    assert len(set(identifiers)) == len(identifiers)
    assert {"dots", "clothes", "cost", "provenance"} <= set(identifiers)
