"""The start of a new study: the findings about the images, and the config that is written for them."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from calotype.config import load
from calotype.data.catalogue import write_catalogue
from calotype.data.folder_scan import scan_folder
from calotype.planning.new_study import findings, write_study
from calotype.util.errors import CalotypeError

CLASSES = {"beech": 12, "oak": 9, "10 mm": 8, "2 mm": 8}
HEADER = """# The datasets.

dots:
  source: dots
  splits:
    train: {images: 10, seed: 1}
    test: {images: 5, seed: 2}
"""


def image(number: int, size: tuple[int, int] = (20, 20), channels: int = 3) -> Image.Image:
    pixels = np.random.default_rng(number).integers(0, 256, (*size, channels), np.uint8)
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a config, the start of relative paths."""
    (tmp_path / "config/studies").mkdir(parents=True)
    (tmp_path / "config/datasets.yaml").write_text(HEADER, encoding="utf-8")
    net = {"model": "dots_source", "loss": "mean_squared_error", "optimizer": "adam", "epochs": 1, "batch_size": 1}
    study = {"title": "Dots", "dataset": "dots", "task": "count", "tests": ["test"], "variants": {"a": net}}
    (tmp_path / "config/studies/dots.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def leaves(project: Path) -> Path:
    """Return a folder of images for each class."""
    for label, (name, number) in enumerate(CLASSES.items()):
        (project / "leaves" / name).mkdir(parents=True)
        for i in range(number):
            image(100 * label + i).save(project / f"leaves/{name}/{i}.png")
    return Path("leaves")


def started(place: Path, name: str = "mine") -> load.Config:
    """Return the config with a new study in it, as the next call reads it."""
    settings = {"studies": ["dots"]}
    write_study(name, scan_folder(place), load.validate(load.Settings, settings, "load.yaml"))
    return load.load(settings | {"studies": [name]})


def steps_for(place: Path) -> list:
    """Return the preparation steps that are chosen for images."""
    started(place)
    return yaml.safe_load(Path("config/datasets.yaml").read_text())["mine"]["prepare"]


def test_what_is_written_is_a_study_that_can_be_run(leaves, project):
    found = started(leaves)
    study, dataset = found.studies["mine"], found.datasets["mine"]
    assert dataset.classes == ["2 mm", "10 mm", "beech", "oak"]
    assert (study.task, study.tests) == ("classify", ["test"])
    assert [*study.variants] == ["dense", "convolutions", "augmented"]
    write_catalogue(dataset, project / "catalogue.csv", project / "catalogue.json")


def test_small_images_of_one_size_stay_as_they_are(leaves):
    assert steps_for(leaves) == ["scale"]


def test_what_stood_in_datasets_yaml_stays_as_it_was(leaves):
    started(leaves)
    assert Path("config/datasets.yaml").read_text(encoding="utf-8").startswith(HEADER)


def test_a_second_study_of_a_name_changes_nothing(leaves):
    started(leaves)
    before = Path("config/datasets.yaml").read_bytes()
    with pytest.raises(CalotypeError, match="study `mine` already exists"):
        started(leaves)
    Path("config/studies/mine.yaml").unlink()
    with pytest.raises(CalotypeError, match="dataset `mine` already exists"):
        started(leaves)
    assert Path("config/datasets.yaml").read_bytes() == before


@pytest.mark.parametrize("name", ["", "my leaves", "../up", "a/b", "paper", "ä", "-x", "a\nb", "$(x)"])
def test_a_name_that_cannot_be_a_folder_is_refused(leaves, name):
    with pytest.raises(CalotypeError, match="cannot be the name of a study"):
        started(leaves, name)


def test_a_file_that_cannot_be_added_to_is_left_alone(leaves):
    Path("config/datasets.yaml").write_text(HEADER + "...\n", encoding="utf-8")
    with pytest.raises(CalotypeError, match=r"cannot be appended to.*\n.*\n\nmine:\n  source: images"):
        started(leaves)
    assert Path("config/datasets.yaml").read_text(encoding="utf-8") == HEADER + "...\n"
    assert not Path("config/studies/mine.yaml").exists()


def test_a_project_that_has_no_config_yet_gets_one(leaves):
    for file in ("config/studies/dots.yaml", "config/datasets.yaml"):
        Path(file).unlink()
    Path("config/studies").rmdir()
    write_study("mine", scan_folder(leaves), load.Settings())
    assert [*load.load({"studies": ["mine"]}).datasets] == ["mine"]


@pytest.mark.parametrize("text", ["- a\n", "3\n"])
def test_a_file_of_datasets_that_is_none_is_left_alone(leaves, text):
    Path("config/datasets.yaml").write_text(text)
    with pytest.raises(CalotypeError, match="is not a mapping of datasets"):
        write_study("mine", scan_folder(leaves), load.Settings())
    assert Path("config/datasets.yaml").read_text() == text


def test_large_images_of_one_shape_are_made_smaller_in_that_shape(project):
    for name in ("a", "b"):
        (project / "x" / name).mkdir(parents=True)
        image(ord(name), (120, 160)).save(project / f"x/{name}/1.png")
    assert steps_for(Path("x")) == [{"name": "resize", "width": 64, "height": 48}, "scale"]


def test_images_of_many_shapes_are_brought_to_one(project):
    for i, name in enumerate(("a", "b")):
        (project / "x" / name).mkdir(parents=True)
        image(i, (120, 160 + 50 * i)).save(project / f"x/{name}/1.png")
    first, second, last = steps_for(Path("x"))
    assert first == {"name": "resize", "width": 64, "height": 64, "keep_aspect": True}
    assert second == {"name": "pad", "width": 64, "height": 64}
    assert last == "scale"


@pytest.mark.parametrize(("channels", "first"), [((1, 1), "grey"), ((1, 3), "colour")])
def test_grey_images_are_kept_grey_and_mixed_ones_brought_together(project, channels, first):
    for i, name in enumerate(("a", "b")):
        (project / "x" / name).mkdir(parents=True)
        image(i, channels=channels[i]).save(project / f"x/{name}/1.png")
    assert steps_for(Path("x"))[0] == first


def test_colour_files_without_colour_are_grey(project):
    for i, name in enumerate(("a", "b")):
        (project / "x" / name).mkdir(parents=True)
        image(i, channels=1).convert("RGB").save(project / f"x/{name}/1.png")
    assert steps_for(Path("x"))[0] == "grey"


def test_folders_of_splits_are_taken_as_they_are(project):
    for split in ("Training", "test"):
        for i, name in enumerate(("a", "b")):
            (project / "x" / split / name).mkdir(parents=True)
            image(i + 10 * len(split)).save(project / f"x/{split}/{name}/1.png")
    splits = started(Path("x")).datasets["mine"].splits
    assert [(name, split.folder) for name, split in splits.items()] == [("train", "Training"), ("test", "test")]


TABLE = "File Name,species,part,patient,weight\n" + "".join(
    f"img/{i}.png,{'oak' if i % 2 else 'beech'},{'train' if i < 6 else 'val' if i < 8 else 'test'},p{i // 2},1.5\n"
    for i in range(10)
)


@pytest.fixture
def table(project: Path) -> Path:
    """Return a folder with images and a table of their labels."""
    (project / "x/img").mkdir(parents=True)
    for i in range(10):
        image(i).save(project / f"x/img/{i}.png")
    (project / "x/labels.csv").write_text(TABLE)
    return Path("x")


def test_an_image_without_a_label_is_named_at_once(table):
    (table / "labels.csv").write_text(TABLE.replace("img/4.png,beech", "img/4.png,"))
    with pytest.raises(CalotypeError, match=r"nothing in the column `species` for 1 image\(s\), such as img/4.png"):
        scan_folder(table)


def test_two_words_for_one_split_are_not_taken_for_splits(table):
    (table / "labels.csv").write_text(TABLE.replace("val", "training"))
    assert not scan_folder(table).splits


def relabelled(table: Path, header: str, *columns: Sequence[object]) -> str:
    """Return the message for a folder whose table has these additional columns."""
    lines = [f"img/{i}.png,{','.join(map(str, line))}" for i, line in enumerate(zip(*columns, strict=True))]
    (table / "labels.csv").write_text("\n".join([header, *lines]) + "\n")
    return "\n".join(findings("mine", scan_folder(table)))


def test_the_test_images_of_a_split_that_is_given_stay_there_where_others_are_in_none(table):
    splits = ["train"] * 6 + ["test"] * 2 + ["exclude"] * 2
    said = relabelled(table, "image,split,grade", splits, "ababababab")
    assert "in no split: 2 image(s) with 'exclude' in the column `split`" in said
    dataset = started(table).datasets["mine"]
    assert (dataset.table.label, dataset.table.split) == ("grade", "split")
    assert {name: split.value for name, split in dataset.splits.items()} == {"train": "train", "test": "test"}


def test_a_split_in_words_of_its_own_is_not_passed_over_in_silence(table):
    said = relabelled(table, "image,split,label", ["lernen"] * 4 + ["prüfen"] * 6, "ababababab")
    assert "splits: at random, because of unknown values in the column `split`: 'prüfen', 'lernen'" in said
    assert "write `split: split` under `table`" in said
    assert '`splits: {train: {value: "prüfen"}, test: {value: lernen}}`' in said, "the larger one, where none is known"
    assert started(table).datasets["mine"].table.split is None
    for one, other in (("train", "prove"), ("learn", "test")):
        said = relabelled(table, "image,split,label", [one] * 4 + [other] * 6, "ababababab")
        assert f"`splits: {{train: {{value: {one}}}, test: {{value: {other}}}}}`" in said


def test_a_column_called_as_splits_are_is_never_taken_for_the_label(table):
    relabelled(table, "image,fold,grade", "0101010101", [i / 4 for i in range(10)])
    assert scan_folder(table).table == {"file": "labels.csv", "image": "image", "label": "grade"}


@pytest.mark.parametrize("name", ["PatientID", "patientId", "patient id", "Subject-ID", "SUBJECT_ID"])
def test_the_images_of_one_patient_stay_together_however_the_column_is_spelt(table, name):
    relabelled(table, f"image,{name},label", [f"p{i // 2}" for i in range(10)], "ababababab")
    assert started(table).datasets["mine"].table.group == name


def test_that_nobody_knows_which_images_belong_together_is_said_where_they_are_dealt(leaves, table):
    words = "groups: unknown; if images belong together"
    assert words in "\n".join(findings("mine", scan_folder(leaves)))
    assert words not in relabelled(table, "image,patient,label", [i // 2 for i in range(10)], "ababababab")
    assert words not in relabelled(table, "image,split,label", ["train"] * 5 + ["test"] * 5, "ababababab")
    started(leaves)
    text = Path("config/datasets.yaml").read_text(encoding="utf-8")
    assert "Keep images that belong together" in text
    # The example in the comment is valid.
    random = yaml.safe_load(next(line for line in text.splitlines() if "group_pattern: " in line).strip("# "))
    assert re.search(random["random"]["group_pattern"], "patient-12/1.png")


@pytest.mark.parametrize(("name", "task"), [("weight", "regress"), ("site", "classify"), ("PatientID", "classify")])
def test_the_only_column_beside_the_images_is_their_label_whatever_it_is_called(table, name, task):
    relabelled(table, f"image,{name}", [f"{i / 3:.2f}" if task == "regress" else "ab"[i % 2] for i in range(10)])
    seen = scan_folder(table)
    assert seen.table == {"file": "labels.csv", "image": "image", "label": name}
    assert seen.holds == ("numbers" if task == "regress" else "classes")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("image;label\nimg/0.png;a\n", "names none of the images, such as img/0.png; it has only one column"),
        ("image,label\n0.png,a\n", "names none of the images, such as img/0.png"),
        ("image,label\nimg/0,a\n", "names none of the images, such as img/0.png"),
        ("image,label\nimg/0.png,a\n1,b\n2,b\n", "names images that are there in only 1 of its first 3 lines"),
        (
            "image,split\nimg/0.png,train\nimg/1.png,test\n",
            "names images, but no column is left for a label (`split` is taken for splits)",
        ),
        ("image\nimg/0.png\n", "names images, but no column is left for a label"),
        ("image,label\nimg/0.png,a\nimg/1.png,b,c\n", "cannot be read as UTF-8 text with commas between its columns"),
        ("", "cannot be read as UTF-8 text with commas between its columns"),
    ],
)
def test_why_a_table_is_not_used_is_said(table, text, reason):
    (table / "labels.csv").write_text(text)
    for place in (table, table / "labels.csv"):
        with pytest.raises(CalotypeError, match=re.escape(f"labels.csv {reason}")):
            scan_folder(place)


def test_a_table_beside_folders_of_classes_is_not_passed_over_in_silence(leaves):
    (leaves / "labels.csv").write_text("image;label\noak/0.png;oak\n")
    said = "\n".join(findings("mine", scan_folder(leaves)))
    assert "not used: labels.csv names none of the images, such as 10 mm/0.png; it has only one column" in said


def test_lines_of_images_that_are_not_there_are_said(table):
    for i in (3, 5):
        (table / f"img/{i}.png").unlink()
    said = "\n".join(findings("mine", scan_folder(table)))
    assert "missing: 2 image(s), such as img/3.png; restore them, or delete their lines in labels.csv" in said


def test_classes_that_a_slip_has_parted_are_said(table):
    said = relabelled(table, "image,label", ["oak", "oak ", "Oak", "elm", "elm"] * 2)
    assert "similar classes: 'Oak' and 'oak' and 'oak ' differ only in spaces or capitals" in said


def test_nothing_is_said_of_a_fifth_where_the_splits_are_given(table):
    said = "\n".join(findings("mine", scan_folder(table)))
    assert "small class: `beech` has 5 images" in said
    assert "a fifth" not in said


def test_a_validation_split_that_is_given_chooses_the_epoch(table):
    (variant, *_) = started(table).studies["mine"].variants.values()
    assert (variant.validation, variant.validation_split) == ("validation", 0)


def test_what_is_kept_together_is_said(table):
    (table / "labels.csv").write_text(TABLE.replace("part", "remark"))
    assert "groups: images with the same `patient` stay in one split" in "\n".join(findings("mine", scan_folder(table)))


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("place", ["x", "x/labels.csv"])
def test_the_columns_of_a_table_are_found(place):
    found = started(Path(place)).datasets["mine"]
    assert found.table.model_dump() == {
        "file": "labels.csv", "image": "File Name", "label": "species", "split": "part", "weight": "weight",
        "group": "patient",
    }  # fmt: skip
    assert {name: split.value for name, split in found.splits.items()} == {
        "test": "test", "train": "train", "validation": "val",
    }  # fmt: skip
    assert found.classes == ["beech", "oak"]


@pytest.mark.parametrize(
    ("column", "values", "holds", "task"),
    [
        ("cell_count", range(10), "counts", "count"),
        ("class", [0, 1] * 5, "classes", "classify"),
        ("value", [i / 3 for i in range(10)], "numbers", "regress"),
        ("class", ["yes", "no"] * 5, "classes", "classify"),
    ],
)
def test_what_labels_are_is_seen_from_them(table, column, values, holds, task):
    lines = [f"img/{i}.png,{value}" for i, value in enumerate(values)]
    (table / "labels.csv").write_text("\n".join([f"image,{column}", *lines]))
    seen = scan_folder(table)
    assert seen.holds == holds
    study = started(table).studies["mine"]
    assert study.task == task
    assert study.variants["convolutions"].scale_targets == (task != "classify"), "1,000 to 6,000 would not be learnt"


def test_images_that_the_table_leaves_out_and_other_files_are_said(table):
    image(77).save("x/img/77.png")
    Path("x/notes.txt").write_text("?")
    dataset = started(table).datasets["mine"]
    assert dataset.unlabelled == "ignore"
    assert dataset.ignore == ["*.txt"]
    text = Path("config/datasets.yaml").read_text()
    assert "# 1 image(s) that the table does not name" in text


def test_what_is_wrong_with_the_images_is_said_before_anything_is_trained(leaves):
    (leaves / "oak/0.png").write_bytes(b"")
    (leaves / "oak/1.png").write_bytes(b"junk")
    (leaves / "oak/2.png").write_bytes((leaves / "beech/2.png").read_bytes())
    said = "\n".join(findings("mine", scan_folder(leaves)))
    for expected in (
        "mine: 35 images in leaves",
        "classes: 2 mm 8, 10 mm 8, beech 12, oak 9",
        "20 x 20 px, colour, 8 bit",
        "small class: `2 mm` has 8 images",
        "same pixels: beech/2.png = oak/2.png",
        "unreadable: 2 image(s)",
        "oak/0.png: the file is empty.",
    ):
        assert expected in said


def test_transparent_images_are_laid_on_white_and_it_is_said(leaves):
    clear = Image.new("RGBA", (20, 20), (255, 0, 0, 100))
    clear.save(leaves / "oak/0.png")
    assert started(leaves).datasets["mine"].alpha == "white"


def test_black_drawings_on_nothing_are_told_apart_by_their_shape(leaves):
    for i in range(2):
        drawing = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
        drawing.paste((0, 0, 0, 255), (5, 5, 10 + i, 10))
        drawing.save(leaves / f"oak/drawing-{i}.png")
    assert scan_folder(leaves).duplicates == []


@pytest.mark.parametrize(
    "name", ["it's", 'a "quote"', "yes", "null", "1", "1e3", "#1", "a: b", "{x}", "größe", "- x", "*"]
)
def test_a_class_of_any_name_comes_back_from_yaml_as_it_was(project, name):
    for i, each in enumerate((name, "other")):
        (project / "x" / each).mkdir(parents=True)
        image(i).save(project / "x" / each / "1.png")
    assert {*started(Path("x")).datasets["mine"].classes} == {name, "other"}


@pytest.mark.parametrize(
    ("files", "place", "problem"),
    [
        ([], "nowhere", "there is no such file or folder"),
        (["x/readme.txt"], "x", "there are no images"),
        (["x/1.png"], "x", "neither a folder for each class nor a table"),
        (["x/a/1.png", "x/a/b/2.png"], "x", "neither a folder for each class nor a table"),
        (["x/red/a/1.png", "x/blue/b/2.png"], "x", "neither a folder for each class nor a table"),
        (["x/a.npz"], "x/a.npz", "neither a folder nor a table"),
        (["x/1.png", "x/t.csv"], "x/t.csv", "x/t.csv names none of the images, such as 1.png"),
        (["x/a/1.png", "x/a/2.png"], "x", "all of them are `a`"),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_place_without_labels_is_told_what_is_needed(files, place, problem):
    for i, file in enumerate(files):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        image(i).save(file) if file.endswith(".png") else Path(file).write_text("a,b\n1,2\n")
    with pytest.raises(CalotypeError, match=problem):
        scan_folder(Path(place))
