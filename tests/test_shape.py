"""The quick yes about a value's shape: where it is said, the library says so, too."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from deeplink.schema import schema
from deeplink.shape import fits

HERE = Path(__file__).parent
CONFIGS = sorted((HERE / "config").glob("*.toml"))


def is_valid(value, rules):
    return Draft202012Validator(rules).is_valid(value)


def full(rule):
    """A value with every key that *rule* knows."""
    rule = schema()["$defs"][rule["$ref"].removeprefix("#/$defs/")] if "$ref" in rule else rule
    if "enum" in rule:
        return rule["enum"][0]
    kinds = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    if "object" in kinds:
        table = {name: full(inner) for name, inner in rule.get("properties", {}).items()}
        if "maxProperties" in rule:
            return dict(list(table.items())[: rule["maxProperties"]])
        others = rule.get("additionalProperties")
        return {**table, "name": full(others)} if isinstance(others, dict) else table
    if "array" in kinds:
        return [full(rule["items"])]
    return {"string": "text", "boolean": True, "integer": rule.get("minimum", 1)}[kinds[0]]


FULL = full(schema())


def places(value, path=()):
    """The paths to all parts of *value*; those to the elements of a list have None for each."""
    yield path
    inside = value.items() if isinstance(value, dict) else ()
    inside = [(None, each) for each in value] if isinstance(value, list) else inside
    for key, each in inside:
        yield from places(each, (*path, key))


def edited(value, path, junk):
    """*value* with *junk* at *path*, or without what is there if *junk* is None."""
    if not path:
        return junk
    if isinstance(value, dict):
        rest = {key: each for key, each in value.items() if key != path[0]}
        if junk is None and len(path) == 1:
            return rest
        return {**rest, path[0]: edited(value.get(path[0]), path[1:], junk)}
    return [edited(each, path[1:], junk) for each in value] if isinstance(value, list) else value


def test_the_whole_vocabulary_of_the_schema_is_known():
    """Otherwise the server would start as slowly as before, and nobody would notice."""
    assert is_valid(FULL, schema())
    assert fits(FULL, schema())


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_passes_here_exactly_if_the_library_lets_it_pass(path):
    try:
        value = tomllib.loads(path.read_text("utf-8"))
    except ValueError:
        return
    assert fits(value, schema()) == is_valid(value, schema())


scalars = st.none() | st.booleans() | st.integers(-2, 70) | st.floats(-2, 70) | st.text(max_size=3)
values = st.recursive(
    scalars | st.sampled_from(["sqlite", "name", "A"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "env", "file", "Name", "hosts"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(places(FULL), key=str)), values), max_size=3))
def test_no_edit_of_a_full_config_passes_here_alone(edits):
    value = FULL
    for path, junk in edits:
        value = edited(value, path, junk)
    assert is_valid(value, schema()) or not fits(value, schema())


@pytest.mark.parametrize(
    ("rule", "right", "wrong"),
    [
        ({"minLength": 2}, "ab", "a"),
        ({"minItems": 2}, ["a", "b"], ["a"]),
        ({"minProperties": 1}, {"a": 1}, {}),
        ({"maxProperties": 1}, {"a": 1}, {"a": 1, "b": 2}),
        ({"minimum": 3}, 3, 2),
        ({"maximum": 3}, 3, 4),
    ],
)
def test_a_bound_holds_to_the_last(rule, right, wrong):
    assert fits(right, rule)
    assert not fits(wrong, rule)


def few(**keywords):
    """Rules of one or two *keywords*: with more, hardly a value would satisfy one."""
    pairs = [st.tuples(st.just(name), inner) for name, inner in keywords.items()]
    return st.lists(st.one_of(pairs), min_size=1, max_size=2).map(dict)


counts, numbers = st.integers(0, 3), st.integers(-2, 70)
words = st.sampled_from(["a", "b", "env"])
kinds = st.sampled_from(["string", "boolean", "integer", "number", "null", "array", "object"])
rules = st.recursive(
    few(
        type=kinds | st.lists(kinds, min_size=1, max_size=2, unique=True),
        minLength=counts,
        maxLength=counts,
        minItems=counts,
        maxItems=counts,
        minProperties=counts,
        maxProperties=counts,
        minimum=numbers,
        maximum=numbers,
        multipleOf=st.integers(1, 3),
        pattern=st.sampled_from(["^a", "b$", "."]),
        enum=st.lists(scalars, min_size=1, max_size=3),
        const=scalars,
        required=st.lists(words, max_size=2, unique=True),
        title=st.text(max_size=3),
        **{"$ref": st.just("#/$defs/a")},
    ),
    lambda inner: few(
        properties=st.dictionaries(words, inner, max_size=2),
        patternProperties=st.dictionaries(st.just("^a"), inner, max_size=1),
        additionalProperties=st.booleans() | inner,
        propertyNames=inner,
        items=inner,
        **{"not": inner},
    ),
    max_leaves=5,
)


@settings(max_examples=1000, deadline=None)
@given(rules, st.sampled_from([{"type": "string"}, {"minimum": 1}, {"minItems": 2}]), values)
def test_whatever_the_schema_nothing_passes_here_alone(rule, named, value):
    whole = {**rule, "$defs": {"a": named}}
    assert is_valid(value, whole) or not fits(value, whole)
