"""Seeds that diverged are told on the page, and left out of its numbers."""

import numpy as np
from unit.pages import CLASS_PREDICTIONS, PREDICTIONS, Page, class_section, hits, page, rendered, section

from calotype.report.html import findings

LOST = {"wide": {0: 3, 2: 1}}


def test_seeds_that_diverged_are_named_counted_and_left_out_of_every_number(tmp_path):
    made = section(tmp_path, lost=LOST)
    assert made["diverged"] == ["Wide net: 2 of 3 seeds diverged (seed 0 in epoch 3, seed 2 in epoch 1)"]
    wide, _, deep, _ = made["results"]
    assert (wide["n"], wide["diverged"], wide["images"]) == (1, "2 of 3 seeds diverged", "20")
    assert (wide["metrics"][0], wide["range"]) == (("90 %", "[70, 97]"), "90 to 90 %")
    assert (deep["n"], deep["diverged"]) == (1, "")
    assert made["claims"][0]["n"] == 1
    assert made["claims"][0]["reason"].endswith("; 2 of 3 seeds diverged and are left out")
    assert made["confusions"][0]["found"].images == 20


def test_seeds_that_diverged_are_told_on_the_page_and_in_the_terminal(tmp_path):
    text = Page(page(tmp_path, lost=LOST)).text
    assert text.count("2 of 3 seeds diverged") == 7, "first screen: study and claim; two splits, a claim, list and how"
    assert "Wide net: 2 of 3 seeds diverged (seed 0 in epoch 3, seed 2 in epoch 1)." in text
    lines = findings([section(tmp_path, lost=LOST)]).splitlines()
    assert lines[1].endswith("(1 seed, 20 images; 2 of 3 seeds diverged)")
    assert lines[-1].endswith("one seed is not enough; run more seeds; 2 of 3 seeds diverged and are left out")


def test_a_page_without_seeds_that_diverged_does_not_speak_of_them(tmp_path):
    text = Page(page(tmp_path)).text
    assert text.count("diverged") == 1
    assert "No run diverged." in text
    assert "diverged" not in findings([section(tmp_path)])


def test_a_variant_of_which_all_seeds_diverged_still_gets_its_page(tmp_path):
    gone = {"wide": dict.fromkeys(range(3), 1), "deep": {0: 1}}
    predictions = {variant: {split: found * np.nan for split, found in splits.items()}
                   for variant, splits in PREDICTIONS.items()}  # fmt: skip
    for lost, found in (({"wide": gone["wide"]}, None), (gone, predictions)):
        made = section(tmp_path, predictions=found, lost=lost)
        wide = made["results"][0]
        assert (wide["n"], wide["diverged"], wide["images"], wide["range"]) == (0, "3 of 3 seeds diverged", "–", "")
        assert wide["metrics"][0] == ("–", "")
        assert [(row["verdict"], row["mean"], row["range"]) for row in made["claims"]] == [("open", "–", "")]
        line = findings([made]).splitlines()[1]
        assert line.endswith("(3 of 3 seeds diverged)")
        Page(rendered([made]))


def test_variants_are_compared_without_diverged_runs_and_the_page_says_so(tmp_path):
    made = class_section(tmp_path, lost={"plain": {0: 3}, "other": {1: 2, 2: 2}})
    assert made["differences"] == []
    more = {variant: {"test": hits(0.7, 0.8, 0.9, 1.0)} for variant in CLASS_PREDICTIONS}
    (row,) = class_section(tmp_path, more, lost={"plain": {0: 3}, "other": {0: 2, 3: 4}})["differences"]
    assert (row["seeds"], row["diverged"]) == ("2 and 3", "3 of 8 seeds diverged")
