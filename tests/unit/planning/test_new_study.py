"""A new study: the config that is written for the images of a folder."""

from pathlib import Path

import pytest
from PIL import Image
from unit.new_studies import HEADER, fill, image, started, steps_for

from calotype.config import load
from calotype.data.catalogue import write_catalogue
from calotype.planning import new_study
from calotype.planning.findings import findings
from calotype.planning.folder_scan import scan_folder
from calotype.planning.new_study import write_study
from calotype.util.errors import CalotypeError


def test_what_is_written_is_a_study_that_can_be_run(leaves, config_folder):
    found = started(leaves)
    study, dataset = found.studies["mine"], found.datasets["mine"]
    assert dataset.classes == ["2 mm", "10 mm", "beech", "oak"]
    assert (study.task, study.tests) == ("classify", ["test"])
    assert [*study.variants] == ["dense", "convolutions", "augmented"]
    write_catalogue(dataset, config_folder / "catalogue.csv", config_folder / "catalogue.json")


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
    with pytest.raises(CalotypeError, match=r"cannot be appended to.*\n.*\n\nmine:\n  # Written .*\n  source: images"):
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


@pytest.mark.usefixtures("config_folder")
def test_large_images_of_one_shape_are_made_smaller_in_that_shape():
    fill("x/a", image(1, (120, 160)))
    fill("x/b", image(2, (120, 160)))
    assert steps_for(Path("x")) == [{"name": "resize", "width": 64, "height": 48}, "scale"]


@pytest.mark.usefixtures("config_folder")
def test_images_of_many_shapes_are_brought_to_one():
    fill("x/a", image(1, (120, 160)))
    fill("x/b", image(2, (120, 210)))
    first, second, last = steps_for(Path("x"))
    assert first == {"name": "resize", "width": 64, "height": 64, "keep_aspect": True}
    assert second == {"name": "pad", "width": 64, "height": 64}
    assert last == "scale"


@pytest.mark.usefixtures("config_folder")
@pytest.mark.parametrize(("channels", "first"), [((1, 1), "grey"), ((1, 3), "colour")])
def test_grey_images_are_kept_grey_and_mixed_ones_brought_together(channels, first):
    for name, number in zip("ab", channels, strict=True):
        fill(f"x/{name}", image(number, channels=number))
    assert steps_for(Path("x"))[0] == first


@pytest.mark.usefixtures("config_folder")
def test_colour_files_without_colour_are_grey():
    for i, name in enumerate("ab"):
        fill(f"x/{name}", image(i, channels=1).convert("RGB"))
    assert steps_for(Path("x"))[0] == "grey"


def test_folders_of_splits_are_taken_as_they_are(config_folder):
    for split in ("Training", "test"):
        for i, name in enumerate(("a", "b")):
            (config_folder / "x" / split / name).mkdir(parents=True)
            image(i + 10 * len(split)).save(config_folder / f"x/{split}/{name}/1.png")
    splits = started(Path("x")).datasets["mine"].splits
    assert [(name, split.folder) for name, split in splits.items()] == [("train", "Training"), ("test", "test")]


def test_what_is_wrong_with_the_images_is_said_before_anything_is_trained(leaves):
    (leaves / "oak/0.png").write_bytes(b"")
    (leaves / "oak/1.png").write_bytes(b"junk")
    (leaves / "oak/2.png").write_bytes((leaves / "beech/2.png").read_bytes())
    said = "\n".join(findings("mine", scan_folder(leaves)))
    for expected in (
        "mine: 35 images in leaves",
        "classes: 2 mm 8, 10 mm 8, beech 12, oak 7",
        "20 x 20 px, colour, 8 bit",
        "small class: `oak` has 7 images",
        "same pixels, such as\n    beech/2.png = oak/2.png",
        "different labels: 1 image(s) occur with more than one label",
        "    beech/2.png (beech) = oak/2.png (oak). Decide",
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


@pytest.mark.usefixtures("config_folder")
@pytest.mark.parametrize(
    "name", ["it's", 'a "quote"', "yes", "null", "1", "1e3", "#1", "a: b", "{x}", "größe", "- x", "*"]
)
def test_a_class_of_any_name_comes_back_from_yaml_as_it_was(name):
    for i, each in enumerate((name, "other")):
        fill(f"x/{each}", image(i))
    assert {*started(Path("x")).datasets["mine"].classes} == {name, "other"}


@pytest.mark.parametrize("kind", ["datasets", "study"])
def test_the_schema_that_a_new_file_names_for_editors_exists(kind):
    assert (new_study.SCHEMAS / f"{kind}.schema.json").is_file()
