"""
TOML and JSON with places: values, and the line and column where each of them stands.

The values come from the standard library, which alone decides what is right; the places from
tree-sitter, asked for only when there is something to say, so that a file without faults costs
no more than its values. Columns count characters, not bytes.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from deeplink.errors import ConfigError
from deeplink.findings import Finding, Place, Severity
from deeplink.malformed import BadText, cause_in_json, cause_in_toml, position_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

#: What the codes of JSON files mean (CFG001 is in ``rules.report``); they never change.
CODES = {
    "JSON001": "the file is not JSON",
    "JSON002": "the file is not plain UTF-8",
    "JSON003": "a key stands twice in one object",
}

_BOM = "\ufeff"

Path = tuple[str | int, ...]
_Point = tuple[int, int]  # row and byte column, from 0, as tree-sitter counts


@dataclass(frozen=True)
class Document:
    """A file's *value*, as the standard library reads it, and the places of all its parts."""

    file: str
    value: Any
    _source: bytes = field(repr=False)
    _grammar: str = field(repr=False)

    def place(self, path: Sequence[str | int]) -> Place:
        """
        Where the name of *path* stands (an element of an array: the element itself).

        What is absent lies where its nearest known ancestor is: a missing key at its table.
        """
        return self._nearest(tuple(path), self._index.keys)

    def value_place(self, path: Sequence[str | int]) -> Place:
        """Where the value of *path* begins; a table of its own begins at its header."""
        return self._nearest(tuple(path), self._index.values)

    @cached_property
    def duplicates(self) -> tuple[tuple[Path, Place], ...]:
        """The names that stand twice in one JSON object: path and place of each repetition."""
        return tuple((path, self._place(path, point)) for path, point in self._index.repetitions)

    def _nearest(self, path: Path, points: dict[Path, _Point]) -> Place:
        for length in range(len(path), 0, -1):
            point = points.get(path[:length], self._index.keys.get(path[:length]))
            if point:
                return self._place(path, point)
        return self._place(path, points.get((), (0, 0)))

    def _place(self, path: Path, point: _Point) -> Place:
        row, byte_column = point
        before = self._lines[row][:byte_column].decode("utf-8", "surrogatepass")
        return Place(self.file, row + 1, len(before) + 1, dotted(path))

    @cached_property
    def _lines(self) -> list[bytes]:
        return self._source.split(b"\n")

    @cached_property
    def _index(self) -> _Index:
        return _index_of(self._source, self._grammar)


def read_toml(text: str, file: str) -> Document:
    """
    The document in *text*; ConfigError with the one fault that the reader stopped at.

    A byte order mark is passed over: editors on Windows write it and nothing is lost by it.
    """
    text = text.removeprefix(_BOM)
    source = text.encode("utf-8", "surrogatepass")
    try:
        value = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        definitions = _index_of(source, "toml").definitions
        named = [(path, _position_in(source, point)) for path, point in definitions]
        _refuse(file, "CFG001", cause_in_toml(text, error, named))
    return Document(file, value, source, "toml")


def read_json(text: str | bytes, file: str) -> Document:
    """
    The document in *text*, read as strictly as phones read it; ConfigError otherwise.

    A byte order mark is refused: Google's reader gives up at it and the file is served as it is.
    ``NaN`` and ``Infinity``, which Python would take, are no JSON (RFC 8259 section 6).
    """
    decoded = _decoded(text, file) if isinstance(text, bytes) else text
    if decoded.startswith(_BOM):
        fault = BadText(1, 1, "begins with a byte order mark", "save it as UTF-8 without BOM")
        _refuse(file, "JSON002", fault)
    try:
        value = json.loads(decoded, parse_constant=_refuse_constant, parse_int=_number)
    except (ValueError, RecursionError) as error:
        _refuse(file, "JSON001", cause_in_json(decoded, error))
    return Document(file, value, decoded.encode("utf-8", "surrogatepass"), "json")


def dotted(path: Sequence[str | int]) -> str:
    """
    *path* as people write it; names that need quotes have them.

    >>> dotted(("applinks", "details", 0, "components", 2, "/"))
    'applinks.details[0].components[2]."/"'
    """
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f"[{part}]"
        else:
            is_bare = part.isascii() and part.replace("-", "a").replace("_", "a").isalnum()
            name = part if is_bare else json.dumps(part, ensure_ascii=not part.isprintable())
            words += f".{name}" if words else name
    return words


def _decoded(octets: bytes, file: str) -> str:
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")):
        fault = BadText(1, 1, "is UTF-16, not UTF-8", "save it as UTF-8 without BOM")
        _refuse(file, "JSON002", fault)
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        before = octets[: error.start].decode()
        line, column = position_of(before, len(before))
        what = f"has a byte that is not UTF-8 (0x{octets[error.start]:02X})"
        _refuse(file, "JSON002", BadText(line, column, what, "save it as UTF-8 without BOM"))


def _refuse(file: str, code: str, fault: BadText) -> NoReturn:
    place = Place(file, fault.line, fault.column)
    raise ConfigError([Finding(code, Severity.ERROR, place, fault.what, fault.hint)]) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _number(digits: str) -> int | float:
    # Python refuses integers of more than 4,300 digits; other readers round them.
    return int(digits) if len(digits) < 4000 else float(digits)


def _position_in(source: bytes, point: _Point) -> tuple[int, int]:
    row, byte_column = point
    line = source.split(b"\n")[row]
    return row + 1, len(line[:byte_column].decode("utf-8", "surrogatepass")) + 1


@dataclass(frozen=True, slots=True)
class _Index:
    """Points of names and values; *definitions* and *repetitions* in the order of the text."""

    keys: dict[Path, _Point] = field(default_factory=dict)
    values: dict[Path, _Point] = field(default_factory=dict)
    definitions: list[tuple[Path, _Point]] = field(default_factory=list)
    repetitions: list[tuple[Path, _Point]] = field(default_factory=list)


def _index_of(source: bytes, grammar: str) -> _Index:
    # 26 ms of import that a config without faults does not pay.
    from tree_sitter import Language, Parser

    if grammar == "toml":
        import tree_sitter_toml

        root = Parser(Language(tree_sitter_toml.language())).parse(source).root_node
        return _index_toml(root)
    import tree_sitter_json

    root = Parser(Language(tree_sitter_json.language())).parse(source).root_node
    return _index_json(root)


def _index_toml(root: Node) -> _Index:
    index = _Index()
    lengths: dict[Path, int] = {}  # of the arrays of tables, so far
    for node in root.named_children:
        if node.type == "pair":
            _add_pair(index, node, ())
        elif node.type in ("table", "table_array_element"):
            table = _add_header(index, node, lengths)
            for child in node.named_children:
                if child.type == "pair":
                    _add_pair(index, child, table)
    return index


def _add_header(index: _Index, node: Node, lengths: dict[Path, int]) -> Path:
    """Note the names of ``[a.b]`` or ``[[a.b]]``; the path of the table that it opens."""
    is_array = node.type == "table_array_element"
    names = list(_names(node.named_children[0])) if node.named_children else []
    path: Path = ()
    for position, (name, point) in enumerate(names):
        path = (*path, name)
        is_last = position == len(names) - 1
        index.keys.setdefault(path, point)
        if is_last:
            index.definitions.append((path, point))
        if is_last and not is_array:
            index.keys[path] = index.values[path] = point
        elif is_last:
            lengths[path] = lengths.get(path, 0) + 1
        # A header that goes through an array of tables means the table begun last.
        if path in lengths:
            path = (*path, lengths[path] - 1)
            index.keys.setdefault(path, point)
            index.values.setdefault(path, point)
    return path


def _add_pair(index: _Index, node: Node, table: Path) -> None:
    """Note ``a.b = value`` within *table*, and all that lies in the value."""
    waiting = [(node, table)]
    while waiting:
        pair, path = waiting.pop()
        last = _start(pair)
        children = [child for child in pair.named_children if child.type != "comment"]
        if len(children) < 2:
            continue
        for name, point in _names(children[0]):
            path = (*path, name)
            index.keys.setdefault(path, point)
            last = point
        index.keys[path] = last
        index.definitions.append((path, last))
        waiting += reversed(_pairs_within(index, children[1], path))


def _pairs_within(index: _Index, value: Node, path: Path) -> list[tuple[Node, Path]]:
    """Note *value* and the elements of its arrays; the pairs of its inline tables, in order."""
    pairs = []
    waiting = [(value, path)]
    while waiting:
        node, where = waiting.pop()
        index.values[where] = _start(node)
        if node.type == "array":
            elements = [child for child in node.named_children if child.type != "comment"]
            for position, element in enumerate(elements):
                index.keys[(*where, position)] = _start(element)
                waiting.append((element, (*where, position)))
        elif node.type == "inline_table":
            pairs += [(child, where) for child in node.named_children if child.type == "pair"]
    return pairs


def _names(key: Node) -> Iterator[tuple[str, _Point]]:
    """The names in a key, left to right; the grammar nests dotted keys to the left."""
    parts = [key]
    while parts and parts[-1].type == "dotted_key":
        parts += reversed(parts.pop().named_children)
    while parts:
        node = parts.pop()
        text = (node.text or b"").decode("utf-8", "surrogatepass")
        if node.type == "quoted_key":
            # The standard library knows the escapes; the key of a one-line document is the name.
            try:
                text = next(iter(tomllib.loads(f"{text} = 0")))
            except ValueError:
                text = text[1:-1]
        if node.type in ("bare_key", "quoted_key"):
            yield text, _start(node)


def _index_json(root: Node) -> _Index:
    index = _Index()
    roots = [node for node in root.named_children if node.type not in ("comment", "ERROR")]
    waiting: list[tuple[Node, Path]] = [(node, ()) for node in roots[:1]]
    while waiting:
        node, path = waiting.pop()
        index.values[path] = _start(node)
        children = [child for child in node.named_children if child.type != "comment"]
        if node.type == "array":
            inner = [(child, (*path, position)) for position, child in enumerate(children)]
            index.keys.update((where, _start(child)) for child, where in inner)
            waiting += reversed(inner)
        elif node.type == "object":
            pairs = [child for child in children if child.type == "pair"]
            waiting += reversed(_json_pairs(index, pairs, path))
    return index


def _json_pairs(index: _Index, pairs: list[Node], path: Path) -> list[tuple[Node, Path]]:
    """Note the names of one object; of a repeated one the last counts, as in every reader."""
    values = []
    names = set()
    for pair in pairs:
        key, value = pair.named_children[0], pair.named_children[-1]
        name = json.loads((key.text or b'""').decode("utf-8", "surrogatepass"))
        if name in names:
            index.repetitions.append(((*path, name), _start(key)))
        names.add(name)
        index.keys[*path, name] = _start(key)
        values.append((value, (*path, name)))
    return values


def _start(node: Node) -> _Point:
    return node.start_point.row, node.start_point.column
