"""
Why a text is no TOML or no JSON: the cause that a person can see, with its exact place.

The parsers say what they expected; people want to hear what is there: a trailing comma, curly
quotes, a missing quote. No text quotes a value: it may be a secret in the wrong place.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_CURLY = "“”„‟‘’‚‛«»″′"
_CURLY_HINT = 'write straight quotes: "'
_QUOTE_HINT = 'close it with "'
_CONFLICT = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
_OTHER_WORDS = {
    "true": "write true",
    "yes": "write true",
    "on": "write true",
    "false": "write false",
    "no": "write false",
    "off": "write false",
}
_NOTHING_WORDS = ("none", "null", "nil", "undefined")

# Whole strings and comments are passed over; a lone quote is one that is never closed.
_TOML_TOKEN = re.compile(
    r"#[^\n]*"
    r'|"""(?:\\.|[^\\])*?"""'
    r"|'''.*?'''"
    r"|\"\"\"|'''"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|[\[\]{}\"']",
    re.DOTALL,
)
_JSON_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[\[\]{}]|"|-?(?:NaN|Infinity)', re.DOTALL)
_CLOSERS = {"]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class BadText:
    """The fault at which reading stopped; *line* and *column* count from 1, in characters."""

    line: int
    column: int
    what: str
    hint: str


def position_of(text: str, offset: int) -> tuple[int, int]:
    """Line and column of the character at *offset*, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def cause_in_toml(
    text: str, error: Exception, names: Sequence[tuple[Sequence[str | int], tuple[int, int]]]
) -> BadText:
    """
    What is wrong with *text*, at which ``tomllib`` gave up with *error*.

    *names* are the paths that the text defines and their positions, as far as they can be seen.
    """
    text = text.replace("\r\n", "\n")
    message = str(error)
    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if isinstance(error, RecursionError):
        return BadText(1, 1, "is nested too deeply to be read", "use fewer brackets")
    if not found and not message.endswith("(at end of document)"):
        return _number_too_long(text)
    line, column = (int(found[1]), int(found[2])) if found else position_of(text, len(text))
    message = message.rpartition(" (at ")[0]
    return (
        _repetition_in_toml(message, names, (line, column))
        or _quirk_in_toml(text, message, line, column)
        or _value_in_toml(text, message, line, column)
        or _statement_in_toml(text, message, line, column)
        or BadText(line, column, _own_words(message), "see https://toml.io/en/v1.0.0")
    )


def _own_words(message: str) -> str:
    return f"cannot be read: {message[:1].lower()}{message[1:]}"


def _number_too_long(text: str) -> BadText:
    digits = re.search(r"[0-9_]{4000,}", text)
    line, column = position_of(text, digits.start() if digits else 0)
    return BadText(line, column, "has a number with too many digits", "write a shorter number")


def _repetition_in_toml(
    message: str,
    names: Sequence[tuple[Sequence[str | int], tuple[int, int]]],
    end: tuple[int, int],
) -> BadText | None:
    if not message.startswith(("Cannot declare", "Cannot overwrite", "Cannot mutate")):
        return None
    # The parser's position lies behind the statement: the last name before it is the second one.
    before = sorted(((place, tuple(path)) for path, place in names if place < end), key=_by_place)
    if not before:
        return None
    (line, column), path = before[-1]
    for (first_line, _), other in before[:-1]:
        shared = min(len(other), len(path))
        if other[:shared] == path[:shared]:
            what = f'defines "{_spelt(path)}" again; it stands already on line {first_line}'
            return BadText(line, column, what, "keep one of the two")
    return BadText(line, column, f'defines "{_spelt(path)}" again', "keep one of the two")


def _by_place(row: tuple[tuple[int, int], tuple[str | int, ...]]) -> tuple[int, int]:
    return row[0]


def _spelt(path: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in path if isinstance(part, str))


def _quirk_in_toml(text: str, message: str, line: int, column: int) -> BadText | None:
    """Faults that editors, version control and other languages' habits leave behind."""
    whole = _line(text, line)
    rest = whole[column - 1 :]
    if whole.startswith(_CONFLICT):
        return BadText(line, 1, "is a merge conflict's mark", "resolve the conflict")
    if rest[:1] and rest[0] in _CURLY:
        return BadText(line, column, "has curly quotes", _CURLY_HINT)
    is_open = message.startswith(("Unterminated", "Illegal character '\\n'", 'Expected "\'"'))
    curly = re.search(f"[{_CURLY}]", whole)
    if is_open and curly:
        return BadText(line, curly.start() + 1, "has curly quotes", _CURLY_HINT)
    if rest.startswith(("//", "/*", ";", "--")):
        return BadText(line, column, "is not how TOML writes a comment", "begin it with #")
    if rest.startswith("\r"):
        return BadText(line, column, "has old Macintosh line ends (CR)", "save it with LF or CR LF")
    return None


def _value_in_toml(text: str, message: str, line: int, column: int) -> BadText | None:
    whole = _line(text, line)
    rest = whole[column - 1 :]
    if message.startswith("Illegal character") and not rest:
        return BadText(line, column, "has a text that is not closed on its line", _QUOTE_HINT)
    if message.startswith("Illegal character"):
        what = f"has a control character (U+{ord(rest[0]):04X})"
        return BadText(line, column, what, "remove it, or write it as an escape in double quotes")
    if message.startswith(("Unterminated", 'Expected "\'"')):
        return _unclosed_in_toml(text, len(text)) or None
    if message.startswith(("Unclosed array", "Unclosed inline table")):
        return _unclosed_or_comma(text, line, column)
    if (
        "backslash" in message
        or "Unescaped '\\'" in message
        or "hex value" in message
        or "Unicode scalar" in message
    ):
        hint = "double the backslash, or use single quotes"
        backslash = whole.rfind("\\", 0, column) + 1 or column
        return BadText(line, backslash, "has a backslash that begins no known escape", hint)
    if message.startswith("Invalid date"):
        return BadText(line, column, "has a date that does not exist", "put quotes around a text")
    if message.startswith("Invalid value"):
        return _no_value(text, line, column)
    return None


def _unclosed_or_comma(text: str, line: int, column: int) -> BadText | None:
    """A list that goes on in the next statement was not closed; anything else lacks a comma."""
    offset = _offset(text, line, column)
    rest = text[offset:]
    goes_on = rest.strip() and not re.match(r"\s*(\[|[\w.\"'-]+\s*=)", rest)
    is_table = text[: offset + 1].rstrip().endswith("{") or re.match(r"\s*[\w\"'-]+\s*=", rest)
    if goes_on or (is_table and not rest.startswith("\n") and _line(text, line)[: column - 1]):
        return BadText(line, column, "lacks a comma between two values", "write a comma before it")
    return _unclosed_in_toml(text, offset)


def _unclosed_in_toml(text: str, end: int) -> BadText | None:
    """The innermost bracket or quote that is open at *end*."""
    opened: list[tuple[str, int]] = []
    for token in _TOML_TOKEN.finditer(text, 0, end):
        mark = token[0]
        if mark in ("[", "{"):
            opened.append((mark, token.start()))
        elif mark in _CLOSERS and opened:
            opened.pop()
        elif mark in ('"""', "'''", '"', "'"):
            line, column = position_of(text, token.start())
            return BadText(
                line, column, "opens a text that is never closed", f"close it with {mark}"
            )
    if not opened:
        return None
    mark, start = opened[-1]
    line, column = position_of(text, start)
    if mark == "{":
        what = "opens an inline table that does not end on its line"
        return BadText(line, column, what, "write it on one line, or as a [table] of its own")
    return BadText(line, column, "opens a list that is never closed", "close it with ]")


def _no_value(text: str, line: int, column: int) -> BadText | None:
    whole = _line(text, line)
    rest = whole[column - 1 :].strip()
    key = re.match(r"\s*([\w.-]+)\s*=", whole)
    name = key[1] if key else "key"
    word = re.match(r"[A-Za-z]*", rest)
    lowered = word[0].lower() if word else ""
    begins_statement = re.match(r"[\w.\"'-]+\s*=|\[\[?[\w.\"' -]+\]", rest)
    if begins_statement and not whole[: column - 1].strip():
        return _unclosed_in_toml(text, _offset(text, line, column))
    if not rest or rest.startswith("#"):
        if not _line(text, line)[: column - 1].strip():
            return _unclosed_in_toml(text, _offset(text, line, column))
        return BadText(line, column, "has a key without a value", f'write {name} = "…"')
    if rest[0] in ",]}":
        return BadText(line, column, "has a comma with no value before it", "remove the comma")
    if lowered in _OTHER_WORDS and not re.match(r"[\w.:/-]", rest[len(lowered) :]):
        return BadText(line, column, "is not how TOML writes yes and no", _OTHER_WORDS[lowered])
    if lowered in _NOTHING_WORDS:
        return BadText(line, column, "has no such value as null", "leave the line out")
    return BadText(line, column, "has a text without quotes", f'write {name} = "…"')


def _statement_in_toml(text: str, message: str, line: int, column: int) -> BadText | None:
    whole = _line(text, line)
    rest = whole[column - 1 :]
    before = whole[: column - 1]
    if message.startswith("Expected '='"):
        return _no_equals(line, column, before, rest)
    if message.startswith(("Expected ']'", "Expected ']]'")):
        closer = "]]" if "]]" in message else "]"
        return BadText(line, column, "has a table header that is not closed", f"write {closer}")
    if message.startswith("Expected newline"):
        return _text_after_value(line, column, before, rest)
    if message.startswith(("Invalid initial character", "Invalid statement")):
        return _no_key(line, column, before, rest)
    return None


def _no_equals(line: int, column: int, before: str, rest: str) -> BadText:
    if rest.startswith(":"):
        name = before.strip()
        return BadText(line, column, "has a colon between key and value", f"write {name} = …")
    if re.match(r"\s*[\w.-]+\s*=", rest):
        key = f"{before}{rest.partition('=')[0]}".strip()
        return BadText(
            line, column, "has a key of several words", f'write _ between them, or "{key}" = …'
        )
    # The text is not repeated: it may be a secret that lost its key.
    return BadText(line, column, "has a key without = and a value", 'write key = "value"')


def _text_after_value(line: int, column: int, before: str, rest: str) -> BadText:
    if before.rstrip().endswith("]"):
        return BadText(line, column, "has something after the closing bracket", "begin a new line")
    if before[-1:].isalnum() and rest[:1] not in ("", " ", "\t", "#"):
        return BadText(line, column, "has a text without quotes", 'put " around the whole value')
    return BadText(line, column, "has something after the value", "begin a new line, or remove it")


def _no_key(line: int, column: int, before: str, rest: str) -> BadText:
    if rest.startswith("}") and before.rstrip().endswith(","):
        comma = len(before.rstrip())
        return BadText(line, comma, "has a comma before the closing }", "remove the comma")
    if not rest.strip():
        what = "opens an inline table that does not end on its line"
        return BadText(line, column, what, "write it on one line, or as a [table] of its own")
    if rest.startswith("="):
        return BadText(line, column, "has a value without a key", "write the key before the =")
    if not rest[0].isascii() and rest[0].isalpha():
        return BadText(
            line, column, "has a key outside ASCII without quotes", "put quotes around it"
        )
    hint = "a line is a [table], a key = value, or a # comment"
    return BadText(line, column, "has a line that TOML does not know", hint)


def _line(text: str, line: int) -> str:
    lines = text.split("\n")
    return lines[line - 1] if line <= len(lines) else ""


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.index("\n", start) + 1
    return start + column - 1


def cause_in_json(text: str, error: Exception) -> BadText:
    """What is wrong with *text*, at which ``json`` gave up with *error*."""
    if isinstance(error, RecursionError):
        return BadText(1, 1, "is nested too deeply to be read", "use fewer brackets")
    if not isinstance(error, json.JSONDecodeError):
        return _constant_in_json(text)
    offset, what, hint = (
        _other_format(text)
        or _quirk_in_json(text, error.pos)
        or _fault_in_json(text, error)
        or (error.pos, _own_words(error.msg), "see https://www.rfc-editor.org/rfc/rfc8259")
    )
    line, column = position_of(text, offset)
    return BadText(line, column, what, hint)


_Cause = tuple[int, str, str]


def _constant_in_json(text: str) -> BadText:
    tokens = (token for token in _JSON_TOKEN.finditer(text) if token[0][-1] in "Ny")
    token = next(tokens, None)
    line, column = position_of(text, token.start() if token else 0)
    return BadText(line, column, "has a number that JSON does not know", "write digits, or null")


def _other_format(text: str) -> _Cause | None:
    bare = text.lstrip()
    offset = len(text) - len(bare)
    if not bare:
        return 0, "is empty", "write a JSON document"
    if bare.startswith("<"):
        return offset, "is HTML or XML, not JSON", "save the document itself, not a page about it"
    return None


def _quirk_in_json(text: str, at: int) -> _Cause | None:
    """Faults that are the habit of other languages and of word processors."""
    rest = text[at:]
    before = text[:at].rstrip()
    closer = text[at + 1 :].lstrip() if rest.startswith(",") else rest
    # Python 3.13 points at the comma, older ones at the bracket behind it.
    if closer[:1] in ("]", "}") and (rest.startswith(",") or before.endswith(",")):
        comma = at if rest.startswith(",") else len(before) - 1
        return comma, f"has a comma before the closing {closer[0]}", "remove the comma"
    if rest.startswith(("//", "/*", "#")):
        return at, "has a comment, which JSON does not know", "remove it"
    if rest[:1] and rest[0] in _CURLY:
        return at, "has curly quotes", _CURLY_HINT
    if rest.startswith("'"):
        return at, "has single quotes", 'write double quotes: "'
    line = text.rfind("\n", 0, at) + 1
    if text.startswith(_CONFLICT, line):
        return line, "is a merge conflict's mark", "resolve the conflict"
    return None


def _fault_in_json(text: str, error: json.JSONDecodeError) -> _Cause | None:
    message, at = error.msg, error.pos
    if message.startswith(("Unterminated string", "Invalid control character")):
        return _unclosed_text(text, message, at)
    if message.startswith("Invalid \\"):
        return at, "has a backslash that begins no known escape", "double the backslash"
    if message.startswith("Extra data"):
        return at, "goes on after its end", "keep one document in the file"
    if not text[at:].strip():
        return _unclosed_in_json(text)
    if message.startswith("Expecting property name"):
        return _no_name(text, at)
    if message.startswith("Expecting ':'"):
        return at, "lacks a colon between key and value", 'write "key": value'
    if message.startswith("Expecting ','"):
        return _no_comma(text, at)
    if message.startswith("Expecting value"):
        return _no_json_value(text, at)
    return None


def _unclosed_text(text: str, message: str, at: int) -> _Cause:
    if message.startswith("Unterminated"):
        return at, "opens a text that is never closed", _QUOTE_HINT
    if text[at] in "\r\n":
        return at, "has a text that is not closed on its line", f"{_QUOTE_HINT}, or write \\n"
    return at, f"has a control character (U+{ord(text[at]):04X})", "write it as an escape"


def _unclosed_in_json(text: str) -> _Cause | None:
    opened: list[tuple[str, int]] = []
    for token in _JSON_TOKEN.finditer(text):
        if token[0] in ("[", "{"):
            opened.append((token[0], token.start()))
        elif token[0] in _CLOSERS and opened:
            opened.pop()
    if not opened:
        return len(text.rstrip()), "ends too early", "write the rest of the document"
    mark, start = opened[-1]
    closer = "]" if mark == "[" else "}"
    return start, f"opens a {mark} that is never closed", f"close it with {closer}"


def _no_name(text: str, at: int) -> _Cause:
    if text[at] == ",":
        return at, "has a comma with nothing before it", "remove the comma"
    if re.match(r"[\w$-]+\s*:", text[at:]):
        return at, "has a key without quotes", 'write it in double quotes: "key": value'
    return at, "has something that is not a key", 'write "key": value'


def _no_comma(text: str, at: int) -> _Cause:
    character = text[at]
    before = text[:at].rstrip()
    if character in _CLOSERS:
        return (
            at,
            f"closes with {character} what {_CLOSERS[character]} did not open",
            ("check the brackets"),
        )
    if before[-1:] == "0" and character.isdigit() and len(before) == at:
        return at - 1, "has a number that begins with 0", "remove the zero, or put quotes around it"
    if character == ":":
        return at, "has a colon in a list", 'put { and } around "key": value'
    if len(before) == at and (character.isalnum() or character == "."):
        return at, "has something after the value", "put quotes around a text"
    return len(before), "lacks a comma here", "write a comma between two values"


def _no_json_value(text: str, at: int) -> _Cause:
    rest = text[at:]
    before = text[:at].rstrip()
    word = re.match(r"[A-Za-z]*", rest)
    lowered = word[0].lower() if word else ""
    if rest[0] in ",]}":
        if before.endswith(":"):
            return len(before) - 1, "has a key without a value", 'write "key": value'
        return at, "has a comma with nothing before it", "remove the comma"
    if lowered in ("true", "false", "null"):
        return at, f"has {lowered} in another spelling", f"write {lowered}"
    if lowered in _NOTHING_WORDS:
        return at, "has no such value", "write null, or leave the key out"
    if rest[0] in ".+" or (rest[0] == "-" and lowered == ""):
        return at, "has a number that JSON does not know", "begin it with a digit"
    return at, "has a text without quotes", 'put " around it'
