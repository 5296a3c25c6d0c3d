"""The report page as a real browser shows it, on screens and on paper."""

import json
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from calotype.report.smaller_svg import data_uri, smaller

pytestmark = pytest.mark.slow
WIDTHS = (1280, 800, 390)  # px: a desktop, a tablet, a phone
PRINTED = {"A4": 718, "Letter": 740}  # px between the margins
OPEN_ALL = "document.querySelectorAll('details').forEach(found => found.open = true)"


def test_the_page_shows_its_figures_in_colour(tab, page):
    tab.open(page, 1200)
    blue, green, red = np.moveaxis(tab.picture().astype(int), 2, 0)
    assert ((red > 180) & (green < 60) & (blue < 60)).sum() > 500, "the red of wrong counts is missing"
    assert ((blue > 140) & (red < 60)).sum() > 500, "the blue of the curves is missing"


def test_the_page_asks_for_nothing_outside_itself(page):
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.findall(r'src="(?!data:)', text)
    links = [unquote(link) for link in re.findall(r'href="(?!data:|#)([^"]*)"', text)]
    assert links
    assert not [link for link in links if not (page.parent / link).exists()], "files beside the page that are not there"
    assert "<script" not in text
    assert "@import" not in text


def test_a_reader_finds_claims_results_cost_and_provenance(tab, page):
    tab.open(page)
    headings = tab.evaluate("[...document.querySelectorAll('h2, h3')].map(found => found.firstChild.data.trim())")
    wanted = {
        "Measured against claimed",
        "Results",
        "Figures",
        "Training settings",
        "Cost",
        "Provenance",
        "Get it again",
    }
    assert wanted <= set(headings)
    assert tab.evaluate("document.images.length") == len(list((page.parent / "dots/figures").rglob("*.svg"))) == 10
    assert tab.evaluate("[...document.images].every(image => image.naturalWidth > 0)"), "a figure cannot be drawn"


def test_a_number_leads_to_how_it_came_about(tab, page):
    tab.open(page)
    tab.evaluate("document.querySelector('.first td a').click()")
    shown = tab.evaluate("document.querySelector(':target').closest('details').open")
    assert shown, "the link opens the folded part"
    text = tab.evaluate("document.querySelector(':target').innerText")
    assert "independent images" in text
    assert "One more run" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_a_reader_with_a_screen_reader_or_a_keyboard_is_not_shut_out(tab, page, checkers, width):
    tab.open(page, width)
    tab.evaluate(f"{(checkers / 'axe-core/axe.min.js').read_text(encoding='utf-8')}; {OPEN_ALL}")
    found = tab.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then(done => done.violations.map("
        "one => [one.id, one.nodes.map(node => node.html.slice(0, 120))]))"
    )
    assert found == []


def test_a_reader_in_the_dark_can_read_the_page(tab, page, checkers):
    tab.open(page, dark=True)
    tab.evaluate(f"{(checkers / 'axe-core/axe.min.js').read_text(encoding='utf-8')}; {OPEN_ALL}")
    found = tab.evaluate(
        "axe.run(document, {runOnly: ['color-contrast']}).then(done => done.violations.map(one => one.nodes.length))"
    )
    assert found == []
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(23, 24, 26)"
    assert tab.evaluate("getComputedStyle(document.images[0]).backgroundColor") == "rgb(255, 255, 255)"


def test_the_page_is_valid_html(page, checkers):
    command = ["node", str(checkers / "html-validate/bin/html-validate.mjs"), "--formatter", "json", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=checkers.parent, check=False)
    messages = [message for file in json.loads(done.stdout) for message in file["messages"]]
    assert [(found["ruleId"], found["line"], found["message"]) for found in messages] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_screen_cuts_anything_off(tab, page, width):
    tab.open(page, width)
    tab.evaluate(OPEN_ALL)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_a_wide_table_on_a_phone_scrolls_and_keeps_the_names_of_its_rows(tab, page):
    tab.open(page, 390)
    tab.evaluate("window.box = [...document.querySelectorAll('.scroll')].find(found => found.scrollWidth > 390)")
    tab.evaluate("box.scrollLeft = 200")
    left = tab.evaluate("box.querySelector('tbody th').getBoundingClientRect().left")
    assert left == tab.evaluate("box.getBoundingClientRect().left")
    assert tab.evaluate("getComputedStyle(box).backgroundImage.match(/linear-gradient/g).length") == 4, "its shades"


@pytest.mark.parametrize("paper", PRINTED)
def test_paper_holds_every_column_and_what_the_screen_folds_away(tab, page, paper):
    tab.open(page, PRINTED[paper])
    tab.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert tab.evaluate("document.documentElement.scrollWidth") <= PRINTED[paper]
        wider = "[...document.querySelectorAll('.scroll')].filter(found => found.scrollWidth > found.clientWidth)"
        assert tab.evaluate(f"{wider}.map(found => found.ariaLabel)") == []
        folded = "[...document.querySelectorAll('details > :not(summary)')].filter(found => !found.offsetHeight)"
        assert tab.evaluate(f"{folded}.length") == 0
    finally:
        tab.call("Emulation.setEmulatedMedia", media="")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", tab.printed(paper))) < 12


def test_a_figure_of_the_page_looks_like_its_file(tab, page, tmp_path):
    for file in sorted((page.parent / "dots/figures").rglob("*.svg")):
        pictures = []
        for source in (file.as_uri(), data_uri(smaller(file.read_text(encoding="utf-8")))):
            Path(tmp_path, "figure.html").write_text(f'<!DOCTYPE html><img src="{source}">', encoding="utf-8")
            tab.open(tmp_path / "figure.html", 720)
            pictures.append(tab.picture().astype(int))
        first, second = pictures
        assert first.shape == second.shape
        assert (np.abs(first - second).max(axis=2) > 40).mean() < 0.003, file
