"""Values with places: the line and column of every part, and the cause of what cannot be read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink.errors import ConfigError
from deeplink.places import dotted, read_json, read_toml

TOML = """\
hosts = ["a", { env = "X" }, # first
  "b",
]
a.b."c d".e = 1
[apps.demo]
'q' = \"\"\"
two lines\"\"\"
[apps.demo.x]
i = { "k\\u0061" = [1, {z=2}], y.w = 3 }
[[links]]
path = "/1"
[links.query]
"?" = "x"
[[links]]
path = "/2"
[[links.subs]]
\t"é" = "ü"   # behind letters of two bytes
o = [[1, 2],
     [3, 4]]
"""


def position(place):
    return place.line, place.column


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("hosts",), (1, 1)),
        (("hosts", 0), (1, 10)),
        (("hosts", 1, "env"), (1, 17)),
        (("hosts", 2), (2, 3)),
        (("a",), (4, 1)),
        (("a", "b"), (4, 3)),
        (("a", "b", "c d"), (4, 5)),
        (("a", "b", "c d", "e"), (4, 11)),
        (("apps",), (5, 2)),
        (("apps", "demo"), (5, 7)),
        (("apps", "demo", "q"), (6, 1)),
        (("apps", "demo", "x"), (8, 12)),
        (("apps", "demo", "x", "i", "ka"), (9, 7)),
        (("apps", "demo", "x", "i", "ka", 1, "z"), (9, 24)),
        (("apps", "demo", "x", "i", "y", "w"), (9, 33)),
        (("links",), (10, 3)),
        (("links", 0), (10, 3)),
        (("links", 0, "query", "?"), (13, 1)),
        (("links", 1), (14, 3)),
        (("links", 1, "path"), (15, 1)),
        (("links", 1, "subs", 0), (16, 9)),
        (("links", 1, "subs", 0, "é"), (17, 2)),
        (("links", 1, "subs", 0, "o", 1, 1), (19, 10)),
    ],
)
def test_every_part_of_a_toml_file_has_its_place(path, expected):
    assert position(read_toml(TOML, "x.toml").place(path)) == expected


def test_a_value_lies_behind_its_key():
    document = read_toml(TOML, "x.toml")
    assert position(document.value_place(("links", 1, "subs", 0, "é"))) == (17, 8)
    assert position(document.value_place(("apps", "demo"))) == (5, 7)


def test_what_is_absent_lies_at_its_nearest_known_ancestor():
    document = read_toml(TOML, "x.toml")
    place = document.place(("links", 1, "app"))
    assert (place.line, place.column, place.key) == (14, 3, "links[1].app")
    assert position(document.place(("nothing", "here"))) == (1, 1)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_line_ends_and_a_byte_order_mark_do_not_move_a_place(line_end):
    text = "\ufeff" + TOML.replace("\n", line_end)
    assert position(read_toml(text, "x").place(("links", 1, "path"))) == (15, 1)
    assert position(read_toml(text, "x").place(("hosts", 0))) == (1, 10)


def test_of_a_json_name_that_stands_twice_the_last_counts_and_each_repetition_is_known():
    text = '{"a": {"x": 1},\n "a": {"x": 2,\n  "x": [1, "é", 2]}}'
    document = read_json(text, "f.json")
    assert document.value == {"a": {"x": [1, "é", 2]}}
    assert [(path, place.line, place.column) for path, place in document.duplicates] == [
        (("a",), 2, 2),
        (("a", "x"), 3, 3),
    ]
    assert position(document.place(("a", "x", 2))) == (3, 17)


def test_the_same_name_in_two_objects_is_no_duplicate():
    assert read_json('[{"a": 1}, {"a": 1}]', "f").duplicates == ()


def test_a_path_is_written_as_people_write_it():
    assert dotted(("apps", "my app", 0, "?")) == 'apps."my app"[0]."?"'
    assert dotted(("a\x1bb",)) == '"a\\u001bb"'


@pytest.mark.parametrize(
    ("text", "line", "column", "what"),
    [
        ('a = "x', 1, 5, "opens a text that is never closed"),
        ('a = "x\nb = 1', 1, 7, "has a text that is not closed on its line"),
        ('a = """x\n\n', 1, 5, "opens a text that is never closed"),
        ("a = x", 1, 5, "has a text without quotes"),
        ("a = 127.0.0.1", 1, 10, "has a text without quotes"),
        ("a = True", 1, 5, "is not how TOML writes yes and no"),
        ("a = yes # of course", 1, 5, "is not how TOML writes yes and no"),
        ("a = null", 1, 5, "has no such value as null"),
        ('a: "x"', 1, 2, "has a colon between key and value"),
        ('a = "x" // c', 1, 9, "is not how TOML writes a comment"),
        ("a = {b = 1,}", 1, 11, "has a comma before the closing }"),
        ("a = {b = 1,\nc = 2}", 1, 12, "opens an inline table that does not end on its line"),
        ("x = 1\na = [1,\nb = 2", 2, 5, "opens a list that is never closed"),
        ("a = [\n1,\n", 1, 5, "opens a list that is never closed"),
        ('a = ["x"\n"y"]', 2, 1, "lacks a comma between two values"),
        ("a = [1,,2]", 1, 8, "has a comma with no value before it"),
        ("[apps.demo\nb = 1", 1, 11, "has a table header that is not closed"),
        ("[a]\n[b]\n[a]\n", 3, 2, 'defines "a" again; it stands already on line 1'),
        ("a = 1\nb = 2\na = [\n3]\n", 3, 1, 'defines "a" again; it stands already on line 1'),
        ('a = "\\users"', 1, 6, "has a backslash that begins no known escape"),
        ("my key = 1", 1, 4, "has a key of several words"),
        ("a =\nb = 1", 1, 4, "has a key without a value"),
        ("a = “x”", 1, 5, "has curly quotes"),
        ('a = "x”\nb = "y"', 1, 7, "has curly quotes"),
        ('a = "x\x01"', 1, 7, "has a control character (U+0001)"),
        ("a = 1\n<<<<<<< HEAD", 2, 1, "is a merge conflict's mark"),
        ("a", 1, 2, "has a key without = and a value"),
        ("= 1", 1, 1, "has a value without a key"),
        ("é = 1", 1, 1, "has a key outside ASCII without quotes"),
        ("a = 1 b = 2", 1, 7, "has something after the value"),
        ("a = 2020-02-30", 1, 5, "has a date that does not exist"),
        ("a = 1\rb = 2", 1, 6, "has old Macintosh line ends (CR)"),
        ("a = " + "1" * 5000, 1, 5, "has a number with too many digits"),
        ("a = " + "[" * 5000, 1, 1, "is nested too deeply to be read"),
    ],
)
def test_bad_toml_has_a_named_cause_at_its_exact_place(text, line, column, what):
    with pytest.raises(ConfigError) as refused:
        read_toml(text, "x.toml")
    (finding,) = refused.value.findings
    assert (finding.code, finding.place.line, finding.place.column) == ("CFG001", line, column)
    assert finding.what == what
    assert finding.hint


@pytest.mark.parametrize(
    ("text", "line", "column", "what"),
    [
        ("", 1, 1, "is empty"),
        ('{"a": 1,\n}', 1, 8, "has a comma before the closing }"),
        ("[1,]", 1, 3, "has a comma before the closing ]"),
        ("{a: 1}", 1, 2, "has a key without quotes"),
        ("{'a': 1}", 1, 2, "has single quotes"),
        ("{“a”: 1}", 1, 2, "has curly quotes"),
        ('{"a" 1}', 1, 6, "lacks a colon between key and value"),
        ('{"a": 1\n"b": 2}', 1, 8, "lacks a comma here"),
        ('{"a": [1, 2', 1, 7, "opens a [ that is never closed"),
        ('{"a": 1]', 1, 8, "closes with ] what [ did not open"),
        ('{"a": "x\ny"}', 1, 9, "has a text that is not closed on its line"),
        ('{"a": "x', 1, 7, "opens a text that is never closed"),
        ("// x\n{}", 1, 1, "has a comment, which JSON does not know"),
        ('{"a": 1 /* x */}', 1, 9, "has a comment, which JSON does not know"),
        ('{"a": True}', 1, 7, "has true in another spelling"),
        ('{"a": None}', 1, 7, "has no such value"),
        ('{"a": abc}', 1, 7, "has a text without quotes"),
        ('{"a": }', 1, 5, "has a key without a value"),
        ('{"a": 01}', 1, 7, "has a number that begins with 0"),
        ('["NaN", -Infinity]', 1, 9, "has a number that JSON does not know"),
        ('{"a": "\\x"}', 1, 8, "has a backslash that begins no known escape"),
        ("{} {}", 1, 4, "goes on after its end"),
        ("<!DOCTYPE html>", 1, 1, "is HTML or XML, not JSON"),
        ("[" * 100_000, 1, 1, "is nested too deeply to be read"),
    ],
)
def test_bad_json_has_a_named_cause_at_its_exact_place(text, line, column, what):
    with pytest.raises(ConfigError) as refused:
        read_json(text, "x.json")
    (finding,) = refused.value.findings
    assert (finding.code, finding.place.line, finding.place.column) == ("JSON001", line, column)
    assert finding.what == what
    assert finding.hint


@pytest.mark.parametrize(
    ("octets", "line", "column", "what"),
    [
        (b"\xef\xbb\xbf{}", 1, 1, "begins with a byte order mark"),
        (b"\xff\xfe{\0}\0", 1, 1, "is UTF-16, not UTF-8"),
        ('{"é":\n "'.encode() + b'\xe9"}', 2, 3, "has a byte that is not UTF-8 (0xE9)"),
    ],
)
def test_json_is_plain_utf8(octets, line, column, what):
    with pytest.raises(ConfigError) as refused:
        read_json(octets, "x.json")
    (finding,) = refused.value.findings
    assert (finding.code, finding.place.line, finding.place.column) == ("JSON002", line, column)
    assert finding.what == what


keys = st.one_of(
    st.sampled_from(
        ["a", "b", "path", "?", "#", "/", "", "a.b", "ü", "key-1", "tab\there", "q'\""]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=6),
)
scalars = st.one_of(st.integers(-9, 9), st.booleans(), st.text("aé#[{=\n", max_size=4))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(keys, inner, min_size=1, max_size=3)
    ),
    max_leaves=12,
)
documents = st.dictionaries(keys, values, max_size=4)


def paths_of(value, path=()):
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in inner:
        yield (*path, key), child
        if isinstance(child, dict | list):
            yield from paths_of(child, (*path, key))


def spelt(key):
    is_bare = key.isascii() and key.replace("-", "").isalnum()
    return key if is_bare else json.dumps(key, ensure_ascii=False)


def as_toml(value, draw, line_end):
    """*value* as TOML, each table in one of the three spellings that TOML has for it."""
    lines = []
    _statements(value, (), draw, lines)
    return line_end.join(lines) + line_end


def _statements(table, header, draw, lines):
    later = []
    for key, value in table.items():
        is_table = isinstance(value, dict) and value
        is_tables = isinstance(value, list) and value and all(isinstance(v, dict) for v in value)
        style = draw(st.sampled_from(["inline", "header"] if is_table or is_tables else ["inline"]))
        if style == "header":
            later.append((key, value))
        elif is_table and draw(st.booleans()):
            name, inner = next(iter(value.items()))
            lines.append(f"{spelt(key)} . {spelt(name)} = {_inline(inner, draw)}")
            lines.extend(
                f"{spelt(key)}.{spelt(other)} = {_inline(rest, draw)}"
                for other, rest in list(value.items())[1:]
            )
        else:
            lines.append(
                f"{draw(st.sampled_from(['', ' ', chr(9)]))}{spelt(key)} = {_inline(value, draw)}"
            )
    for key, value in later:
        name = ".".join(spelt(part) for part in (*header, key))
        for row in value if isinstance(value, list) else [value]:
            lines.append(f"[[ {name} ]]  # é" if isinstance(value, list) else f"[{name}]")
            _statements(row, (*header, key), draw, lines)


def _inline(value, draw):
    if isinstance(value, dict):
        inner = ", ".join(f"{spelt(key)} = {_inline(row, draw)}" for key, row in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list):
        gap = draw(st.sampled_from(["", " ", "\n\t", " # [é\n  "]))
        return f"[{gap}{f',{gap}'.join(_inline(row, draw) for row in value)}{gap}]"
    return json.dumps(value, ensure_ascii=False)


def assert_places_hold(document, value, text):
    lines = text.split("\n")
    for path, child in paths_of(value):
        place = document.place(path)
        here = lines[place.line - 1][place.column - 1 :]
        if isinstance(path[-1], str):
            assert here.startswith((spelt(path[-1]), json.dumps(path[-1], ensure_ascii=False)))
        elif not isinstance(child, dict | list):
            assert here.startswith(json.dumps(child, ensure_ascii=False))
        assert place.key == dotted(path)


@settings(max_examples=150, deadline=None)
@given(documents, st.data(), st.sampled_from(["\n", "\r\n"]))
def test_the_line_of_every_part_of_any_toml_file_holds_that_part(value, data, line_end):
    text = as_toml(value, data.draw, line_end)
    document = read_toml(text, "any.toml")
    assert document.value == value
    assert_places_hold(document, value, text)


@settings(max_examples=150, deadline=None)
@given(documents, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_the_line_of_every_part_of_any_json_file_holds_that_part(value, indent, is_ascii):
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii)
    document = read_json(text, "any.json")
    assert document.value == value
    if not is_ascii:
        assert_places_hold(document, value, text)


@settings(max_examples=300, deadline=None)
@given(st.text("ab=.\"'[]{},#\n\r\t é“01\\u", max_size=40))
def test_no_text_raises_anything_but_a_config_error_with_a_place_inside_it(text):
    for read in (read_toml, read_json):
        try:
            read(text, "any")
        except ConfigError as error:
            (finding,) = error.findings
            lines = text.split("\n")
            assert 1 <= finding.place.line <= len(lines)
            assert 1 <= finding.place.column <= len(lines[finding.place.line - 1]) + 1
