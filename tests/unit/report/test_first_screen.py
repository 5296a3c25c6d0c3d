"""A reader sees on the first screen what was measured, what was published, and how both compare."""

import re
from dataclasses import replace

import pytest
from unit.pages import (
    CLASS_LABELS,
    CLASS_PREDICTIONS,
    Page,
    claim,
    class_config,
    class_section,
    hits,
    origin,
    own_print,
    page,
    rendered,
    results,
    section,
    section_of,
)  # fmt: skip

from calotype.evaluation.choice import VALIDATION
from calotype.report.first_screen import headline, verdicts_text


def row(tmp_path, **changes):
    return section(tmp_path, **changes)["first"]["rows"][0]


def verdicts(*words):
    return [{"claims": [{"verdict": word} for word in words]}]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["agrees", "agrees (weak)"], "all 2 published numbers agree, 1 of them weakly"),
        (["agrees"] * 7, "all 7 published numbers agree"),
        (["agrees", "differs", "open"], "1 of 3 published numbers agree, 1 differs, 1 is open"),
        (["agrees (weak)", "differs", "differs", "open", "open"],
         "1 of 5 published numbers agree (1 weakly), 2 differ, 2 are open"),
        (["differs"], "the published number differs"),
        (["open"], "the published number is open"),
        ([], "no published number to compare with"),
    ],
)  # fmt: skip
def test_one_sentence_says_how_many_published_numbers_agree(words, said):
    assert verdicts_text(verdicts(*words)) == said


def test_a_page_without_published_numbers_begins_with_its_results(tmp_path):
    made = class_section(tmp_path, claims=[])
    both = "accuracy on test of 2 variants: 80 % [48, 95] (Other net) to 90 % [53, 99] (plain)"
    assert headline([made]) == f"Clothes: {both}"
    assert headline([made, made]) == "2 studies, without published numbers"


def held_out(other):
    """Return a study whose variants are compared on validation images; `other` is worse on test images."""
    made = class_config(claims=[])
    study = made.studies["clothes"]
    recipe = study.variants["plain"].model_copy(update={"validation_split": 0.1})
    study = study.model_copy(update={"variants": {"plain": recipe, "other": recipe}})
    made = replace(made, studies={"clothes": study})
    scores = {"plain": 0.5, "other": other}
    rows = [(name, seed, VALIDATION, "val_accuracy", score) for name, score in scores.items() for seed in range(3)]
    return made, rows


@pytest.mark.parametrize(("other", "chosen"), [(0.9, "other"), (0.1, "plain")])
def test_validation_images_choose_the_result_of_the_first_screen_and_test_images_do_not(tmp_path, other, chosen):
    made, rows = held_out(other)
    packs = [origin(name, 0, 2) for name in ("plain", "other")]
    found = results(tmp_path, made, CLASS_PREDICTIONS, packs, rows, CLASS_LABELS)
    shown = section_of(found, made, [replace(own_print("accuracy-by-class", tmp_path), study="clothes")])
    assert f"({chosen}), chosen of 2 variants by validation accuracy" in shown["best"]
    (figure,) = shown["figures"][0]["figures"]
    assert figure["alternative"].startswith(f"{chosen}, by true label: best"), "so does a text in place of a figure"


def test_each_number_has_its_mean_interval_seeds_published_value_and_verdict(tmp_path):
    shown = row(tmp_path, claims=[claim(value=0.9), claim(at_least=0.5)])
    assert (shown["label"], shown["what"], shown["split"], shown["images"]) == ("Wide net", "exact count", "test", 20)
    assert (shown["mean"], shown["interval"], shown["seeds"]) == ("90 %", "[53, 99]", "3 seeds")
    assert [one["claimed"] for one in shown["claims"]] == ["90 %", "at least 50 %"]
    assert [one["verdict"] for one in shown["claims"]] == ["agrees (weak)", "agrees"]


def test_a_claim_about_another_metric_has_a_row_of_its_own(tmp_path):
    claims = [claim(at_most=0.5, metric="off_by_more_than_one"), claim(value=338881, metric="parameters", split=None)]
    found = section(tmp_path, claims=claims)["first"]["rows"]
    assert [shown["what"] for shown in found[:4]] == ["exact count"] * 2 + ["off by more than one", "parameters"]
    assert (found[3]["mean"], found[3]["seeds"], found[3]["strip"]) == ("338,881", "", "")


def test_the_date_the_commit_and_the_command_are_on_the_first_screen(tmp_path):
    text = " ".join(Page(page(tmp_path)).text.split())
    assert "Made 30 November 2026, 10:50, with commit abc-dirty, by snakemake --cores all." in text
    assert "2 training jobs; 70 s of wall time in all" in text


def test_of_many_variants_only_the_first_and_those_with_claims_are_unfolded(tmp_path, monkeypatch):
    monkeypatch.setattr("calotype.report.measured.LARGE", 1)
    monkeypatch.setattr("calotype.report.measured.BEST", 1)
    better = {**CLASS_PREDICTIONS, "other": {"test": hits(1.0, 1.0, 1.0)}}
    made = class_section(tmp_path, predictions=better, claims=[])
    assert [shown["label"] for shown in made["first"]["rows"]] == ["plain"], "test images choose nothing"
    said = "1 further variant is below. This table has the first 1 of the config, and those with published numbers."
    assert made["first"]["left_out"] == said
    text = Page(rendered([made])).text
    assert "The other 1 variants" in text
    assert "Other net" in text, "nothing is left out of the page"
    assert len(class_section(tmp_path, predictions=better)["first"]["rows"]) > 1, "a variant with claims"


# ---- Strips ----------------------------------------------------------------------------------------------------------


def places(drawn, kind):
    """Return the horizontal places in a part of a strip."""
    paths = "".join(re.findall(rf'class="{kind}" d="([^"]*)"', drawn))
    return [float(place) for place in re.findall(r"[MH]([\d.]+)", paths)]


def test_a_strip_shows_each_seed_and_the_interval_on_a_common_scale(tmp_path):
    first, second = (shown["strip"] for shown in section(tmp_path, claims=[])["first"]["rows"][:2])
    assert places(first, "seeds") == sorted(places(first, "seeds"))
    assert len(places(first, "seeds")) == 3
    low, high, mean = places(first, "interval")
    assert low < mean < high
    middle = places(second, "seeds")[1]
    assert middle == places(first, "seeds")[1], "both have a seed with 90 %"
    assert "<text" in first
    assert "<text" not in second, "the scale is written once"


@pytest.mark.parametrize(
    ("number", "mark"),
    [
        ({"value": 0.9}, 'class="published"'), ({"between": [0.8, 0.95]}, 'class="range"'),
        ({"at_most": 0.95}, 'class="bound"'), ({"at_least": 0.5}, 'class="bound"'),
        ({"as_low_as": 0.8}, 'class="published"'),
    ],
)  # fmt: skip
def test_each_kind_of_published_number_has_a_mark(tmp_path, number, mark):
    assert str(row(tmp_path, claims=[claim(**number)])["strip"]).count(mark) == 1


def test_a_strip_says_in_words_what_it_shows(tmp_path):
    drawn = row(tmp_path, claims=[claim(value=0.9)])["strip"]
    said = re.search('aria-label="([^"]*)"', drawn)[1]
    assert said == "3 seeds from 80.0 to 100.0 %, mean 90 %, interval [53, 99], published: 90 %"


def test_a_variant_of_which_all_seeds_diverged_has_a_row_without_a_strip(tmp_path):
    shown = row(tmp_path, lost={"wide": dict.fromkeys(range(3), 1)})
    assert (shown["mean"], shown["strip"], shown["lost"]) == ("–", "", 3)
