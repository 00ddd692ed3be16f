"""
Whether a value surely has the shape that a JSON Schema asks for: yes, or "ask the library".

The library ``jsonschema`` decides what is wrong and where. But importing it and its first answer
take a quarter of the server's start, and nearly every config is right; so the right ones pass
here, by the few keywords that our schema uses. What this module does not know is never a yes.

Keywords: https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

import re
from typing import Any

_TYPES = {"string": str, "boolean": bool, "integer": int, "array": list, "object": dict}

_ANNOTATIONS = frozenset({"$defs", "$schema", "default", "description", "examples", "title"})


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """
    Whether *value* surely satisfies *schema*, whose references lead to its own ``$defs``.

    >>> fits(8000, {"type": "integer", "maximum": 65535}), fits(8000, {"multipleOf": 10})
    (True, False)
    """
    return _fits(value, schema, schema)


def _fits(value: Any, rule: dict[str, Any], schema: dict[str, Any]) -> bool:
    return all(_satisfies(value, keyword, rule, schema) for keyword in rule)


def _satisfies(value: Any, keyword: str, rule: dict[str, Any], schema: dict[str, Any]) -> bool:
    wanted = rule[keyword]
    match keyword:
        case "type":
            # Exactly these types: a bool is an int to Python alone, a whole float one to JSON.
            names = [wanted] if isinstance(wanted, str) else wanted
            return any(type(value) is _TYPES.get(name) for name in names)
        case "$ref":
            named = schema.get("$defs", {}).get(wanted.removeprefix("#/$defs/"))
            return named is not None and _fits(value, named, schema)
        case "properties":
            return not isinstance(value, dict) or all(
                _fits(value[name], inner, schema) for name, inner in wanted.items() if name in value
            )
        case "additionalProperties":
            if not isinstance(value, dict):
                return True
            others = value.keys() - rule.get("properties", {}).keys()
            if isinstance(wanted, bool):
                return wanted or not others
            return all(_fits(value[name], wanted, schema) for name in others)
        case "propertyNames":
            return not isinstance(value, dict) or all(_fits(each, wanted, schema) for each in value)
        case "required":
            return not isinstance(value, dict) or all(name in value for name in wanted)
        case "minProperties":
            return not isinstance(value, dict) or len(value) >= wanted
        case "maxProperties":
            return not isinstance(value, dict) or len(value) <= wanted
        case "items":
            return not isinstance(value, list) or all(_fits(each, wanted, schema) for each in value)
        case "minItems":
            return not isinstance(value, list) or len(value) >= wanted
        case "minLength":
            return not isinstance(value, str) or len(value) >= wanted
        case "pattern":
            return not isinstance(value, str) or re.search(wanted, value) is not None
        case "enum":
            return isinstance(value, str) and value in wanted
        case "minimum":
            return isinstance(value, int) and value >= wanted
        case "maximum":
            return isinstance(value, int) and value <= wanted
    return keyword in _ANNOTATIONS
