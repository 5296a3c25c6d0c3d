"""The settings say which studies there are, where files live and which seeds share a job; editors know every key."""

import json
import random
import re

import jsonschema
import pytest
import yaml
from unit.projects import (
    CLASSIFY,
    CLOTHES,
    DATASETS,
    DATASETS_FILE,
    DIGITS,
    SETTINGS,
    SETTINGS_FILE,
    STUDY,
    changed,
)

from calotype.config import load as config
from calotype.config.load import load, plan_packs
from calotype.config.static_checks import check_studies
from calotype.util.errors import CalotypeError

# ---- Valid files -----------------------------------------------------------------------------------------------------


def test_shipped_config_loads(root):
    settings = yaml.safe_load((root / "config/config.yaml").read_text(encoding="utf-8"))
    studies = sorted(path.stem for path in (root / "config/studies").glob("*.yaml"))
    assert set(settings["studies"]) | set(settings["paper"]) <= set(studies)
    shipped = load(settings, root=root)
    assert sorted(shipped.studies) == studies, "any study may be asked for by its name"
    check_studies(shipped)
    assert (sorted(shipped.studies), shipped.broken) == (studies, {})


def test_seeds_of_a_variant_go_before_those_of_the_config(project):
    loaded = project.load()
    assert (loaded.seeds("dots", "wide"), loaded.seeds("dots", "deep")) == (5, 2)


def test_splits_that_no_study_uses_are_not_drawn(project):
    assert project.load().splits_used("dots", ["dots"]) == ["train", "test"]
    project.study(changed(STUDY, "claims", []) | {"tests": ["test"]}, "again")
    project.study(changed(STUDY, "claims", []) | {"tests": ["test-large"]}, "dots")
    loaded = project.load({"studies": ["dots", "again"]})
    assert loaded.splits_used("dots", ["dots", "again"]) == ["train", "test", "test-large"]
    assert loaded.splits_used("dots", ["again"]) == ["train", "test"], "of the studies that are asked for"
    assert loaded.splits_used("dots", []) == []


def test_splits_of_another_dataset_with_the_same_names_are_not_drawn(classes):
    loaded = classes.load()
    assert loaded.splits_used("clothes", ["dots", "clothes"]) == ["train", "test"]
    assert loaded.splits_used("digits", ["dots", "clothes"]) == []
    assert loaded.splits_used("clothes", ["dots"]) == []


def test_a_study_that_is_not_named_in_the_settings_can_be_asked_for(project):
    project.study(changed(STUDY, "title", "Again"), "again")
    loaded = project.load()
    assert loaded.settings.studies == ["dots"]
    assert list(loaded.studies) == ["dots", "again"]
    assert loaded.studies["again"].title == "Again"


def test_the_studies_of_the_paper_stand_before_those_that_nobody_named(project):
    for name in ("another", "paper-study"):
        project.study(STUDY, name)
    loaded = project.load(SETTINGS | {"paper": ["paper-study"]})
    assert list(loaded.studies) == ["dots", "paper-study", "another"]


def test_a_study_that_is_being_written_stops_no_other_and_is_answered_once_it_is_asked_for(project):
    complaint = "config/studies/later.yaml: variants.wide.epochs: -3 is not a positive whole number."
    loaded = project.study(changed(STUDY, "variants.wide.epochs", -3), "later").load()
    assert list(loaded.studies) == ["dots"]
    assert loaded.broken == {"later": complaint}
    for asked in ({"studies": ["dots", "later"]}, {"paper": ["later"]}):
        assert project.complaint(SETTINGS | asked) == complaint
    assert "config/studies/later.yaml, line " in project.study("title: [\n", "later").load().broken["later"]


def test_one_broken_study_does_not_hide_another(project):
    project.study("title: [\n", "a").study(STUDY, "b").study(changed(STUDY, "tests", []), "c")
    loaded = project.load()
    assert (list(loaded.studies), list(loaded.broken)) == (["dots", "b"], ["a", "c"])


@pytest.mark.parametrize("name", [".#dots", "#dots#", "dots copy", "dots(1)", "-n", ".dots"])
def test_what_an_editor_leaves_beside_a_study_stops_nothing_and_is_no_study(project, name):
    loaded = project.study("not: [a study\n", name).load()
    assert (list(loaded.studies), loaded.broken) == (["dots"], {})


def test_the_lock_of_an_editor_beside_a_study_stops_nothing(project):
    """Emacs marks a file that is being edited with a link to nowhere."""
    (project.folder / "config/studies/.#dots.yaml").symlink_to("someone@somewhere.4711:1")
    (project.folder / "config/studies/lost.yaml").symlink_to("nowhere.yaml")
    loaded = project.load()
    assert (list(loaded.studies), list(loaded.broken)) == (["dots"], ["lost"])


def test_a_file_of_another_kind_beside_the_studies_stops_nothing(project):
    (project.folder / "config/studies/notes.txt").write_text("not a study")
    (project.folder / "config/studies/dots.yaml.orig").write_text("[")
    assert list(project.load().studies) == ["dots"]


def test_pack_size_of_a_variant_goes_before_that_of_the_config(project):
    loaded = project.study(changed(STUDY, "variants.deep.seeds_per_job", 50)).load(SETTINGS | {"seeds_per_job": 4})
    assert (loaded.seeds_per_job("dots", "wide"), loaded.seeds_per_job("dots", "deep")) == (4, 50)


@pytest.mark.parametrize(("given", "expected"), [({}, 1.0), ({"checkpoint_minutes": 0}, 0.0)])
def test_at_most_a_minute_of_a_training_is_lost_where_nobody_says_otherwise(project, given, expected):
    assert project.load(SETTINGS | given).settings.checkpoint_minutes == expected


def test_classes_of_a_study_are_those_of_its_dataset(classes):
    loaded = classes.load()
    assert loaded.classes("clothes") == ["Shirt", "Bag", "Ankle boot"]
    assert loaded.classes("dots") == [], "counts are no classes"


def test_a_project_may_begin_with_nothing(tmp_path):
    assert not load({}, root=tmp_path).datasets
    (tmp_path / "config").mkdir()
    (tmp_path / DATASETS_FILE).write_text("# nothing yet\n")
    assert not load({"studies": []}, root=tmp_path).datasets


def test_a_missing_datasets_file_is_answered_with_the_one_that_is_there(project):
    complaint = project.complaint(SETTINGS | {"datasets": "config/dataset.yaml"})
    assert "config/dataset.yaml: file not found." in complaint
    assert "Hint: did you mean `datasets.yaml`?" in complaint


# ---- Settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("seeds", True, "seeds: true is not a whole number."),
        ("seeds", 0, "seeds: 0 is not a positive whole number."),
        ("seeds_per_job", "3", 'seeds_per_job: "3" is not a whole number.'),
        ("checkpoint_minutes", -1, "checkpoint_minutes: -1 is out of range: it must be >= 0.0."),
        ("checkpoint_minutes", "5", 'checkpoint_minutes: "5" is not a number.'),
        ("checkpoint_minutes", float("inf"), "checkpoint_minutes: Infinity is not a finite number."),
        ("studies", "dots", 'studies: "dots" is not a list.'),
        ("studies", ["../dots"], 'studies.0: "../dots" is not a plain name (letters, digits, - and _).'),
        ("results", None, "results: null is not text."),
        ("paper", "dots", 'paper: "dots" is not a list.'),
        ("studies", ["dots", "dots"], "studies: duplicate study."),
        ("paper", ["dots", "dots"], "paper: duplicate study."),
        ("paper", ["a b"], 'paper.0: "a b" is not a plain name (letters, digits, - and _).'),
    ],
)
def test_wrong_value_in_the_settings_is_named_with_file_and_key(project, key, value, complaint):
    assert project.complaint(SETTINGS | {key: value}) == f"{SETTINGS_FILE}: {complaint}"


@pytest.mark.parametrize("key", ["data", "results", "local_data"])
@pytest.mark.parametrize("path", ["", " ", "a{b", "a}b", "a*", "a?", "~/a", "$HOME/a", "`a`", "a\nb", 'a"b', "a\\b"])
def test_a_folder_that_is_no_plain_path_is_refused(project, key, path):
    """Snakemake takes braces for wildcards; nobody replaces the others."""
    complaint = project.complaint(SETTINGS | {key: path})
    assert complaint.startswith(f"{SETTINGS_FILE}: {key}: {path!r} is not a plain path")
    assert "{ } * ? ~ $" in complaint


def test_folders_may_end_with_a_slash_and_stand_anywhere(project):
    settings = project.load(SETTINGS | {"data": "/scratch/my data/", "results": "../out//"}).settings
    assert (settings.data, settings.results) == ("/scratch/my data", "../out")


@pytest.mark.parametrize(("data", "results"), [("out", "out"), ("out/", "out"), ("results", None), (None, "data")])
def test_data_and_results_are_two_folders(project, data, results):
    folders = {key: value for key, value in (("data", data), ("results", results)) if value}
    complaint = project.complaint(SETTINGS | folders)
    assert complaint.startswith(f"{SETTINGS_FILE}: ")
    assert complaint.endswith("data and results must be different folders.")


def test_a_folder_of_local_data_may_be_named(project):
    assert project.load().settings.local_data is None
    assert project.load(SETTINGS | {"local_data": "/scratch/data/"}).settings.local_data == "/scratch/data"
    assert "local_data: '~/data' is not a plain path" in project.complaint(SETTINGS | {"local_data": "~/data"})


def test_settings_file_is_named_as_the_user_named_it(project):
    with pytest.raises(CalotypeError, match=r"^my/settings\.yaml: seeds: 0 is not a positive whole number\.$"):
        load(SETTINGS | {"seeds": 0}, "my/settings.yaml", project.folder)


def test_misspelt_key_of_the_settings_is_answered_with_the_right_one(project):
    complaint = project.complaint(SETTINGS | {"seeds_per_jobs": 3})
    assert complaint == f"{SETTINGS_FILE}: seeds_per_jobs: is not a known key. Hint: did you mean `seeds_per_job`?"


def test_misspelt_study_is_answered_with_the_right_one(project):
    complaint = project.complaint({"studies": ["dost"]})
    assert complaint.startswith(f"{SETTINGS_FILE}: studies: study `dost` not found (config/studies/dost.yaml).")
    assert "Hint: did you mean `dots`?" in complaint


def test_misspelt_study_of_the_paper_is_looked_for_there(project):
    complaint = project.complaint(SETTINGS | {"paper": ["dost"]})
    assert complaint.startswith(f"{SETTINGS_FILE}: paper: study `dost` not found (config/studies/dost.yaml).")
    assert "Hint: did you mean `dots`?" in complaint


@pytest.mark.parametrize("name", ["benchmarks", "checkpoints", "logs", "paper", "prepared", "report"])
def test_a_study_does_not_overwrite_what_the_workflow_keeps_in_results(project, name):
    """Nor if nobody asks for it yet: `snakemake paper` means something else."""
    complaint = f"config/studies/{name}.yaml: `{name}` is a reserved name."
    assert project.study(STUDY, name).load().broken == {name: complaint + "\nHint: rename the file."}
    assert project.complaint({"studies": [name]}).startswith(complaint)


# ---- Schemas ---------------------------------------------------------------------------------------------------------


def test_schemas_of_the_editors_are_those_of_the_config(root):
    expected = {name: json.dumps(schema, indent=2) + "\n" for name, schema in config.schemas().items()}
    found = {path.name: path.read_text(encoding="utf-8") for path in (root / "workflow/schemas").glob("*.json")}
    assert found == expected, "generate workflow/schemas anew"


@pytest.mark.parametrize("file", ["study", "datasets", "config"])
def test_editors_explain_every_key(file):
    schema = config.schemas()[f"{file}.schema.json"]
    parts = {file: schema, **schema.get("$defs", {})}
    assert sum(len(part.get("properties", {})) for part in parts.values()) >= 9
    for name, part in parts.items():
        for key, entry in part.get("properties", {}).items():
            assert entry.get("description"), f"{name}.{key} has no description"


@pytest.mark.parametrize("schema", sorted(config.schemas()))
def test_schemas_are_valid(schema):
    jsonschema.Draft202012Validator.check_schema(config.schemas()[schema])


def test_editors_do_not_complain_about_the_shipped_config(root):
    files = {"config/config.yaml": "config", "config/datasets.yaml": "datasets"}
    files |= {str(path.relative_to(root)): "study" for path in (root / "config/studies").glob("*.yaml")}
    for file, kind in files.items():
        text = (root / file).read_text(encoding="utf-8")
        jsonschema.validate(yaml.safe_load(text), config.schemas()[f"{kind}.schema.json"])
        reference = re.search(r"\$schema=(\S+)", text)
        assert reference, f"{file} names no schema"
        assert (root / file).parent.joinpath(reference[1]).resolve() == root / f"workflow/schemas/{kind}.schema.json"


@pytest.mark.parametrize("kind", ["idx", "csv", "dots"])
def test_editors_take_every_kind_of_dataset_and_no_mixture_of_them(kind):
    valid = jsonschema.Draft202012Validator(config.schemas()["datasets.schema.json"]).is_valid
    entry = {"idx": CLOTHES, "csv": DIGITS, "dots": DATASETS["dots"]}[kind]
    other = {"idx": "csv", "csv": "dots", "dots": "idx"}[kind]
    assert valid({"some": entry})
    assert not valid({"some": entry | {"source": other}})
    assert not valid({"some": {key: value for key, value in entry.items() if key != "source"}})
    assert not valid({"some": entry | {"sauce": "dots"}})


def test_editors_take_an_augmentation_and_an_optimizer_by_name_or_with_settings():
    valid = jsonschema.Draft202012Validator(config.schemas()["study.schema.json"]).is_valid
    for augment in (["flip"], [{"name": "shift", "pixels": 2}], ["flip", {"name": "erase", "pixels": 2}]):
        assert valid(changed(CLASSIFY, "variants.plain.augment", augment))
        assert valid(changed(CLASSIFY, "defaults.augment", augment))
    assert not valid(changed(CLASSIFY, "variants.plain.augment", ["flop"]))
    assert not valid(changed(CLASSIFY, "variants.plain.optimizer", "sgdd"))


@pytest.mark.parametrize("key", ["label", "description", "seeds", "epochs", "seeds_per_job"])
def test_editors_and_the_workflow_agree_on_what_defaults_may_hold(project, key):
    study = changed(STUDY, f"defaults.{key}", "text" if key in ("label", "description") else 3)
    for variant in study["variants"].values():
        variant.pop(key, None)
    in_editor = jsonschema.Draft202012Validator(config.schemas()["study.schema.json"]).is_valid(study)
    try:
        project.study(study).load()
        in_workflow = True
    except CalotypeError:
        in_workflow = False
    assert in_editor == in_workflow


# ---- Packs -----------------------------------------------------------------------------------------------------------


def seeds_of(packs):
    return [seed for first, last in packs for seed in range(first, last + 1)]


def test_seeds_are_cut_into_packs():
    assert plan_packs(7, 3) == [(0, 2), (3, 5), (6, 6)]
    assert plan_packs(1, 5) == [(0, 0)]
    assert plan_packs(6, 3) == [(0, 2), (3, 5)]


def test_more_seeds_do_not_retrain_the_old_ones():
    old = plan_packs(5, 3)
    assert plan_packs(10, 3, old) == [(0, 2), (3, 4), (5, 7), (8, 9)]


def test_another_pack_size_retrains_nothing():
    old = plan_packs(10, 3)
    for size in range(1, 12):
        assert plan_packs(10, size, old) == old


def test_fewer_seeds_retrain_nothing():
    old = plan_packs(10, 4)
    assert plan_packs(5, 4, old) == [(0, 3), (4, 7)]
    assert plan_packs(10, 4, old) == old


def test_lost_pack_is_trained_again_and_no_other():
    assert plan_packs(9, 3, [(0, 2), (6, 8)]) == [(0, 2), (3, 5), (6, 8)]
    assert plan_packs(9, 5, [(0, 2), (6, 8)]) == [(0, 2), (3, 5), (6, 8)]


def any_packs(rng: random.Random) -> list[tuple[int, int]]:
    """Packs as a user could have left them in a folder: of any size, with gaps, even overlapping."""
    starts = [rng.randrange(30) for _ in range(rng.randrange(6))]
    return [(first, first + rng.randrange(8)) for first in starts]


def test_every_seed_is_in_exactly_one_pack_whatever_is_there():
    rng = random.Random(1)
    for _ in range(3000):
        seeds, size, there = rng.randint(1, 40), rng.randint(1, 10), any_packs(rng)
        packs = plan_packs(seeds, size, there)
        covered = seeds_of(packs)
        assert covered == list(range(len(covered)))
        assert len(covered) >= seeds
        assert len(covered) == seeds or packs[-1] in there, "only a pack that exists may reach beyond the seeds"
        assert all(last - first < size for first, last in packs if (first, last) not in there)
        assert all(first < seeds for first, _ in packs)


def test_plan_does_not_change_while_its_packs_finish_in_any_order():
    """Every job on a cluster plans again, and must find its own pack in the plan."""
    rng = random.Random(2)
    for _ in range(1500):
        seeds, size, there = rng.randint(1, 40), rng.randint(1, 10), any_packs(rng)
        plan = plan_packs(seeds, size, there)
        waiting = [pack for pack in plan if pack not in there]
        rng.shuffle(waiting)
        for pack in waiting:
            there.append(pack)
            rng.shuffle(there)
            assert plan_packs(seeds, size, there) == plan


def test_no_seed_is_ever_trained_twice_by_a_user_who_changes_their_mind():
    """Numbers of seeds and pack sizes change, and runs are interrupted; finished packs stay."""
    rng = random.Random(3)
    for _ in range(1000):
        there: list[tuple[int, int]] = []
        for _ in range(rng.randint(1, 8)):
            seeds = rng.randint(1, 40)
            plan = plan_packs(seeds, rng.randint(1, 10), there)
            assert {pack for pack in there if pack[0] < seeds} <= set(plan)
            new = [pack for pack in plan if pack not in there]
            there += rng.sample(new, rng.randint(0, len(new)))
            assert len(set(seeds_of(there))) == len(seeds_of(there))
