"""A stage runs again only for a reason: each test edits one thing and reads the plan."""

import os
import shutil

import pytest

from calotype.config.paths import EVALUATED, LATEX

TRAIN = {"train": 1}
FIGURES = "figures_count"


def test_a_second_call_does_nothing(finished):
    assert finished.plan() == {}


def test_a_caption_remakes_the_report_and_trains_nothing(finished):
    finished.edit("workflow/report/training_curves.rst", "Training loss", "The training loss")
    assert finished.plan() == {"report": 1, "all": 1}


def test_a_label_trains_nothing_and_measures_nothing_again(finished):
    finished.edit("config/studies/dots.yaml", "The source's net", "Net of the source")
    assert finished.plan() == {"claims": 1, FIGURES: 1, "report": 1, "all": 1}


def test_a_claim_remakes_what_shows_it_and_measures_nothing_again(finished):
    finished.edit("config/studies/dots.yaml", "value: 0.9", "value: 0.8")
    assert finished.plan() == {"claims": 1, FIGURES: 1, "report": 1, "all": 1}


def test_other_words_of_a_claim_change_its_tables_alone(finished):
    study = finished.study()
    study["claims"][0]["quote"] += " So it says."
    finished.write_study(study)
    assert finished.plan() == {"claims": 1, "report": 1, "all": 1}


def test_that_no_training_may_diverge_is_seen_to_without_training_again(finished):
    study = finished.study()
    finished.write_study(study | {"may_diverge": True})
    assert finished.plan() == {}
    finished.write_study(study | {"may_diverge": False})
    plan = finished.plan()
    assert plan["evaluate"] == 1
    assert not plan.keys() & {"draw", "prepare", "train"}


def test_a_metric_or_a_loss_of_other_tasks_evaluates_no_study_again(finished):
    code = "workflow/calotype"
    more = '    Metric("none", "none", {0}),\n    Metric("{1}"'
    finished.edit(f"{code}/metrics/classes.py", '    Metric("macro_f1"', more.format("error", "macro_f1"))
    finished.edit(f"{code}/tasks/labels.py", '    "huber",\n', '    "huber",\n    "huber2",\n')
    finished.edit(f"{code}/tasks/starter.py", "units: [64]", "units: [32]")
    runs = "results/dots/runs.csv"
    assert finished.plan(runs) == {}
    finished.edit(f"{code}/metrics/numbers.py", '    Metric("r2"', more.format("r2", "r2"))
    assert finished.plan(runs) == {"evaluate": 1}


def test_memory_time_and_partition_train_nothing(finished):
    assert finished.plan("--set-resources", "train:mem_mb=9999", "train:runtime=999", "train:slurm_partition=x") == {}


def test_the_pack_size_trains_nothing(finished):
    assert finished.plan("--config", "seeds_per_job=1") == {}


def test_the_epochs_of_a_variant_train_that_variant_alone(finished):
    study = finished.study()
    study["variants"]["source"]["epochs"] = 3
    finished.write_study(study)
    assert finished.trainings() == ["dots/source 0-1"]
    assert {"evaluate", "report", FIGURES} <= finished.plan().keys()


def test_three_more_seeds_train_three(finished):
    assert finished.trainings("--config", "seeds=5", "seeds_per_job=5") == ["dots/source 2-4"]


def test_fewer_seeds_train_nothing(finished):
    plan = finished.plan("--config", "seeds=1")
    assert "train" not in plan
    assert plan.keys() >= {"predict", "evaluate", FIGURES}


def test_a_seed_more_of_one_variant_leaves_the_other_alone(finished):
    study = finished.study()
    study["variants"]["accurate"]["seeds"] = 3
    finished.write_study(study)
    assert finished.trainings() == ["dots/accurate 1-2"]


def test_a_fresh_clone_beside_old_results_runs_nothing(finished):
    for file in finished.folder.joinpath("workflow").rglob("*.py"):
        os.utime(file)
    assert finished.plan() == {}


def test_a_changed_line_in_a_figure_trains_nothing(finished):
    finished.edit("workflow/calotype/figures/base.py", 'WRONG = "#D00000"', 'WRONG = "#C00000"')
    plan = finished.plan()
    assert not plan.keys() & {"draw", "prepare", "train", "evaluate"}
    assert FIGURES in plan


def test_a_figure_can_be_asked_for_alone_and_the_study_does_not_plot_it_again(finished):
    folder, logs = finished.folder / "results/dots/figures", finished.folder / "results/logs/figures/dots"
    before = {name: (folder / name).read_bytes() for name in ("seeds.pdf", "seeds.svg")}
    (folder / "seeds.pdf").unlink()
    others = (folder / "training-curves.svg").stat().st_mtime_ns
    assert finished.plan("results/dots/figures/seeds.pdf") == {f"{FIGURES}_only_seeds": 1}
    finished.run("results/dots/figures/seeds.pdf")
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert (folder / "training-curves.svg").stat().st_mtime_ns == others
    assert (logs / "seeds.log").exists()
    assert FIGURES not in finished.plan()
    assert finished.plan("./results/dots/figures/seeds.svg") == {}


def test_all_figures_of_a_study_are_one_job_with_a_log_of_each(finished):
    folder = finished.folder / "results/dots/figures"
    before = {name: (folder / name).read_bytes() for name in ("training-curves.pdf", "seeds.svg")}
    for name in before:
        (folder / name).unlink()
    tables = "results/dots/runs.csv"
    assert finished.plan("results/dots/figures/seeds.svg", tables) == {FIGURES: 1}, "not a call for figures alone"
    finished.run("results/dots/figures/seeds.svg", tables)
    assert {name: (folder / name).read_bytes() for name in before} == before
    log = (finished.folder / "results/logs/figures/dots.log").read_text(encoding="utf-8")
    assert all(f"{name}: plotted in " in log for name in ("seeds", "training_curves", "contact_sheets"))
    assert finished.plan("results/dots/figures/seeds.pdf", "results/dots/figures/confusion-matrices") == {}


def test_a_deleted_folder_of_figures_is_made_again(finished):
    shutil.rmtree(finished.folder / "results/dots/figures/confusion-matrices")
    assert finished.plan() == {FIGURES: 1, "report": 1, "all": 1}


@pytest.mark.parametrize("name", [f"{name}.csv" for name in (*EVALUATED, "claims")] + [f"{name}.tex" for name in LATEX])
def test_a_deleted_table_is_made_again(finished, name):
    (finished.folder / "results/dots" / name).unlink()
    plan = finished.plan()
    assert plan["evaluate" if name.removesuffix(".csv") in EVALUATED else "claims"] == 1
    assert "train" not in plan


def test_a_variant_that_is_left_out_takes_its_figures_along_and_brings_them_back(finished):
    folder = finished.folder / "results/dots/figures/most-confident-errors"
    before = {file.name: file.read_bytes() for file in folder.glob("[!.]*")}
    assert {name.partition(".")[0] for name in before} == {"source", "accurate"}
    study = finished.study()
    fewer = {key: variant for key, variant in study["variants"].items() if key == "source"}
    finished.write_study(study | {"variants": fewer, "claims": []})
    finished.run("results/report.html")
    assert {file.stem for file in folder.glob("[!.]*")} == {"source"}
    assert "most-confident-errors/accurate" not in (finished.folder / "results/report.html").read_text(encoding="utf-8")
    finished.write_study(study)
    assert finished.trainings() == []
    assert FIGURES in finished.plan()
    finished.run(str(folder.relative_to(finished.folder)))
    assert {file.name: file.read_bytes() for file in folder.glob("[!.]*")} == before


def test_another_image_count_draws_and_trains_what_needs_it(finished):
    finished.edit("config/datasets.yaml", "images: 64", "images: 65")
    assert finished.trainings() == ["dots/source 0-1"]
    plan = finished.plan()
    assert (plan["draw"], plan["prepare"]) == (1, 1)


def test_arrays_touched_but_not_changed_train_nothing(finished):
    for file in finished.folder.joinpath("results/prepared").rglob("*.npy"):
        os.utime(file)
    for file in finished.folder.joinpath("results/prepared").rglob("*.json"):
        os.utime(file)
    assert "train" not in finished.plan()


def test_raw_data_deleted_to_save_space_runs_nothing(finished):
    shutil.rmtree(finished.folder / "data")
    assert "train" not in finished.plan()


def test_a_column_of_a_table_trains_nothing(finished):
    finished.edit("workflow/calotype/util/csv_tables.py", '"setting", "level"', '"setting", "level", "place"')
    assert "train" not in finished.plan()


def test_another_study_leaves_the_first_alone(finished):
    shutil.copy(finished.folder / "config/studies/dots.yaml", finished.folder / "config/studies/again.yaml")
    assert finished.trainings("--config", "studies=[dots,again]") == ["again/accurate 0-0", "again/source 0-1"]


def test_a_project_beside_a_shared_copy_of_the_workflow_can_be_planned(finished, tmp_path):
    own = type(finished)(tmp_path / "own")
    shutil.copytree(finished.folder / "config", own.folder / "config")
    plan = own.plan("--snakefile", str(finished.folder / "Snakefile"))
    assert plan["train"] == 2
