"""The catalogues: complete, fitting, read as Babel reads them, and honest about who read them."""

from __future__ import annotations

import io
import re

import pytest
from babel import Locale
from babel.messages.pofile import read_po as babel_read_po

from deeplink import languages
from deeplink.words import TAG, direction, placeholders, read_po
from tests.languages import refresh

PATHS = sorted(languages.SHIPPED.glob("*.po"))
catalogues = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def entries(path):
    return {entry.phrase: entry for entry in read_po(path.read_text("utf-8")).entries}


def test_there_are_ten_languages_and_more_one_of_them_from_right_to_left():
    assert len(PATHS) + 1 >= 10
    assert "rtl" in {direction(path.stem) for path in PATHS}


def test_the_list_of_phrases_is_what_code_and_templates_say():
    """After a new phrase: make words."""
    assert languages.load_phrases() == refresh.extract()


@catalogues
def test_no_phrase_is_missing_or_fuzzy(path):
    made = entries(path)
    assert made.keys() == languages.load_phrases()
    assert [entry.phrase for entry in made.values() if not entry.text or entry.is_fuzzy] == []


@catalogues
def test_placeholders_are_the_same_in_every_language(path):
    differing = [
        entry.phrase
        for entry in entries(path).values()
        if placeholders(entry.text) != placeholders(entry.phrase)
        or entry.text.count("{") != entry.phrase.count("{")
    ]
    assert differing == []


@catalogues
def test_babel_reads_the_same_and_nothing_is_lost_on_us(path):
    source = path.read_text("utf-8")
    babel = babel_read_po(io.StringIO(source), abort_invalid=True)
    ours = read_po(source)
    assert ours.faults == ()
    assert ours.texts() == {each.id: each.string for each in babel if each.id and not each.fuzzy}


@catalogues
def test_a_catalogue_says_whether_a_native_speaker_has_read_it(path):
    head = path.read_text("utf-8").partition("\nmsgid")[0]
    assert re.search(r"(?m)^# (No native speaker has read|Read by ).+", head)


@catalogues
def test_a_catalogue_is_named_after_a_language_that_exists_and_says_so(path):
    assert TAG.fullmatch(path.stem)
    assert Locale.parse(path.stem, sep="-").english_name
    assert f'"Language: {path.stem}\\n"' in path.read_text("utf-8")


@catalogues
def test_the_direction_of_a_language_is_what_cldr_says(path):
    script = {"rtl": "right-to-left", "ltr": "left-to-right"}[direction(path.stem)]
    assert Locale.parse(path.stem, sep="-").character_order == script


@catalogues
def test_no_translation_holds_markup_or_a_stray_space(path):
    texts = [entry.text for entry in entries(path).values()]
    assert [text for text in texts if re.search(r"[<>&]|\s\s|^\s|\s$", text)] == []


def test_refreshing_changes_nothing_when_no_phrase_is_new(tmp_path):
    for path in [*PATHS, languages.SHIPPED / "deeplink.pot"]:
        catalogue = babel_read_po(io.StringIO(path.read_text("utf-8")))
        assert refresh.written(catalogue).decode() in path.read_text("utf-8")
