"""The page says what was measured against what was claimed, opens offline, and runs nobody's code."""

import base64
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from calotype import evaluation, report
from calotype.config import Config, Dataset, Settings, Study
from calotype.errors import CalotypeError
from calotype.layout import Layout
from calotype.tables import read_csv, write_csv

TEMPLATE = Path(__file__).parents[2] / "workflow/report/report.html.j2"
HOSTILE = "<script>alert('1')</script><img src=x onerror=\"alert(2)\">&amp;"
SOURCE_URL = "https://example.org/page?a=1&b=2"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
LABELS = np.arange(20) % 6


def config(label="Wide net", title="Counting dots", claims=None, url=SOURCE_URL):
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
        {"dots": Dataset.model_validate({"source": "dots", "splits": splits})},
        {"dots": Study.model_validate(study)},
    )


def claim(**changes):
    base = {"variant": "wide", "split": "test", "metric": "exact", "says": "It says so."}
    return base | (changes if {"value", "at_most", "at_least"} & set(changes) else {"value": 0.9} | changes)


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
    }
    return report.PackOrigin("dots", variant, first, last, content | changes)


def section(tmp_path, predictions=None, **changes):
    made = config(**changes)
    runs = list(evaluation.seed_predictions(predictions or PREDICTIONS, {"test": LABELS, "test-large": LABELS}))
    table = evaluation.runs_table("dots", runs)
    write_csv(evaluation.confusion_table("dots", runs), tmp_path / "confusion.csv")
    (tmp_path / "loss-curves.svg").write_bytes(SVG)
    return report.study_section(
        "dots",
        Layout(made).described()["dots"],
        table,
        evaluation.summary_table(table),
        evaluation.pooled_table("dots", runs),
        read_csv(tmp_path / "confusion.csv"),
        [report.Print("dots", tmp_path / "loss-curves.svg", f"Losses: {changes.get('label', 'Wide net')}\n")],
        [origin("wide", 0, 2), origin("deep", 0, 0)],
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
    tables = section(tmp_path)["confusions"]
    assert [(table["variant"], table["split"]) for table in tables] == [
        ("Wide net", "test-large"),
        ("deep", "test-large"),
    ]
    assert tables[0]["columns"] == [0, 1, 2, 3, 4, 5, 7]
    assert {true: sum(counts) for true, counts in tables[0]["rows"]} == {
        true: 3 * LABELS.tolist().count(true) for true in range(6)
    }
    ((_, counts),) = [row for row in tables[1]["rows"] if row[0] == 1]
    assert counts == [0, 3, 0, 1, 0, 0]
    found = Page(page(tmp_path))
    assert "Confusion of Wide net on test-large" in found.text
    assert found.elements.count("details") >= 2


def test_confusion_is_of_the_last_split_whatever_was_predicted(tmp_path):
    below = {variant: {**splits, "test-large": splits["test-large"].copy()} for variant, splits in PREDICTIONS.items()}
    below["wide"]["test-large"][0, 0] = -3
    below["deep"]["test-large"][0, 0] = np.nan
    tables = section(tmp_path, predictions=below)["confusions"]
    assert [table["split"] for table in tables] == ["test-large", "test-large"]
    assert tables[0]["columns"][0] == -3
    assert tables[1]["columns"][-1] == "none"
    assert tables[1]["rows"][0][1][-1] == 1
    assert all(isinstance(count, int) for _, counts in tables[1]["rows"] for count in counts)


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


def test_report_is_written_whole_or_not_at_all(tmp_path, files_no_longer_than):
    (tmp_path / "report.html").write_text("old")
    with pytest.raises(CalotypeError, match=r"report\.html: cannot be written"), files_no_longer_than(100):
        report.write_text("x" * 1000, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text() == "old"


# ---- Claims ----------------------------------------------------------------------------------------------------------


def judged(tmp_path, **number):
    (row,) = section(tmp_path, claims=[claim(**number)])["claims"]
    return row


@pytest.mark.parametrize(
    ("number", "claimed", "verdict"),
    [
        ({"value": 0.9}, "90.0 %", "agrees"),
        ({"value": 0.2}, "20.0 %", "differs"),
        ({"at_least": 0.5}, "at least 50.0 %", "agrees"),
        ({"at_most": 0.5}, "at most 50.0 %", "differs"),
        ({"at_least": 0.9}, "at least 90.0 %", "open"),
        ({"at_least": 0.5, "variant": "deep"}, "at least 50.0 %", "open"),
        ({"at_most": 0.0, "metric": "off_by_more_than_one"}, "at most 0.0 %", "open"),
        ({"value": 4.0, "metric": "sum_of_squared_errors"}, "4", "agrees"),
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
    assert row["measured"] == f"90.0 % {row['interval']}"
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
    assert (row["measured"], row["interval"], row["n"]) == ("95.0 %", "", 1)


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
    assert (
        lines[5]
        == "  claimed: exact count 90.0 % on test; measured: " + judged(tmp_path, value=0.9)["measured"] + "; agrees"
    )
    assert lines[6].startswith("  claimed: off by more than one at most 50.0 % on test; measured: 10.0 %")
    assert lines[6].endswith("; agrees")
    assert len(lines) == 7


def test_findings_stand_in_columns(tmp_path):
    lines = report.findings([section(tmp_path, label="A much longer name", claims=[])]).splitlines()[1:]
    assert len({line.index("exact count") for line in lines}) == 1


def test_a_training_that_diverged_still_gets_its_page(tmp_path):
    lost = {**PREDICTIONS, "wide": {split: np.full((3, 20), np.nan, np.float32) for split in ("test", "test-large")}}
    claims = [claim(value=0.9), claim(value=4.0, metric="sum_of_squared_errors")]
    made = section(tmp_path, predictions=lost, claims=claims)
    assert [row["verdict"] for row in made["claims"]] == ["differs", "open"]
    assert made["claims"][1]["reason"] == "a training diverged"
    assert "0.0 %" in report.findings([made])
    assert made["confusions"][0]["columns"] == ["none"]
    Page(report.render(TEMPLATE, [made], []))


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
