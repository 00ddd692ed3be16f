"""Words: which language a visitor gets, how a phrase is said, how a PO file is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplink.words import Languages, Words, read_po

TAGS = ["ar", "de", "fr", "pt-BR", "sr-Latn", "zh-Hans", "zh-Hant", "id"]
LANGUAGES = Languages(Words(tag) for tag in TAGS)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"),
        ("de", "de"),
        ("DE-at, fr;q=0.9", "de"),
        ("fr;q=0.3, de;q=0.8", "de"),
        ("de;q=0.8, fr;q=0.8", "de"),
        ("fi, pt-PT;q=0.9, de;q=0.1", "pt-BR"),
        ("zh-CN,zh;q=0.9", "zh-Hans"),
        ("zh-TW,zh;q=0.9", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"),
        ("zh", "zh-Hans"),
        ("in-ID", "id"),
        # RFC 4647 section 3.4: "de-Latn-x-old" is looked up as "de-Latn", not as "de-Latn-x".
        ("de-Latn-x-old", "de"),
        ("en-GB, de;q=0.9", "en"),
        ("*", "en"),
        ("*, de;q=0.5", "de"),
        ("de;q=0, fr;q=0.1", "fr"),
        ("de;q=0", "en"),
        ("de-AT, de;q=0", "en"),
        ("de;q=1.001, fr", "fr"),
        ("de;q=x, fr;q=0.2", "fr"),
        (";;,,q=1,, fr", "fr"),
        ("fr" * 400 + ",de", "en"),
    ],
)
def test_a_visitor_gets_the_first_of_his_languages_that_there_is(header, expected):
    assert LANGUAGES.choose(header).language == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("fr", "fr"), ("pt_BR", "pt-BR"), ("pt", "pt-BR"), ("xx", "de"), ("", "de")],
)
def test_a_wanted_language_comes_first_if_there_is_one(wanted, expected):
    assert LANGUAGES.choose("de", wanted=wanted).language == expected


def test_one_language_for_all_is_for_all_who_do_not_say_otherwise():
    languages = Languages([Words("de"), Words("fr")], only="de")
    assert languages.choose("fr").language == "de"
    assert languages.choose("en", wanted="fr").language == "fr"


@given(st.text(max_size=600))
def test_no_header_does_any_harm(header):
    assert LANGUAGES.choose(header, wanted=header) in LANGUAGES.all


def test_a_phrase_without_translation_is_said_in_english():
    assert Words("de", {}).say("Open {app}", app="Berry") == "Open Berry"


def test_braces_in_a_value_are_a_part_of_it():
    assert Words("de").say("Open {app}", app="{app} {0.__class__}") == "Open {app} {0.__class__}"


@pytest.mark.parametrize(
    ("language", "app", "expected"),
    [
        ("en", "Berry", "Open Berry"),
        ("en", "תות", "Open \u2068תות\u2069"),
        ("ar", "Berry", "Open \u2068Berry\u2069"),
    ],
)
def test_a_name_in_a_sentence_of_the_other_direction_is_isolated(language, app, expected):
    assert Words(language).say("Open {app}", app=app) == expected


def test_a_po_file_may_have_long_texts_escapes_and_comments():
    source = """\
# A comment.
msgid ""
msgstr "Language: xx\\n"

#. for translators
#: somewhere.py:7
msgid ""
"Two \\"lines\\", "
"one text"
msgstr "Zwei\\tZeilen"

#~ msgid "Gone"
#~ msgstr "Weg"
"""
    catalogue = read_po(source)
    assert catalogue.faults == ()
    assert catalogue.texts() == {'Two "lines", one text': "Zwei\tZeilen"}
    assert [entry.line for entry in catalogue.entries] == [7]


def test_a_fuzzy_translation_is_none():
    catalogue = read_po('#, fuzzy, python-format\nmsgid "a"\nmsgstr "b"\n\nmsgid "c"\nmsgstr "d"')
    assert [entry.is_fuzzy for entry in catalogue.entries] == [True, False]
    assert catalogue.texts() == {"c": "d"}


@pytest.mark.parametrize(
    ("source", "line", "fault"),
    [
        ('msgid "a"\nmsgstr b', 2, "is not a line of a PO file"),
        ('msgid "a"\n', 1, "has a msgid without msgstr"),
        ('msgid "a" "b"', 1, "is not a line of a PO file"),
        ('msgid "\\xz"\nmsgstr "b"', 1, "has an escape that PO files do not know"),
        ('msgctxt "menu"\nmsgid "a"\nmsgstr "b"', 1, "has msgctxt, which"),
        ('msgid "a"\nmsgid_plural "as"\nmsgstr[0] "b"', 2, "has msgid_plural, which"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(source, line, fault):
    faults = read_po(source).faults
    assert faults[0][0] == line
    assert faults[0][1].startswith(fault)


@given(st.text(max_size=300))
def test_no_file_makes_the_reader_stumble(source):
    catalogue = read_po(f'msgid "a"\n{source}\nmsgid "z"\nmsgstr "end"\n')
    assert catalogue.entries[-1].phrase == "z"
