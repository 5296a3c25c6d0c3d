"""The page says what was measured against what was claimed, opens offline, and runs nobody's code."""

import base64
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from calotype import evaluation, report
from calotype.claims import claims_table
from calotype.config import Config, Settings
from calotype.datasets import CsvDataset, DotsDataset
from calotype.errors import CalotypeError
from calotype.files import write_csv
from calotype.frames import read_csv
from calotype.layout import Layout
from calotype.studies import CLAIM_KINDS, Study

TEMPLATE = Path(__file__).parents[2] / "workflow/report/report.html.j2"
HOSTILE = "<script>alert('1')</script><img src=x onerror=\"alert(2)\">&amp;"
SOURCE_URL = "https://example.org/page?a=1&b=2"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
LABELS = np.arange(20) % 6


def config(label="Wide net", title="Counting dots", claims=None, url=SOURCE_URL, **changes):
    recipe = {"model": "dots_source", "loss": "mean_squared_error", "epochs": 2, "batch_size": 32}
    optimizer = {"name": "adamw", "learning_rate": 0.003, "schedule": "cosine"}
    study = {
        "title": title,
        "description": f"About {title}.",
        "source": {"title": f"A page on {title}", "url": url},
        "dataset": "dots",
        "task": "count",
        "tests": ["test", "test-large"],
        "variants": {
            "wide": recipe | {"optimizer": "adam", "label": label, "description": f"The {label}."},
            "deep": recipe | {"optimizer": optimizer, "seeds": 1, "augment": ["symmetries"]},
        },
        "claims": claims if claims is not None else [claim(says=f"{title}, says the source.")],
    }
    splits = {name: {"images": 20, "seed": 1} for name in ("train", "test", "test-large")}
    return Config(
        Settings(studies=["dots"], seeds=3),
        {"dots": DotsDataset.model_validate({"source": "dots", "splits": splits})},
        {"dots": Study.model_validate(study | changes)},
    )


def claim(**changes):
    base = {"variant": "wide", "split": "test", "metric": "exact", "says": "It says so."}
    return base | (changes if set(CLAIM_KINDS) & set(changes) else {"value": 0.9} | changes)


def right(*shares: float):
    """Predictions of one seed for each share: so many of the 20 images are right, the others off by two."""
    found = np.tile(LABELS, (len(shares), 1)).astype(np.float32)
    for row, share in zip(found, shares, strict=True):
        row[round(20 * share) :] += 2
    return found


PREDICTIONS = {
    "wide": {"test": right(0.8, 0.9, 1.0), "test-large": right(0.85, 0.9, 0.95)},
    "deep": {"test": right(0.95), "test-large": right(0.95)},
}


def origin(variant, first, last, **changes):
    content = {
        "code": {"digest": "c0de" * 16, "git": "abc-dirty"},
        "config": {},
        "data": [{"split": "train", "sha256": "da7a" * 16}],
        "packages": {"python": "3.11.7", "keras": "3.15.0"},
        "machine": {"system": "Linux", "processor": "A CPU", "cores": 2, "device": "cpu", "host": "node1"},
        "job": {"slurm": None, "partition": None},
        "parameters": 338881,
        "seconds": {str(seed): 10.0 + seed for seed in range(first, last + 1)},
        "wall_seconds": 34.0,
        "cpu_seconds": 33.0,
        "peak_memory_mib": 816,
        "best_epochs": {},
    }
    return report.PackOrigin("dots", variant, first, last, content | changes)


LAYERS = [("conv2d", "Conv2D", "(None, 40, 40, 32)", 320), ("dense", "Dense", "(None, 1)", 338_561)]


def tables(tmp_path, made, predictions, training=(), labels=LABELS, lost=None):
    """The tables of a study, through the files that the workflow writes."""
    ((name, study),) = made.studies.items()
    lost = {variant: (lost or {}).get(variant, {}) for variant in study.variants}
    runs = list(evaluation.seed_predictions(predictions, dict.fromkeys(study.tests, labels), lost))
    rows = [*training, *evaluation.divergence_rows(lost, dict.fromkeys(study.variants, "train"))]
    table = evaluation.runs_table(name, study.task, runs, rows)
    pooled = evaluation.pooled_table(name, study.task, runs)
    layers = pd.DataFrame(
        [(variant, *layer) for variant in study.variants for layer in LAYERS],
        columns=["variant", "layer", "kind", "output_shape", "parameters"],
    )
    claims = [entry.model_dump() for entry in study.claims]
    sizes = layers.groupby("variant").parameters.sum().to_dict()
    same_images = Layout(made).described([name])[name]["same_images"]
    frames = {
        "runs": table,
        "summary": evaluation.summary_table(table),
        "pooled": pooled,
        "confusion": evaluation.confusion_table(name, study.task, runs),
        "differences": evaluation.differences_table(table, pooled, study.headline),
        "claims": claims_table(name, claims, table, pooled, sizes, same_images=same_images),
        "layers": layers,
    }
    for kind, frame in frames.items():
        write_csv(frame, tmp_path / f"{kind}.csv")
    return report.StudyTables(**{kind: read_csv(tmp_path / f"{kind}.csv") for kind in frames})


def own_print(name, folder, caption="Figure.\n"):
    """A figure of the study, in a folder of figures."""
    file = folder / f"{name}.svg"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(SVG)
    return report.Print("dots", name, file, caption)


def section(tmp_path, predictions=None, lost=None, prints=(), sheets=(), **changes):
    made = config(**changes)
    return report.study_section(
        "dots",
        Layout(made).described(["dots"])["dots"],
        tables(tmp_path, made, predictions or PREDICTIONS, lost=lost),
        prints or [own_print("training-curves", tmp_path, f"Losses: {changes.get('label', 'Wide net')}\n")],
        [origin("wide", 0, 2), origin("deep", 0, 0)],
        sheets,
    )


def page(tmp_path, **changes):
    jobs = [
        report.Job("draw", "dots-train", 1.5, math.nan, math.nan),
        report.train_job(origin("wide", 0, 2)),
        report.train_job(origin("deep", 0, 0)),
    ]
    return report.render(TEMPLATE, [section(tmp_path, **changes)], jobs)


VOID = {"meta", "link", "br", "img", "hr", "input"}  # elements without an end


class Page(HTMLParser):
    """Reads a page as a strict browser would: every element closed, in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.attributes, self.elements, self.text = [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.elements.append(tag)
        self.attributes += [(tag, key, value) for key, value in attributes]
        assert len({key for key, _ in attributes}) == len(attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text += data

    def values(self, *keys):
        return [value for _, key, value in self.attributes if key in keys]


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
    claims = [claim(says=HOSTILE)]
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


def test_the_preparation_of_images_of_ones_own_stands_on_the_page_with_its_caption(tmp_path):
    found = Page(page(tmp_path, sheets=[own_print("preparation/train", tmp_path, "Step by step.\n")]))
    assert "Preparation" in found.text
    assert "Step by step. (preparation/train)" in found.text
    assert "dots-preparation/train" in found.values("id")
    assert "Preparation" not in Page(page(tmp_path)).text


def test_figures_of_one_variant_have_their_own_names_whatever_the_kind(tmp_path):
    names = [f"{kind}/{variant}" for kind in ("confusion-matrices", "confident-mistakes") for variant in PREDICTIONS]
    found = Page(page(tmp_path, prints=[own_print(name, tmp_path) for name in names]))
    assert {f"dots-{name}" for name in names} <= set(found.values("id"))
    assert len(set(found.values("id"))) == len(found.values("id"))
    assert all(f"({name})" in found.text for name in names)


def test_a_figure_that_was_deleted_from_its_folder_is_named_with_what_to_do(tmp_path):
    lost = own_print("confusion-matrices/wide", tmp_path)
    lost.file.unlink()
    with pytest.raises(CalotypeError, match=r"matrices/wide\.svg: cannot be read: No such file") as problem:
        section(tmp_path, prints=[lost])
    assert f"Hint: delete {tmp_path}/confusion-matrices to have its figures printed again" in str(problem.value)


def test_same_results_give_the_same_page(tmp_path):
    assert page(tmp_path) == page(tmp_path)


def test_page_shows_what_was_run_and_where_it_comes_from(tmp_path):
    text = Page(page(tmp_path)).text
    for expected in (
        "338\u202f881",
        "adamw",
        "learning_rate: 0.003",
        "symmetries",
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
    assert "Confusion of Wide net on test-large" in found.text
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
    text = Page(report.render(TEMPLATE, [made], [])).text
    for expected in ("python 3.11.7, keras 3.15.0", "python 3.12.1, keras 3.16.0", "Another CPU, 2 cores"):
        assert text.count(expected) == 1
    assert text.count("A CPU, 2 cores") == 1


def test_page_shows_what_each_job_cost_longest_first():
    rows = report.cost([report.Job("draw", "a", 1.5, math.nan, math.nan), report.train_job(origin("wide", 0, 2))])
    assert [row["stage"] for row in rows] == ["train", "draw"]
    assert rows[0] == {
        "stage": "train",
        "what": "dots/wide, seeds 0 to 2",
        "seconds": "34.0",
        "cpu": "33.0",
        "memory": "816",
    }
    assert (rows[1]["cpu"], rows[1]["memory"]) == ("–", "–")


# ---- Claims ----------------------------------------------------------------------------------------------------------


def judged(tmp_path, **number):
    (row,) = section(tmp_path, claims=[claim(**number)])["claims"]
    return row


@pytest.mark.parametrize(
    ("number", "claimed", "verdict"),
    [
        ({"value": 0.9}, "90 %", "agrees"),
        ({"value": 0.2}, "20 %", "differs"),
        ({"value": 0.9009}, "90.09 %", "agrees"),
        ({"at_least": 0.5}, "at least 50 %", "agrees"),
        ({"at_most": 0.5}, "at most 50 %", "differs"),
        ({"at_least": 0.9}, "at least 90 %", "open"),
        ({"at_least": 0.5, "variant": "deep"}, "at least 50 %", "open"),
        ({"at_most": 0.0, "metric": "off_by_more_than_one"}, "at most 0 %", "open"),
        ({"value": 4.0, "metric": "sum_of_squared_errors"}, "4", "agrees"),
        ({"between": [0.1, 0.2]}, "10 to 20 %", "open"),
        ({"similar_to": "deep"}, "as that of deep", "open"),
        ({"value": 338881, "metric": "parameters", "split": None}, "338\u202f881", "agrees"),
        ({"value": 338882, "metric": "parameters", "split": None}, "338\u202f882", "differs"),
    ],
)
def test_each_claim_stands_beside_its_measurement_with_a_verdict(tmp_path, number, claimed, verdict):
    row = judged(tmp_path, **number)
    assert (row["claimed"], row["verdict"]) == (claimed, verdict)
    assert row["reason"]


def test_a_claim_shows_mean_interval_range_and_number_of_seeds(tmp_path):
    row = judged(tmp_path, value=0.9)
    assert row["variant"] == "Wide net"
    assert row["mean"] == "90.0 %"
    assert row["interval"] == "[65.2, 100.0]"
    assert row["range"] == "80.0 to 100.0 %"
    assert row["n"] == 3


def test_a_published_share_may_come_from_other_images(tmp_path):
    """Seeds that agree on every image leave open how other images would have come out: 90 % of 20 are 18 of 20."""
    same = {**PREDICTIONS, "wide": {split: right(0.9, 0.9, 0.9) for split in ("test", "test-large")}}
    claims = [claim(value=0.8), claim(value=0.1), claim(value=19.0, metric="sum_of_squared_errors")]
    made = section(tmp_path, predictions=same, claims=claims)["claims"]
    assert [row["verdict"] for row in made] == ["agrees", "differs", "differs"]


def test_a_claim_about_one_seed_has_no_interval(tmp_path):
    row = judged(tmp_path, value=0.9, variant="deep")
    assert (row["mean"], row["interval"], row["n"]) == ("95.0 %", "", 1)


@pytest.mark.parametrize("verdict", ["agrees", "differs", "open"])
def test_verdicts_stand_on_the_page(tmp_path, verdict):
    number = {"agrees": {"value": 0.9}, "differs": {"value": 0.2}, "open": {"at_least": 0.9}}[verdict]
    text = page(tmp_path, claims=[claim(**number)])
    assert f'<span class="verdict {verdict}">{verdict}</span>' in text


def test_a_study_without_claims_has_a_page(tmp_path):
    text = page(tmp_path, claims=[])
    assert "Measured against claimed" not in text
    assert "Results" in Page(text).text


# ---- Findings --------------------------------------------------------------------------------------------------------


def test_findings_say_in_the_terminal_what_was_found(tmp_path):
    claims = [claim(value=0.9), claim(at_most=0.5, metric="off_by_more_than_one")]
    lines = report.findings([section(tmp_path, claims=claims)]).splitlines()
    assert lines[0] == "Counting dots (dots)"
    assert re.fullmatch(
        r"  Wide net  test        exact count 90\.0 % \[65\.2, 100\.0\]  \(3 seeds, 20 images\)", lines[1]
    )
    assert re.fullmatch(
        r"  Wide net  test-large  exact count 90\.0 % \[77\.6, 100\.0\]  \(3 seeds, 20 images\)", lines[2]
    )
    assert lines[3].startswith("  deep      test        exact count 95.0 % [76.4, ")
    assert lines[3].endswith("(1 seed, 20 images)")
    assert lines[5] == (
        "  claimed: exact count 90 % on test (Wide net); measured: 90.0 % [65.2, 100.0]; agrees: it lies inside the "
        "range of one more run"
    )
    assert lines[6].startswith("  claimed: off by more than one at most 50 % on test (Wide net); measured: 10.0 %")
    assert lines[6].endswith("; agrees: the whole interval lies below the bound")
    assert len(lines) == 7


def test_findings_stand_in_columns(tmp_path):
    lines = report.findings([section(tmp_path, label="A much longer name", claims=[])]).splitlines()[1:]
    assert len({line.index("exact count") for line in lines}) == 1


def test_predictions_that_are_no_numbers_still_get_their_page(tmp_path):
    lost = {**PREDICTIONS, "wide": {split: np.full((3, 20), np.nan, np.float32) for split in ("test", "test-large")}}
    claims = [claim(value=0.9), claim(value=4.0, metric="sum_of_squared_errors")]
    made = section(tmp_path, predictions=lost, claims=claims)
    assert [row["verdict"] for row in made["claims"]] == ["open", "open"]
    assert {row["reason"] for row in made["claims"]} == {"a run gave no number"}
    assert "0.0 %" not in report.findings([made])
    assert made["confusions"][0]["columns"] == ["none"]
    Page(report.render(TEMPLATE, [made], []))


# ---- Seeds that diverged ---------------------------------------------------------------------------------------------

LOST = {"wide": {0: 3, 2: 1}}


def test_seeds_that_diverged_are_named_counted_and_left_out_of_every_number(tmp_path):
    made = section(tmp_path, lost=LOST)
    assert made["diverged"] == ["Wide net: 2 of 3 seeds diverged (seed 0 in epoch 3, seed 2 in epoch 1)"]
    wide, _, deep, _ = made["results"]
    assert (wide["n"], wide["diverged"], wide["images"]) == (1, "2 of 3 seeds diverged", 20)
    assert (wide["metrics"][0], wide["range"], wide["pooled"][0]) == (("90.0 %", ""), "90.0 to 90.0 %", "90.0 %")
    assert (deep["n"], deep["diverged"]) == (1, "")
    assert made["claims"][0]["n"] == 1
    assert made["claims"][0]["reason"].endswith("; 2 of 3 seeds diverged and are left out")
    assert sum(sum(counts) for _, counts in made["confusions"][0]["rows"]) == 20


def test_seeds_that_diverged_are_told_on_the_page_and_in_the_terminal(tmp_path):
    text = Page(page(tmp_path, lost=LOST)).text
    assert text.count("2 of 3 seeds diverged") == 4, "two test splits, a claim, and the list of them"
    assert "Wide net: 2 of 3 seeds diverged (seed 0 in epoch 3, seed 2 in epoch 1)." in text
    lines = report.findings([section(tmp_path, lost=LOST)]).splitlines()
    assert lines[1].endswith("(1 seed, 20 images; 2 of 3 seeds diverged)")
    assert lines[-1].endswith("one seed cannot tell; ask for more seeds; 2 of 3 seeds diverged and are left out")


def test_a_page_without_seeds_that_diverged_does_not_speak_of_them(tmp_path):
    assert "diverged" not in page(tmp_path)
    assert "diverged" not in report.findings([section(tmp_path)])


def test_a_variant_of_which_all_seeds_diverged_still_gets_its_page(tmp_path):
    gone = {"wide": dict.fromkeys(range(3), 1), "deep": {0: 1}}
    predictions = {variant: {split: found * np.nan for split, found in splits.items()}
                   for variant, splits in PREDICTIONS.items()}  # fmt: skip
    for lost, found in (({"wide": gone["wide"]}, None), (gone, predictions)):
        made = section(tmp_path, predictions=found, lost=lost)
        wide = made["results"][0]
        assert (wide["n"], wide["diverged"], wide["images"], wide["range"]) == (0, "3 of 3 seeds diverged", "–", "")
        assert wide["metrics"][0] == wide["pooled"] == ("–", "")
        assert [(row["verdict"], row["mean"], row["range"]) for row in made["claims"]] == [("open", "–", "")]
        line = report.findings([made]).splitlines()[1]
        assert line.endswith("(3 of 3 seeds diverged)")
        Page(report.render(TEMPLATE, [made], []))


def test_neighbours_are_compared_without_pairs_of_which_one_diverged_and_the_page_says_so(tmp_path):
    made = class_section(tmp_path, lost={"plain": {0: 3}, "other": {1: 2}})
    assert made["differences"] == []
    more = {variant: {"test": hits(0.7, 0.8, 0.9, 1.0)} for variant in CLASS_PREDICTIONS}
    (row,) = class_section(tmp_path, more, lost={"plain": {0: 3}, "other": {0: 2, 3: 4}})["differences"]
    assert (row["n"], row["diverged"]) == (2, "2 of 4 seeds diverged")


# ---- Classes ---------------------------------------------------------------------------------------------------------

NAMES = ["T-shirt/top", "Bag & <b>box</b>", "Ankle boot"]
CLASS_LABELS = np.arange(30) % 3


def hits(*shares: float):
    """Probabilities of one seed for each share: so many of the 30 images are right, the others the next class."""
    found = np.full((len(shares), 30, 3), 0.1, np.float32)
    for row, share in zip(found, shares, strict=True):
        said = CLASS_LABELS.copy()
        said[round(30 * share) :] += 1
        row[np.arange(30), said % 3] = 0.8
    return found


CLASS_PREDICTIONS = {"plain": {"test": hits(0.8, 0.9, 1.0)}, "other": {"test": hits(0.7, 0.8, 0.9)}}
TRAINING = [
    (variant, seed, "train", "training_accuracy", 0.9 + seed / 50) for variant in CLASS_PREDICTIONS for seed in range(3)
]


def class_config(**changes):
    recipe = {"model": "dense", "model_arguments": {"units": [4]}, "loss": "sparse_categorical_crossentropy"}
    recipe |= {"optimizer": "adam", "epochs": 2, "batch_size": 32}
    held_out = {"validation_split": 0.1, "restore_best_weights": True, "monitor": "val_accuracy", "patience": 3}
    changed = [{"name": "shift", "pixels": 2}, {"name": "affine", "degrees": 15.0, "zoom": 0.1}, "flip"]
    held_out |= {"test_views": ["flip", "shift"], "min_delta": 0.001, "reduce_on_plateau": {"patience": 2}}
    changed += [{"name": "rotate", "degrees": 5.0, "fill": "edge"}, {"name": "noise", "strength": 0.1}]
    study = {
        "title": "Clothes",
        "dataset": "clothes",
        "task": "classify",
        "tests": ["test"],
        "variants": {"plain": recipe, "other": recipe | held_out | {"label": "Other net", "augment": changed}},
        "claims": [
            {"variant": "plain", "split": "test", "metric": "accuracy", "value": 0.9009, "says": "It says so."},
            {"variant": "plain", "metric": "training_accuracy", "between": [0.5, 0.95], "says": "It says so, too."},
            {
                "variant": "other",
                "metric": "parameters",
                "value": 1135,
                "says": "It counts.",
                "note": "We count better",
            },
        ],
    }
    fetch = {"files": {"a.csv": "a" * 64}, "sources": [{"python": "scikit-learn"}]}
    splits = {"train": {"table": "a.csv"}, "test": {"table": "a.csv"}}
    dataset = {"source": "csv", "fetch": fetch, "splits": splits, "classes": NAMES}
    return Config(
        Settings(studies=["clothes"], seeds=3),
        {"clothes": CsvDataset.model_validate(dataset)},
        {"clothes": Study.model_validate(study | changes)},
    )


def class_section(tmp_path, predictions=None, lost=None, **changes):
    made = class_config(**changes)
    return report.study_section(
        "clothes",
        Layout(made).described(["clothes"])["clothes"],
        tables(tmp_path, made, predictions or CLASS_PREDICTIONS, TRAINING, CLASS_LABELS, lost),
        [],
        [
            origin("plain", 0, 2),
            origin("other", 0, 1, best_epochs={"0": 2, "1": 1}),
            origin("other", 2, 2, best_epochs={"2": 2}),
        ],
    )


def test_a_study_that_classifies_has_a_well_formed_page_with_its_metrics(tmp_path):
    made = class_section(tmp_path)
    assert made["metrics"] == ["accuracy", "log loss"]
    assert [row["variant"] for row in made["results"]] == ["plain", "Other net"]
    first = made["results"][0]
    assert first["metrics"][0][0] == "90.0 %"
    assert (first["range"], first["pooled"][0], first["images"], first["n"]) == ("80.0 to 100.0 %", "90.0 %", 30, 3)
    text = Page(report.render(TEMPLATE, [made], [])).text
    for name in NAMES:
        assert name in text, "the reader sees the names of the classes as they are written"
    assert "Log loss" in text
    assert "on other images" not in text, "the source had the same ones"
    assert "on other images" in Page(page(tmp_path)).text


def test_a_table_shows_the_metrics_that_the_study_chose_and_writes_abbreviations_as_they_are(tmp_path):
    """`roc auc` capitalized would be `Roc auc`."""
    labels = np.arange(20) % 2
    guesses = np.stack([np.eye(2, dtype=np.float32)[labels]] * 3)
    made = class_config(metrics=["roc_auc", "macro_f1"], claims=[])
    made.datasets["clothes"] = made.datasets["clothes"].model_copy(update={"classes": ["a", "b"]})
    predictions = {variant: {"test": guesses} for variant in ("plain", "other")}
    found = tables(tmp_path, made, predictions, TRAINING, labels)
    described = Layout(made).described(["clothes"])["clothes"]
    section = report.study_section("clothes", described, found, [], [origin("plain", 0, 2), origin("other", 0, 2)])
    assert section["headings"] == ["ROC AUC", "Macro F1"]
    assert section["results"][0]["metrics"][0] == ("100.0 %", "[100.0, 100.0]")
    text = Page(report.render(TEMPLATE, [section], [])).text
    assert "ROC AUC, over seeds" in text
    assert "Wilson's interval" not in text, "there is none of an area"
    assert report.findings([section]).splitlines()[1].startswith("  plain      test  ROC AUC 100.0 % [100.0, 100.0]")


NUMBERS = np.linspace(0.25, 9.75, 20)


def test_a_study_of_numbers_has_a_well_formed_page(tmp_path):
    made = config(task="regress", claims=[claim(metric="mean_absolute_error", at_most=0.5, split="test-large")])
    said = np.stack([NUMBERS + shift for shift in (0.125, 0.25, 0.375)]).astype(np.float32)
    predictions = {
        "wide": {"test": said, "test-large": said},
        "deep": {split: np.full((1, 20), np.nan, np.float32) for split in ("test", "test-large")},
    }
    found = tables(tmp_path, made, predictions, labels=NUMBERS, lost={"deep": {0: 1}})
    described = Layout(made).described(["dots"])["dots"]
    section = report.study_section("dots", described, found, [], [origin("wide", 0, 2), origin("deep", 0, 0)])
    assert section["confusions"] == []
    assert section["headings"] == ["Mean absolute error", "Root mean squared error", "R²"]
    first, *_, last = section["results"]
    assert (first["metrics"][0][0], first["range"], first["pooled"]) == ("0.25", "0.125 to 0.375", ("0.25", ""))
    assert (last["metrics"][0], last["diverged"]) == (("–", ""), "1 of 1 seed diverged")
    text = Page(report.render(TEMPLATE, [section], [])).text
    assert "Mean absolute error" in text
    assert "Wilson's interval, which" not in text
    lines = report.findings([section]).splitlines()
    assert lines[1].startswith("  Wide net  test        mean absolute error 0.25 [")
    assert lines[-1].startswith("  claimed: mean absolute error at most 0.5 on test-large (Wide net); measured: 0.25 [")
    assert "open: the interval reaches across the bound" in lines[-1]


def test_rows_and_columns_of_a_confusion_are_called_by_the_names_of_the_classes(tmp_path):
    (table, _) = class_section(tmp_path)["confusions"]
    assert table["columns"] == NAMES
    assert [name for name, _ in table["rows"]] == NAMES
    assert sum(sum(counts) for _, counts in table["rows"]) == 90
    assert sum(counts[i] for i, (_, counts) in enumerate(table["rows"])) == 81


def test_probabilities_that_are_no_numbers_stand_in_a_column_of_their_own(tmp_path):
    lost = {"plain": {"test": CLASS_PREDICTIONS["plain"]["test"].copy()}, "other": CLASS_PREDICTIONS["other"]}
    lost["plain"]["test"][0, 0] = np.nan
    (table, _) = class_section(tmp_path, predictions=lost)["confusions"]
    assert table["columns"] == [*NAMES, "none"]
    assert table["rows"][0][1][-1] == 1


def test_neighbours_are_compared_seed_by_seed_in_points(tmp_path):
    (row,) = class_section(tmp_path)["differences"]
    assert (row["variant"], row["than"], row["split"], row["mean"], row["n"]) == (
        "Other net",
        "plain",
        "test",
        "-10.00",
        3,
    )
    assert row["interval"] == "[-10.00, -10.00]"
    assert row["told"]
    text = Page(report.render(TEMPLATE, [class_section(tmp_path)], [])).text
    assert "Accuracy, mean difference (points)" in text


def test_neighbours_that_cannot_be_told_apart_are_not_said_to_be(tmp_path):
    alike = {"plain": {"test": hits(0.8, 0.9, 1.0)}, "other": {"test": hits(0.9, 0.8, 1.0)}}
    (row,) = class_section(tmp_path, predictions=alike)["differences"]
    assert (row["mean"], row["told"]) == ("+0.00", False)


@pytest.mark.parametrize("metric", ["error", "log_loss"])
def test_the_headline_of_a_study_is_the_one_of_its_results_and_differences(tmp_path, metric):
    made = class_section(tmp_path, metric=metric)
    first, (row,) = made["results"][0], made["differences"]
    text = Page(report.render(TEMPLATE, [made], [])).text
    if metric == "error":
        assert (made["metrics"], first["range"], row["mean"]) == (["error", "log loss"], "0.0 to 20.0 %", "+10.00")
        assert "Error, mean difference (points)" in text
    else:
        assert made["metrics"][0] == "log loss"
        low, high = (float(number) for number in first["range"].split(" to "))
        assert 0.2 < low < high < 1, "no share of images, no per cent"
        assert "%" not in first["pooled"][0]
        assert float(row["mean"]) == pytest.approx(0.1 * math.log(8), rel=1e-3)
        assert "Log loss, mean difference (points)" not in text


def test_a_study_that_counts_may_have_a_headline_that_is_no_share(tmp_path):
    row = section(tmp_path, metric="sum_of_squared_errors")["results"][0]
    assert row["metrics"][0][0] == "8"
    assert (row["range"], row["pooled"][0]) == ("0 to 16", "24")


def test_claims_of_every_metric_stand_on_the_page_with_their_notes(tmp_path):
    made = class_section(tmp_path)
    assert [(row["claimed"], row["split"], row["verdict"]) for row in made["claims"]] == [
        ("90.09 %", "test", "agrees"),
        ("50 to 95 %", "", "open"),
        ("1\u202f135", "", "differs"),
    ]
    assert made["claims"][0]["mean"] == "90.00 %"
    assert "the numbers are not equal. We count better" in Page(report.render(TEMPLATE, [made], [])).text
    lines = report.findings([made]).splitlines()
    assert lines[-1] == (
        "  claimed: parameters 1\u202f135 (Other net); measured: 338\u202f881; differs: the numbers are not equal"
    )


def test_what_held_out_images_decide_and_how_images_are_changed_stands_on_the_page(tmp_path):
    plain, other = class_section(tmp_path)["recipes"]
    assert (plain["remarks"], plain["augment"]) == ([], "none")
    assert other["augment"] == "shift 2 px, affine 15° 0.1 zoom, flip, rotate 5° (edges move in), noise 0.1"
    assert other["remarks"] == [
        "the last 10 % of the training images are held out; the epoch with the best val_accuracy is kept; stopped "
        "after 3 epochs that were not better by more than 0.001; the learning rate is multiplied by 0.1 after 2 epochs "
        "that were not better by val_accuracy",
        "kept epochs, by seed: 2, 1, 2",
        "predictions are averaged over the test image as it is, and mirrored and moved by a pixel",
    ]
    text = Page(report.render(TEMPLATE, [class_section(tmp_path)], [])).text
    assert "last 10 % of the training images are held out; " in text
    assert "redictions are averaged over the test image as it is, and mirrored and moved by a pixel" in text
    assert "sparse categorical crossentropy" in text


def test_layers_of_each_model_stand_on_the_page(tmp_path):
    text = Page(page(tmp_path)).text
    assert text.count("338\u202f881 parameters") == 2
    assert "(None, 40, 40, 32)" in text
    assert "338\u202f561" in text


def test_a_training_of_classes_that_diverged_still_gets_its_page(tmp_path):
    lost = {variant: {"test": np.full((3, 30, 3), np.nan, np.float32)} for variant in CLASS_PREDICTIONS}
    for metric in ("accuracy", "log_loss"):
        made = class_section(tmp_path, predictions=lost, metric=metric)
        Page(report.render(TEMPLATE, [made], []))
        assert made["confusions"][0]["columns"] == ["none"]
    assert "accuracy –" in report.findings([class_section(tmp_path, predictions=lost)])


def test_several_studies_stand_on_one_page_under_names_of_their_own(tmp_path):
    (tmp_path / "other").mkdir()
    found = Page(report.render(TEMPLATE, [section(tmp_path), class_section(tmp_path / "other")], []))
    identifiers = found.values("id")
    assert len(set(identifiers)) == len(identifiers)
    assert {"dots", "clothes", "cost", "provenance"} <= set(identifiers)


def test_names_of_classes_cannot_run_code_in_the_readers_browser(tmp_path):
    found = Page(report.render(TEMPLATE, [class_section(tmp_path)], []))
    assert not {"b", "script"} & set(found.elements)


# ---- Files -----------------------------------------------------------------------------------------------------------


def test_broken_provenance_is_named(tmp_path):
    file = tmp_path / "provenance.json"
    with pytest.raises(CalotypeError, match=r"provenance\.json: cannot be read"):
        report.read_origin(file, "dots", "wide", 0, 2)
    for content in (b"", b'{"code": ', b"\xff\xfe"):
        file.write_bytes(content)
        with pytest.raises(CalotypeError, match=r"provenance\.json: cannot be read") as problem:
            report.read_origin(file, "dots", "wide", 0, 2)
        assert "\nHint: delete it" in str(problem.value)
    file.write_text(json.dumps(origin("wide", 0, 2).origin))
    assert report.read_origin(file, "dots", "wide", 0, 2) == origin("wide", 0, 2)


def test_a_job_too_short_to_be_measured_is_no_error(tmp_path):
    """Snakemake writes `-` or `NA` where it had no time to sample."""
    head = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    for gap in ("-", "NA"):
        (tmp_path / "job.tsv").write_text(
            head + f"0.1\t0:00:00\t{gap}\t{gap}\t{gap}\t{gap}\t{gap}\t{gap}\t0.00\t{gap}\n"
        )
        job = report.read_job(tmp_path / "job.tsv", "draw", "dots-train")
        assert job.seconds == 0.1
        assert math.isnan(job.cpu)
        assert math.isnan(job.memory)
    (tmp_path / "job.tsv").write_text(head + "12.5\t0:00:12\t816.2\t0\t0\t0\t0\t0\t90\t11.25\n")
    assert report.read_job(tmp_path / "job.tsv", "draw", "dots-train") == report.Job(
        "draw", "dots-train", 12.5, 11.25, 816.2
    )


def test_a_broken_benchmark_is_named(tmp_path):
    file = tmp_path / "job.tsv"
    for content in (None, b"", b"s\th:m:s\n", b"a\tb\n1\t2\n", b"s\tcpu_time\tmax_rss\nlong\t1\t1\n", b"\xff\xfe"):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(CalotypeError, match=r"job\.tsv: cannot be read") as problem:
            report.read_job(file, "draw", "dots/train")
        assert "\nHint: delete it" in str(problem.value)
