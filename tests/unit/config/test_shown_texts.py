"""Texts of figures and pages that no font can show are refused, with the key and the letter."""

from pathlib import Path

import pytest
from unit.mistakes import complaint, content_of, dumped, outcome

pytestmark = pytest.mark.usefixtures("valid_config")
PLACES = {
    "title": ("leaves", lambda content, text: content.update(title=text)),
    "source.title": ("leaves", lambda content, text: content["source"].update(title=text)),
    "variants.plain.label": ("leaves", lambda content, text: content["variants"]["plain"].update(label=text)),
    "leaves.classes": ("datasets", lambda content, text: content["leaves"].update(classes=["elm", text])),
    "digits.classes": ("datasets", lambda content, text: content["digits"].update(classes=["0", text])),
}


def put(place, text):
    file, change = PLACES[place]
    content = content_of(file)
    change(content, text)
    path = Path("config/datasets.yaml" if file == "datasets" else f"config/studies/{file}.yaml")
    path.write_text(dumped(content), encoding="utf-8")
    return file, path


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("escaped", "named"), [(r"\u0007", r"\x07"), (r"\ud800", r"\ud800"), (r"\n", r"\n")])
def test_a_control_character_or_half_a_letter_is_named_with_its_key(place, escaped, named):
    file, path = put(place, "LETTER here")
    path.write_text(path.read_text().replace("LETTER here", f'"a{escaped}b"'))
    text = complaint(file)
    assert place in text
    assert named in text
    assert "Hint: remove it." in text


def test_letters_of_any_language_and_the_line_break_of_a_block_are_fine():
    put("variants.plain.label", "普通の “modèle” ± 1 µm →")
    _, path = put("title", "BLOCK")
    path.write_text(path.read_text().replace("title: BLOCK", "title: |\n  Leaves of trees", 1))
    assert outcome() == ""
