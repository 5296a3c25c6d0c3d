"""The tutorial, followed as written: commands, files, printed text and pictures.

To save time, its runs are few and short here, and a second report is only planned, with its table.
`pytest -m soak tests/workflow/test_tutorial.py` follows it with all variants, epochs and seeds, and also compares the
picture of the seeds. If a picture differs, the test names the new one: check it, and copy it to config/tutorial/.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import REPOSITORY, Project, copy_project
from PIL import Image

TUTORIAL = REPOSITORY / "config/tutorial"
TEXT = (TUTORIAL / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r'(?:src="|\]\()([\w-]+\.png)')
FILE = re.compile(r"`([\w/.-]+\.(?:py|yaml))`")
STEPS = "results/prepared/shapes/train-preview.png"
SOURCES = {"preparation.png": STEPS, "thresholded.png": STEPS, "seeds.png": "results/shapes/figures/seeds.png"}
TRAINED = {"seeds.png"}  # what depends on the trainings
STUDY = "config/studies/shapes.yaml"
# A net that is trained in no time, where TensorFlow takes five seconds to load. What `new_study` wrote for `dense` is
# trained in test_own_studies.py; for `augmented`, which is `convolutions` and more, the check tries it here.
LIGHT = {"model": "sklearn.neural_network.MLPClassifier", "model_arguments": {"hidden_layer_sizes": [4]}}
LIGHT |= {"validation_split": 0, "restore_best_weights": False}
REPORT, TABLE = "snakemake --cores all shapes\n", "snakemake --cores all results/shapes/summary.tex\n"
LARGEST = 60_000  # bytes of a picture
LEVELS = 2.0  # of 255: the mean difference up to which pictures are the same


@dataclass
class Followed:
    """Outcome of the commands of the tutorial.

    Attributes:
        folder: the project's.
        whole: whether with all its epochs and seeds.
        printed: by each block of commands, in order.
        said: by block, the output in the tutorial with the actual output.
        pictures: those of the tutorial, as this run made them.
    """

    folder: Path
    whole: bool
    printed: list[str] = field(default_factory=list)
    said: list[tuple[str, str]] = field(default_factory=list)
    pictures: dict[str, Path] = field(default_factory=dict)


def type_in(folder: Path, commands: str) -> str:
    """Run a block of commands as a reader would; a cluster, who knows whether there is one, only gets a plan."""
    commands = re.sub(r"^snakemake --profile slurm.*$", r"\g<0> --dry-run", commands, flags=re.MULTILINE)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        ["bash", "-e", "-c", commands],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}"
    return done.stdout


def write_in(folder: Path, before: str, content: str) -> None:
    """Put a block into the file that the text before it names: at its end, or in place of its last `prepare`."""
    file = folder / FILE.findall(before)[-1]
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
    if re.search(r"in\s+place\s+of\s+`prepare:`", before):
        last = max(i for i, line in enumerate(lines) if line == "  prepare:\n")
        lines = lines[:last]
    file.write_text("".join(lines) + content, encoding="utf-8")


def shorten(project: Project, *names: str) -> None:
    """Train everything for one epoch, and the net that takes no time in place of those of some variants."""
    file = project.folder / STUDY
    study = yaml.safe_load(file.read_text(encoding="utf-8"))
    study["defaults"]["epochs"] = 1
    for name in names:
        study["variants"][name] = {"label": study["variants"][name]["label"]} | LIGHT
    file.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")


def smaller(figure: Path, picture: Path) -> None:
    """Return a figure of the workflow at half its width, as in the tutorial."""
    with Image.open(figure) as image:
        image.convert("RGB").reduce(2).save(picture, optimize=True)


@pytest.fixture(
    scope="module",
    params=[pytest.param(False, id="short"), pytest.param(True, id="whole", marks=pytest.mark.soak)],
)
def followed(request, tmp_path_factory) -> Followed:
    """Follow the tutorial in a copy of the project."""
    here = tmp_path_factory.mktemp("tutorial")
    project = copy_project(here / "project")
    result = Followed(project.folder, request.param)
    if result.whole:
        shutil.copy2(REPOSITORY / "config/config.yaml", project.folder / "config")
    typed: list[str] = []
    end = 0
    for block in BLOCK.finditer(TEXT):
        before, end = TEXT[end : block.start()], block.end()
        for name in PICTURE.findall(before):
            result.pictures[name] = here / name
            smaller(project.folder / SOURCES[name], here / name)
        kind, content = block.groups()
        if kind == "sh":
            again = content == REPORT and content in typed and not result.whole
            typed.append(content)
            result.printed.append(type_in(project.folder, TABLE if again else content))
            if " new_study " in content and not result.whole:
                shorten(project, "dense", "convolutions")
            if " check " in content and not result.whole:
                shorten(project, "augmented")
        elif kind:
            write_in(project.folder, before.split("\n\n")[-2], content)
            if "filters: [8, 16]" in content and not result.whole:
                project.edit(STUDY, "filters: [8, 16]", "filters: [8]")  # two are planned in test_module.py
        else:
            result.said.append((content, result.printed[-1]))
    return result


def without_numbers(text: str) -> list[str]:
    """Return the lines of a text, with # for each number."""
    return [re.sub(r"\s+", " ", re.sub(r"\d[\d.]*", "#", line)).strip() for line in text.strip().splitlines()]


def tried(printed: str) -> set[str]:
    """Return the variants that a call has tested on a few images."""
    return set(re.findall(r"^shapes/(\S+): smoke test passed", printed, re.MULTILINE))


def trained(printed: str) -> set[str]:
    """Return the variants that a call has trained."""
    return set(re.findall(r"^shapes/(\S+): seeds? \d+(?: to \d+)? done", printed, re.MULTILINE))


@pytest.mark.slow
def test_a_reader_of_the_tutorial_gets_through_it(followed):
    assert len(followed.printed) >= 8
    assert (followed.folder / "results/shapes.html").exists()
    assert (followed.folder / "results/shapes/summary.tex").exists()


@pytest.mark.slow
def test_the_tutorial_says_what_is_printed(followed):
    first, *trained = followed.said
    assert first[0] in first[1], f"{first[0]}\n... is not what is printed:\n{first[1]}"
    assert trained
    for said, printed in trained:
        lines = "\n".join(without_numbers(printed))
        assert "\n".join(without_numbers(said)) in lines, f"{said}\n... is not what is printed:\n{printed}"


@pytest.mark.slow
def test_the_pictures_of_the_tutorial_are_those_that_its_reader_gets(followed):
    assert set(followed.pictures) == set(SOURCES)
    for name, made in followed.pictures.items():
        if name in TRAINED and not followed.whole:
            continue
        assert (TUTORIAL / name).exists(), f"config/tutorial/{name} is not there: look at {made}, and copy it"
        there, here = (np.asarray(Image.open(file).convert("RGB"), float) for file in (TUTORIAL / name, made))
        same = there.shape == here.shape and np.abs(there - here).mean() < LEVELS
        assert same, f"config/tutorial/{name} is not what the tutorial makes: look at {made}, and copy it"


@pytest.mark.slow
def test_a_check_tries_every_variant_says_the_next_call_and_trains_nothing(followed):
    check = next(text for text in followed.printed if "core time" in text)
    variants = {"dense", "convolutions", "augmented"}
    packs = 6 if followed.whole else 3
    assert tried(check) == variants
    assert re.search(
        rf"^Jobs +\d+: train {packs}, predict 1, evaluate 1, claims 1, figures 1, report 1$", check, re.MULTILINE
    )
    assert re.search(r"^Next +snakemake --cores all shapes$", check, re.MULTILINE)
    after = followed.printed[followed.printed.index(check) + 1 :]
    first = next(text for text in after if "Report: results/shapes.html" in text)
    assert trained(first) == variants, "what the check has trained is not trained again"


@pytest.mark.slow
def test_a_custom_model_has_a_smoke_test_and_is_then_trained_alone(followed):
    *_, printed, cluster = followed.printed
    grid = {"small-filters-8", "small-filters-16"} if followed.whole else {"small-filters-8"}
    assert trained(printed) == tried(printed) == grid
    # Its table is there, and no job is left but those that show it.
    assert "Custom" in (followed.folder / "results/shapes/summary.tex").read_text(encoding="utf-8")
    assert not re.search(r"^ (train|smoke_test|evaluate) +\d", cluster, re.MULTILINE)
    assert ("Nothing to be done" if followed.whole else "figures classify") in cluster


def test_pictures_of_the_tutorial_are_small_enough_for_a_clone():
    assert set(SOURCES) == {file.name for file in TUTORIAL.glob("*.png")} == set(PICTURE.findall(TEXT))
    for name in SOURCES:
        assert (TUTORIAL / name).stat().st_size < LARGEST, name


@pytest.mark.parametrize(
    "page",
    ["README.md", "config/README.md", "config/studies/README.md", "config/tutorial/README.md", "slurm/README.md"],
)
def test_links_of_the_guides_lead_somewhere(page):
    file = REPOSITORY / page
    for target in re.findall(r'(?:\]\(|src=")([^)"\s]+)', file.read_text(encoding="utf-8")):
        if not re.match(r"https?://", target):
            path, _, anchor = target.partition("#")
            other = file.parent / path if path else file
            assert other.exists(), f"{page}: {target}"
            if anchor:
                headings = re.findall(r"^#+ (.*)$", other.read_text(encoding="utf-8"), re.MULTILINE)
                slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
                assert anchor in slugs, f"{page}: {target}"
