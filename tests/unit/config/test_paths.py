"""Paths of files: existing packs stay, and every part of the workflow finds the same files."""

import signal

import pytest

from calotype.config.dataset_drawn import DotsDataset
from calotype.config.dataset_fetched import CsvDataset
from calotype.config.dataset_images import ImagesDataset
from calotype.config.load import Config, Settings
from calotype.config.paths import EVALUATED, LATEX, Layout
from calotype.config.study import Study

DOTS = {"source": "dots", "splits": {name: {"images": 5, "seed": 1} for name in ("train", "test", "unused")}}
DIGITS = {
    "source": "csv",
    "fetch": {"files": {"digits.csv": "a" * 64}, "sources": [{"python": "scikit-learn"}]},
    "splits": {name: {"table": "digits.csv", "first": i} for i, name in enumerate(("train", "test", "more"))},
    "classes": ["zero", "one"],
}


def study(**changes):
    recipe = {"model": "dots_source", "loss": "huber", "optimizer": "adam", "epochs": 1, "batch_size": 8}
    made = {"title": "Dots", "dataset": "dots", "task": "count", "tests": ["test"]}
    made["variants"] = {"wide": recipe | {"label": "Wide net"}, "deep": recipe | {"seeds": 1}}
    return Study.model_validate(made | changes)


def digits(**changes):
    """Return a study that classifies."""
    recipe = {"model": "dense", "loss": "categorical_crossentropy", "optimizer": "adam", "epochs": 1, "batch_size": 8}
    variants = {"plain": recipe, "other": recipe | {"seeds_per_job": 5}}
    return study(title="Digits", dataset="digits", task="classify", variants=variants, **changes)


def layout(root, seeds=5, seeds_per_job=3, paper=(), **studies):
    studies = studies or {"dots": study()}
    config = Config(
        Settings(
            studies=list(studies),
            paper=list(paper),
            seeds=seeds,
            seeds_per_job=seeds_per_job,
            results="out",
            data="raw",
        ),
        {"dots": DotsDataset.model_validate(DOTS), "digits": CsvDataset.model_validate(DIGITS)},
        studies,
    )
    return Layout(config, root)


def two(root):
    return layout(root, one=study(), two=study())


def with_user_images(root):
    """Return a study of the user's own images beside a study of drawn images."""
    made = layout(root, dots=study(), leaves=digits().model_copy(update={"dataset": "leaves"}))
    splits = {"train": {"share": 0.8}, "test": {"share": 0.1}, "spare": {"share": 0.1}}
    leaves = {"source": "images", "folder": "leaves", "classes": ["oak", "beech"], "splits": splits}
    made.config.datasets["leaves"] = ImagesDataset.model_validate(leaves)
    return made


def every_kind(root):
    """Studies of every task, which ask for every figure."""
    classes = digits(example=1, feature_maps="plain")
    return layout(root, dots=study(), digits=classes, size=study(task="regress"))


def finish(root, pack, variant="wide", study="dots"):
    folder = root / "out" / study / variant / pack
    folder.mkdir(parents=True)
    (folder / "provenance.json").write_text("{}")


def test_more_seeds_find_the_packs_that_are_there(tmp_path):
    assert layout(tmp_path).packs("dots", "wide") == [(0, 2), (3, 4)]
    finish(tmp_path, "seeds-000-002")
    finish(tmp_path, "seeds-003-004")
    assert layout(tmp_path, seeds=9, seeds_per_job=2).packs("dots", "wide") == [(0, 2), (3, 4), (5, 6), (7, 8)]


def test_a_pack_has_the_cores_of_its_runs_side_by_side_and_no_more(tmp_path):
    made = study()
    recipe = made.variants["wide"].model_copy(update={"threads": 2, "side_by_side": 3})
    found = layout(tmp_path, dots=made.model_copy(update={"variants": {"wide": recipe}}))
    assert [found.cores("dots", "wide", "000", last) for last in ("000", "001", "007")] == [2, 4, 6]


def test_a_pack_that_did_not_finish_does_not_count_as_one(tmp_path):
    """Provenance is written last."""
    (tmp_path / "out/dots/wide/seeds-000-004/models").mkdir(parents=True)
    assert layout(tmp_path).packs("dots", "wide") == [(0, 2), (3, 4)]


def test_packs_of_other_variants_and_studies_do_not_count(tmp_path):
    finish(tmp_path, "seeds-000-004", variant="deep")
    finish(tmp_path, "seeds-000-004", study="other")
    assert layout(tmp_path).packs("dots", "wide") == [(0, 2), (3, 4)]


@pytest.fixture
def no_hang():
    """Fail after some seconds, because an endless plan fills the memory of the machine."""

    def stop(*_):
        raise TimeoutError("the plan does not end")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("no_hang")
@pytest.mark.parametrize("name", ["seeds-old-copy", "seeds-000-004-backup", "seeds-a-b", "seeds-004-000"])
def test_a_folder_that_a_user_set_aside_does_not_stop_the_workflow(tmp_path, name):
    finish(tmp_path, name)
    assert layout(tmp_path).packs("dots", "wide") == [(0, 2), (3, 4)]


def test_a_thousand_seeds_have_their_places(tmp_path):
    paths = layout(tmp_path, seeds=1001, seeds_per_job=500).pack_paths("dots", "history.csv")
    assert paths[:3] == [
        "out/dots/wide/seeds-000-499/history.csv",
        "out/dots/wide/seeds-500-999/history.csv",
        "out/dots/wide/seeds-1000-1000/history.csv",
    ]
    finish(tmp_path, "seeds-1000-1000")
    assert layout(tmp_path, seeds=1001, seeds_per_job=500).packs("dots", "wide")[-1] == (1000, 1000)


def test_a_variant_may_have_a_pack_size_of_its_own(tmp_path):
    made = layout(tmp_path, digits=digits())
    assert (made.packs("digits", "plain"), made.packs("digits", "other")) == ([(0, 2), (3, 4)], [(0, 4)])


def test_paths_of_packs_stand_in_the_order_of_the_packs(tmp_path):
    made = two(tmp_path)
    assert made.study_packs("one") == [("wide", 0, 2), ("wide", 3, 4), ("deep", 0, 0)]
    expected = [f"out/one/{v}/seeds-{a:03d}-{b:03d}/x" for v, a, b in made.study_packs("one")]
    assert made.pack_paths("one", "x") == expected
    assert made.pack_paths("one", "x", "deep") == ["out/one/deep/seeds-000-000/x"]


def test_checkpoints_lie_beside_the_studies_and_are_nothing_that_a_report_asks_for(tmp_path):
    made = layout(tmp_path)
    assert made.checkpoints.format(study="dots") == "out/checkpoints/dots"
    assert not [path for path in made.everything("report") if "checkpoints" in path]


def test_each_report_holds_its_studies_and_no_others(tmp_path):
    made = layout(tmp_path, paper=["digits"], dots=study(), digits=digits())
    assert made.reports() == {"report": ["dots", "digits"], "paper": ["digits"], "dots": ["dots"], "digits": ["digits"]}
    everything = made.everything("digits")
    assert everything[0] == "out/digits.html"
    assert all(path.startswith("out/digits") for path in everything)
    assert {path.rsplit("/", 1)[1] for path in everything if path.endswith(".tex")} == {
        *(f"{name}{end}.tex" for name in ("summary", "claims", "layers") for end in ("", "-tabular")), "numbers.tex"
    }  # fmt: skip
    assert set(made.everything("paper")) - {"out/paper.html"} == set(everything) - {"out/digits.html"}
    assert set(everything) - {"out/digits.html"} < set(made.everything("report"))
    assert len(set(made.everything("report"))) == len(made.everything("report"))


def test_raw_files_of_a_fetched_dataset_lie_together_and_drawn_splits_each_by_itself(tmp_path):
    made = layout(tmp_path)
    assert (made.raw("dots", "test"), made.raw("digits", "test")) == ("raw/dots/test", "raw/digits/SHA256SUMS")
    assert made.raw("digits", "train") == made.raw("digits", "test")
    assert (made.of_origin("drawn"), made.of_origin("fetched")) == (["dots"], ["digits"])


def test_tables_that_a_report_asks_for_are_all_that_evaluation_and_claims_write(tmp_path):
    """Snakemake makes a deleted file again only if the call asks for it."""
    tables = {path.rpartition("/")[2] for path in layout(tmp_path).everything("dots") if path.endswith(("csv", "tex"))}
    assert tables == {f"{name}.csv" for name in (*EVALUATED, "claims")} | {f"{name}.tex" for name in LATEX}


def test_figures_of_variants_are_asked_for_by_the_folder_that_holds_them(tmp_path):
    made = layout(tmp_path, one=digits(), two=digits())
    files = made.figure_outputs(["one", "two"], (".pdf", ".svg"))
    assert files == [
        f"out/{study}/figures/{figure.stem}{suffix}"
        for study in ("one", "two")
        for figure in made.figures(study)
        for suffix in ([""] if figure.per_variant else [".pdf", ".svg"])
    ]
    assert {"out/one/figures/seeds.svg", "out/two/figures/confusion-matrices"} < {*files}


def test_the_report_shows_each_figure_once_and_those_of_variants_in_their_order(tmp_path):
    made = layout(tmp_path, one=digits(), dots=study())
    shown = made.shown_figures(["one", "dots"])
    assert len(set(shown)) == len(shown)
    for name, stem, caption, file in shown:
        assert file == f"out/{name}/figures/{stem}.svg"
        assert caption in {figure.name for figure in made.figures(name)}
    assert [stem for name, stem, *_ in shown if name == "one" and "/" in stem] == [
        f"{figure.stem}/{variant}"
        for figure in made.figures("one")
        if figure.per_variant
        for variant in ("plain", "other")
    ]
    assert {file.rpartition(".")[0] for *_, file in shown if file.count("/") == 3} == {
        file.rpartition(".")[0] for file in made.figure_outputs(["one", "dots"], (".svg",)) if "." in file
    }


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({}, set()),
        ({"example": 3}, {"example"}),
        ({"example": 3, "feature_maps": "plain"}, {"example", "feature_maps"}),
    ],
)
def test_a_study_that_classifies_has_the_figures_that_it_asks_for(tmp_path, changes, more):
    figures = {figure.name for figure in layout(tmp_path, digits=digits(**changes)).figures("digits")}
    assert figures & {"example", "feature_maps"} == more


@pytest.mark.parametrize(("names", "curves"), [("ab", True), ("abc", False)])
def test_curves_of_a_positive_class_are_drawn_where_there_are_two_and_not_where_there_are_more(tmp_path, names, curves):
    made = layout(tmp_path, digits=digits())
    made.config.datasets["digits"] = CsvDataset.model_validate(DIGITS | {"classes": [*names]})
    figures = {figure.name for figure in made.figures("digits")}
    assert figures & {"roc_curves", "precision_recall_curves"} == (
        {"roc_curves", "precision_recall_curves"} if curves else set()
    )


def test_each_study_is_in_one_set_of_figures_and_shares_it_with_those_that_have_the_same(tmp_path):
    made = layout(tmp_path, dots=study(), digits=digits(), more=digits(), shown=digits(example=3))
    sets = made.figure_sets()
    assert sorted(sets.values()) == [["digits", "more"], ["dots"], ["shown"]]
    assert all(tuple(made.figures(name)) == figures for figures, names in sets.items() for name in names)


def test_figures_know_where_images_and_models_of_a_study_lie(tmp_path):
    made = layout(tmp_path, digits=digits(example=3, feature_maps="other"))
    known = made.results_of("digits") | made.shown_in_figures("digits")
    assert known["arrays"] == {"test": "out/prepared/digits/test.npy"}
    assert known["feature_maps"] == ("other", "out/digits/other/seeds-000-004/models")
    assert (known["labels"], known["classes"]) == ({"plain": "plain", "other": "other"}, ["zero", "one"])


def test_splits_that_nobody_uses_cost_no_job(tmp_path):
    jobs = layout(tmp_path).jobs(["dots"])
    assert {what for stage, what in jobs if stage in ("draw", "prepare")} == {"dots/train", "dots/test"}


def test_a_report_charges_no_study_for_a_download_that_was_paid_for_before(tmp_path):
    """The benchmark of an earlier download would be no cost of this report."""
    jobs = layout(tmp_path, digits=digits()).jobs(["digits"])
    assert jobs[:2] == [("prepare", "digits/train"), ("prepare", "digits/test")]
    assert not [what for stage, what in jobs if stage in ("draw", "fetch_dataset")]


def test_a_report_pays_for_the_jobs_of_its_own_studies_only(tmp_path):
    made = layout(tmp_path, dots=study(), digits=digits())
    assert not [job for job in made.jobs(["digits"]) if "dots" in job[1]]
    assert not [job for job in made.jobs(["dots"]) if "digits" in job[1]]
    assert sorted(made.jobs(["dots", "digits"])) == sorted(made.jobs(["dots"]) + made.jobs(["digits"]))


def test_every_study_has_its_jobs_and_no_two_are_the_same(tmp_path):
    jobs = two(tmp_path).jobs(["one", "two"])
    assert len(set(jobs)) == len(jobs)
    of_one, of_two = ([stage for stage, what in jobs if what.startswith(name)] for name in ("one", "two"))
    assert of_one == of_two
    assert {"evaluate", "claims"} < {*of_one}


def test_every_job_of_a_report_has_its_rule_and_its_benchmark(rules, tmp_path):
    """The report reads a benchmark file for each."""
    every = every_kind(tmp_path)
    for stage in {stage for stage, _ in every.jobs([*every.config.studies])}:
        assert rules[stage]["benchmark"].startswith(f"results/benchmarks/{stage}/"), stage


def test_the_report_shows_previews_of_user_images_and_makes_none_of_drawn_images(tmp_path):
    made = with_user_images(tmp_path)
    folder = "out/prepared/leaves"
    assert made.report_previews(["dots"]) == []
    assert made.report_previews(["dots", "leaves"]) == [
        ("leaves", "train", f"{folder}/train-preview.svg"), ("leaves", "test", f"{folder}/test-preview.svg")
    ]  # fmt: skip
    jobs = made.jobs(["dots", "leaves"])
    assert [what for stage, what in jobs if stage == "preview"] == ["leaves/train", "leaves/test"]


def test_a_variant_without_label_is_called_by_its_name(tmp_path):
    described = layout(tmp_path).described(["dots"])["dots"]
    assert {key: variant["label"] for key, variant in described["variants"].items()} == {
        "wide": "Wide net",
        "deep": "deep",
    }


def test_the_report_is_told_of_metrics_classes_and_whose_images_they_were(tmp_path):
    described = layout(tmp_path, dots=study(), digits=digits(metric="error")).described(["digits", "dots"])
    assert list(described) == ["digits", "dots"]
    assert described["digits"]["metrics"] == ["error", "log_loss"]
    assert described["digits"]["results"]["classes"] == ["zero", "one"]
    assert described["dots"]["results"]["classes"] == []
    assert (described["digits"]["same_images"], described["dots"]["same_images"]) == (True, False)


def test_claims_and_report_agree_on_whose_images_a_source_tested_on(tmp_path):
    """Else a claim would be judged by a wider range than the page says, or a narrower one."""
    made = layout(tmp_path, dots=study(), digits=digits())
    for name in ("dots", "digits"):
        assert made.same_images(name) is made.described([name])[name]["same_images"]
