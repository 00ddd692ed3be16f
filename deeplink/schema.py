"""
The shape of the config: ``config/schema.json`` applied to a document, its faults in our words.

The schema is the one home of shape, meaning and default. What its validator says about a fault
is meant for programmers and may quote a value that is secret, so none of it is passed on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deeplink.findings import did_you_mean
from deeplink.shape import fits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jsonschema.exceptions import ValidationError

    from deeplink.rules.report import Report

    Words = Callable[["_Fault", Report], None]

_HERE = Path(__file__).parent

_TYPES = {
    "string": "a text in quotes",
    "boolean": "true or false",
    "integer": "a whole number",
    "array": "a list in [ ]",
    "object": "a table",
}

#: Lists whose elements are values, if pointed to, and no tables of their own.
_POINTERS = ({"$ref": "#/$defs/text"}, {"$ref": "#/$defs/secret"})


@dataclass(frozen=True, slots=True)
class _Fault:
    """A validator's error, less its words: the keyword that failed, where, and what it wanted."""

    keyword: str
    path: tuple[str | int, ...]
    instance: Any
    wanted: Any
    rule: dict[str, Any]
    missing: str


@cache
def schema() -> dict[str, Any]:
    """The schema, from the checkout or, in an installed wheel, from beside the package."""
    packed = _HERE / "_data" / "config" / "schema.json"
    path = packed if packed.exists() else _HERE.parent / "config" / "schema.json"
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


def sound(report: Report) -> dict[str, Any]:
    """
    The document's value with its defaults, less all that has the wrong shape.

    Each fault of shape goes into *report*. What is left has the types that the schema says; a
    missing key is absent, an unusable element of a list None, so that places stay right.
    """
    value = _copy(report.document.value)
    faults = [] if fits(value, schema()) else _faults(report.document.value)
    for fault in faults:
        words = _WORDS.get(fault.keyword, _other)
        words(fault, report)
    for fault in sorted(faults, key=lambda fault: len(fault.path), reverse=True):
        _drop(value, fault)
    result: dict[str, Any] = _with_defaults(value, schema())
    return result


def _faults(value: Any) -> list[_Fault]:
    # Only a config with faults pays for this import, a quarter of the server's start.
    from jsonschema import Draft202012Validator

    return [_fault(error) for error in Draft202012Validator(schema()).iter_errors(value)]


def _fault(error: ValidationError) -> _Fault:
    wanted: Any = error.validator_value
    missing = ""
    if error.validator == "required":
        # One error for each missing key; only the message says which, in the key's repr.
        missing = next(name for name in wanted if error.message.startswith(repr(name)))
    rule = error.schema if isinstance(error.schema, dict) else {}
    path = tuple(error.absolute_path)
    return _Fault(str(error.validator), path, error.instance, wanted, rule, missing)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_copy(inner) for inner in value]
    return value


def _wrong_type(fault: _Fault, report: Report) -> None:
    path = fault.path
    if fault.rule.get("title") == "secret":
        hint = f"put it into the environment and {_pointer_hint(path)}"
        what = "is written into the config; whoever reads the file or its history has it"
        report.error("CFG019", path, what, hint)
        return
    wanted = fault.wanted
    names = [wanted] if isinstance(wanted, str) else wanted
    expected = " or ".join(_TYPES[name] for name in names if name != "object" or len(names) == 1)
    what = f"must be {expected}, not {_type_of(fault.instance)}"
    report.error("CFG010", path, what, _example(path))


def _pointer_hint(path: Sequence[str | int]) -> str:
    """How a pointer is written at *path*; an element of a list has no key of its own."""
    key = f"{path[-1]} = " if isinstance(path[-1], str) else ""
    return f'write {key}{{ env = "NAME" }}, or {{ file = "PATH" }}'


def _missing(fault: _Fault, report: Report) -> None:
    name = fault.missing
    if name == "env":
        report.error("CFG015", fault.path, "points nowhere", 'write { env = "NAME" }')
    elif not _is_misspelt(name, fault):
        path = (*fault.path, name)
        report.error("CFG011", path, "is missing", _example(path))


def _is_misspelt(name: str, fault: _Fault) -> bool:
    """Whether an unknown key beside the missing *name* is reported as its misspelling."""
    known = fault.rule["properties"]
    unknown = fault.instance.keys() - known.keys()
    return any(did_you_mean(word, known) == f'did you mean "{name}"?' for word in unknown)


def _unknown(fault: _Fault, report: Report) -> None:
    known = fault.rule.get("properties", {})
    for name in fault.instance.keys() - known.keys():
        hint = did_you_mean(name, known)
        report.error("CFG012", (*fault.path, name), "is not a known key", hint)


def _empty(fault: _Fault, report: Report) -> None:
    path = fault.path
    if fault.rule.get("title") == "secret":
        _no_one_pointer(fault, report)
        return
    report.error("CFG013", path, "is empty", _example(path) or "write a value, or remove it")


def _no_one_pointer(fault: _Fault, report: Report) -> None:
    path = fault.path
    what = "must point to exactly one place, by env or by file"
    report.error("CFG015", path, what, _pointer_hint(path))


def _bad_name(fault: _Fault, report: Report) -> None:
    # The validator's path ends at the table; the name is what it looked at.
    path = (*fault.path, fault.instance)
    what = "is a name that cannot be used here"
    report.error("CFG014", path, what, "begin with a-z; use a-z, 0-9, - and _, 32 at most")


def _unknown_word(fault: _Fault, report: Report) -> None:
    words = ", ".join(f'"{word}"' for word in fault.wanted)
    hint = f"write {fault.path[-1]} = one of: {words}"
    report.error("CFG080", fault.path, "is not one of the words known here", hint)


def _out_of_range(fault: _Fault, report: Report) -> None:
    least, most = fault.rule.get("minimum"), fault.rule.get("maximum")
    span = f"{least} or more" if most is None else f"{least} to {most}"
    report.error("CFG081", fault.path, "is out of range", f"write a whole number, {span}")


def _other(fault: _Fault, report: Report) -> None:
    what = "does not have the shape that the schema asks for"
    report.error("CFG010", fault.path, what, "see config/README.md")


_WORDS: dict[str, Words] = {
    "type": _wrong_type,
    "required": _missing,
    "additionalProperties": _unknown,
    "minLength": _empty,
    "minItems": _empty,
    "minProperties": _empty,
    "maxProperties": _no_one_pointer,
    "pattern": _bad_name,
    "enum": _unknown_word,
    "minimum": _out_of_range,
    "maximum": _out_of_range,
}


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    names = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def _example(path: Sequence[str | int]) -> str:
    """A hint with the schema's own example for the key at *path*, if it has one."""
    examples = _rule_at(path).get("examples")
    return f"write {path[-1]} = {_spelt(examples[0])}" if examples else ""


def _rule_at(path: Sequence[str | int]) -> dict[str, Any]:
    rule = schema()
    for part in path:
        rule = _resolved(rule)
        if isinstance(part, int):
            rule = rule.get("items", {})
        else:
            rule = rule.get("properties", {}).get(part) or rule.get("additionalProperties") or {}
    return rule


def _spelt(value: Any) -> str:
    """*value* as TOML writes it."""
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {_spelt(item)}" for key, item in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list):
        return f"[{', '.join(_spelt(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)


def _drop(value: Any, fault: _Fault) -> None:
    """Take out of *value* what *fault* is about; of a table with unknown keys, only those."""
    path = list(fault.path)
    if fault.keyword == "required":
        return
    if fault.keyword == "additionalProperties":
        table = _at(value, path)
        for name in fault.instance.keys() - fault.rule.get("properties", {}).keys():
            if isinstance(table, dict):
                table.pop(name, None)
        return
    if fault.keyword == "pattern":
        path.append(fault.instance)
    if not path:
        return
    parent = _at(value, path[:-1])
    if isinstance(parent, dict):
        parent.pop(path[-1], None)
    elif isinstance(parent, list):
        parent[int(path[-1])] = None


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
    return value


def _with_defaults(value: Any, rule: dict[str, Any]) -> Any:
    rule = _resolved(rule)
    if isinstance(value, list) and "items" in rule:
        return [_with_defaults(item, rule["items"]) for item in value]
    if not isinstance(value, dict):
        return value
    properties = rule.get("properties", {})
    missing = {name: inner["default"] for name, inner in properties.items() if "default" in inner}
    rest = rule.get("additionalProperties") or {}
    return {
        key: _with_defaults(inner, properties.get(key, rest))
        for key, inner in {**missing, **value}.items()
    }


def _resolved(rule: dict[str, Any]) -> dict[str, Any]:
    reference = rule.get("$ref")
    if reference is None:
        return rule
    named: dict[str, Any] = schema()["$defs"][reference.removeprefix("#/$defs/")]
    return named


def documented() -> Iterator[tuple[str, dict[str, Any]]]:
    """
    Every key that the config may have, as docs write it, and its rule.

    ``apps.NAME.android.package_name``, ``links[].path``; a table comes before its keys.
    """
    yield from _keys_under("", schema())


def _keys_under(prefix: str, rule: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, inner in rule.get("properties", {}).items():
        yield f"{prefix}{name}", inner
        resolved = _resolved(inner)
        if "$ref" in inner or inner.get("items") in _POINTERS:
            continue
        if "propertyNames" in resolved:
            yield from _keys_under(
                f"{prefix}{name}.NAME.", _resolved(resolved["additionalProperties"])
            )
        elif resolved.get("type") == "array":
            yield from _keys_under(f"{prefix}{name}[].", _resolved(resolved["items"]))
        else:
            yield from _keys_under(f"{prefix}{name}.", resolved)
