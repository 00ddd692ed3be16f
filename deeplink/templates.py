"""
The templates of the pages, ours and an admin's in their place, and what is wrong with the latter.

A page must not break at night: whatever could stop an own template from being shown – its name, its
syntax, a variable that no page has, a script that the page's policy would refuse – is found when
the config is read. The shipped templates say what is possible: their blocks, variables, attributes.
"""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

from deeplink.findings import Finding, Place, Severity, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jinja2 import Environment, nodes

_HERE = Path(__file__).parent

#: The pages that visitors see; the admin's own page and the sandbox's are not for a brand.
_PAGES = ("base.html", "callback.html", "failure.html", "link.html")

#: Names that Jinja itself gives a template, and what its loops have.
_GIVEN = frozenset({"loop", "caller", "varargs", "kwargs", "self", "super", "range", "namespace"})
_LOOP = frozenset({"first", "last", "index", "index0", "length", "previtem", "nextitem", "cycle"})

#: What the callback page's script looks for; without one it stops, or never ends a login.
MARKS = (
    *(f'id="{name}"' for name in ("login", "title", "message", "next", "ways", "help", "facts")),
    *(f'id="{name}"' for name in ("copy", "copied", "waiting")),
    *("data-state", "data-minutes", "data-beacon", "data-way", "data-auto", "data-done"),
    "login.moments",
)

#: Stands for a value of a page while a template's HTML is read; no template has it by itself.
_VALUE = "\ue000"

_SPLIT = re.compile(r"({{.*?}}|{%.*?%}|{#.*?#})", re.DOTALL)

#: What the policy of the pages refuses or what would leave the page without the visitor's tap.
_REFUSED = {
    "applet", "base", "embed", "form", "frame", "iframe", "object", "portal", "audio", "video",
    "source", "track",
}  # fmt: skip
_RUNS = re.compile(r"\s*(?:javascript|vbscript|data):", re.IGNORECASE)
_LOADING = {"src", "srcset", "background", "poster", "data", "action", "formaction", "ping"}


def shipped() -> Path:
    """The folder of our own templates, in a checkout or in an installed wheel."""
    packed = _HERE / "_data" / "templates"
    return packed if packed.is_dir() else _HERE.parent / "templates"


def environment(folders: Sequence[Path]) -> Environment:
    """The templates of *folders*; of two with one name the first folder's."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,  # a request does not look at the disk
        trim_blocks=True,
        lstrip_blocks=True,
    )


def names() -> frozenset[str]:
    """The files that may be put in the place of ours."""
    partials = (f"_partials/{path.name}" for path in (shipped() / "_partials").glob("*.html"))
    return frozenset({*_PAGES, *partials, "_style.css"})


def check(folder: Path) -> list[Finding]:
    """All that is wrong with the own templates in *folder*."""
    found: list[Finding] = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.name.startswith(".") or name == "README.md":
            continue
        if name not in names():
            what, hint = "is not one of the templates", did_you_mean(name, names())
            found.append(_finding("PAG010", path, 0, what, hint))
            continue
        try:
            source = path.read_text("utf-8")
        except (OSError, ValueError):
            hint = "save it as UTF-8"
            found.append(_finding("PAG011", path, 0, "cannot be read as UTF-8", hint))
            continue
        is_style = name == "_style.css"
        found += _style_faults(path, source) if is_style else _faults(path, name, source)
    return found or [*_hidden_ways(folder), *_lost_marks(folder)]


def _faults(path: Path, name: str, source: str) -> Iterator[Finding]:
    from jinja2 import TemplateSyntaxError

    own = environment([shipped()])
    try:
        tree = own.parse(source)
        own.compile(source)
    except TemplateSyntaxError as error:
        what = f"is not a template: {(error.message or 'syntax').rstrip('.')}"
        yield _finding("PAG011", path, error.lineno, what, "see jinja.palletsprojects.com")
        return
    yield from _block_faults(path, name, tree)
    yield from _name_faults(path, tree)
    for line, what, hint in _policy_faults(source):
        yield _finding("PAG013", path, line, what, hint)


def _block_faults(path: Path, name: str, tree: nodes.Template) -> Iterator[Finding]:
    from jinja2 import nodes

    ours = {block.name for block in _tree("base.html").find_all(nodes.Block)}
    blocks = {block.name: block.lineno for block in tree.find_all(nodes.Block)}
    if name == "base.html":
        for missing in sorted(ours - blocks.keys()):
            what = f"has no block {missing}, which the pages fill"
            hint = f"write {{% block {missing} %}}{{% endblock %}}"
            yield _finding("PAG012", path, 0, what, hint)
        if "script" not in {each.name for each in tree.find_all(nodes.Name)}:
            what = "has no place for the script, which takes the code out of the address"
            hint = "write {% if script %}<script>{{ script }}</script>{% endif %} before </body>"
            yield _finding("PAG015", path, 0, what, hint)
        return
    for parent in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        wanted = str(_constant(getattr(parent, "template", None)))
        if wanted not in names():
            what, hint = f"uses {wanted}, which does not exist", did_you_mean(wanted, names())
            yield _finding("PAG012", path, parent.lineno, what, hint)
    if tree.find(nodes.Extends) is None:
        if not name.startswith("_"):
            what, hint = "does not extend base.html", 'begin with {% extends "base.html" %}'
            yield _finding("PAG012", path, 1, what, hint)
        return
    for block, line in blocks.items():
        if block not in ours:
            what = f"fills the block {block}, which base.html does not have"
            yield _finding("PAG012", path, line, what, did_you_mean(block, ours))
    if "main" not in blocks:
        what, hint = "does not fill the block main", "write {% block main %}…{% endblock %}"
        yield _finding("PAG012", path, 0, what, hint)


def _name_faults(path: Path, tree: nodes.Template) -> Iterator[Finding]:
    from jinja2 import nodes

    known, attributes = _vocabulary()
    local = {name.name for name in tree.find_all(nodes.Name) if name.ctx in ("store", "param")}
    local |= {macro.name for macro in tree.find_all(nodes.Macro)} | _imported(tree)
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name not in known | local | _GIVEN:
            what = f"uses {name.name}, which no page has"
            yield _finding("PAG012", path, name.lineno, what, did_you_mean(name.name, known))
    for part in tree.find_all((nodes.Getattr, nodes.Getitem)):
        attribute = getattr(part, "attr", None) or _constant(getattr(part, "arg", None))
        if isinstance(attribute, str) and attribute not in attributes | _LOOP:
            what = f"uses .{attribute}, which no value of a page has"
            hint = did_you_mean(attribute, attributes)
            yield _finding("PAG012", path, part.lineno, what, hint)


def _imported(tree: nodes.Template) -> set[str]:
    from jinja2 import nodes

    names = {each.target for each in tree.find_all(nodes.Import)}
    for each in tree.find_all(nodes.FromImport):
        names |= {name if isinstance(name, str) else name[1] for name in each.names}
    return names


def _constant(node: nodes.Node | None) -> object:
    from jinja2 import nodes

    return node.value if isinstance(node, nodes.Const) else None


@cache
def _vocabulary() -> tuple[frozenset[str], frozenset[str]]:
    """The variables and the attributes that the shipped templates use."""
    from jinja2 import nodes

    variables, attributes = set(), set()
    for name in names() - {"_style.css"}:
        tree = _tree(name)
        macros = [macro.name for macro in tree.find_all(nodes.Macro)]
        stored = {each.name for each in tree.find_all(nodes.Name) if each.ctx != "load"}
        variables |= {each.name for each in tree.find_all(nodes.Name) if each.ctx == "load"}
        variables -= {*macros, *(stored - variables)}
        attributes |= {each.attr for each in tree.find_all(nodes.Getattr)}
    return frozenset(variables), frozenset(attributes)


@cache
def _tree(name: str) -> nodes.Template:
    return environment([shipped()]).parse((shipped() / name).read_text("utf-8"))


def _hidden_ways(folder: Path) -> Iterator[Finding]:
    """A page that leaves out a way leaves somebody in front of a closed door."""
    from jinja2 import nodes

    for name in ("callback.html", "link.html"):
        trees = map(environment([shipped()]).parse, _parts(name, folder).values())
        used = {part.attr for tree in trees for part in tree.find_all(nodes.Getattr)}
        missing = sorted({"shown", "folded"} - used)
        if missing:
            what = f"never shows page.ways.{missing[0]}, so some visitors find no way into the app"
            hint = 'write {% include "_partials/ways.html" %}'
            path = next(each for each in (folder / name, folder) if each.exists())
            yield _finding("PAG014", path, 0, what, hint)


def _lost_marks(folder: Path) -> Iterator[Finding]:
    """Where the callback page's script would find nothing to work with."""
    parts = _parts("callback.html", folder)
    for home, ours in _parts("callback.html", shipped()).items():
        for mark in MARKS:
            if mark not in ours or any(_has(mark, part) for part in parts.values()):
                continue
            own = folder / (home if home in parts else "callback.html")
            start = next(tag for tag in re.findall(r"<[a-z][^>]*>?", ours) if mark in tag)
            what = f"has no {mark}, which the script of the callback page looks for"
            yield _finding(
                "PAG015", own, 0, what, f"write it as ours has it: {' '.join(start.split())}"
            )


def _parts(name: str, folder: Path) -> dict[str, str]:
    """The sources of the page *name* by file: the template and what it includes."""
    from jinja2 import nodes

    sources: dict[str, str] = {}
    waiting = [name]
    while waiting:
        each = waiting.pop()
        path = folder / each
        sources[each] = (path if path.is_file() else shipped() / each).read_text("utf-8")
        tree = environment([shipped()]).parse(sources[each])
        included = (getattr(part.template, "value", "") for part in tree.find_all(nodes.Include))
        waiting += [part for part in included if part not in sources]
    return sources


def _has(mark: str, source: str) -> bool:
    name, _, value = mark.partition("=")
    wanted = rf"""\b{name}\s*=\s*["']?{value.strip('"')}\b""" if value else rf"\b{name}\b"
    return re.search(wanted, source) is not None


def _style_faults(path: Path, source: str) -> Iterator[Finding]:
    for number, line in enumerate(source.splitlines(), 1):
        if re.search(r"@import|url\((?!\s*['\"]?data:image/)", line, re.IGNORECASE):
            what, hint = "loads something, which the page's policy refuses", "put it into the page"
            yield _finding("PAG013", path, number, what, hint)
        if "</" in line:
            what, hint = "has </, which would end the style", "remove it"
            yield _finding("PAG013", path, number, what, hint)


def _policy_faults(source: str) -> list[tuple[int, str, str]]:
    scan = _Scan()
    # Jinja's own parts become a word of the same lines, so that places stay right.
    scan.feed("".join(_blank(part) if part[:2] in ("{{", "{%", "{#") else part
                      for part in _SPLIT.split(source)))  # fmt: skip
    scan.close()
    return scan.faults


def _blank(part: str) -> str:
    word = {"{{ style }}": "STYLE", "{{ script }}": "SCRIPT"}.get(part)
    return word or (_VALUE if part.startswith("{{") else "") + "\n" * part.count("\n")


class _Scan(HTMLParser):
    """What of a template's HTML the policy of the pages would refuse; lines count from 1."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[tuple[int, str, str]] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._inside = tag if tag in ("script", "style") else ""
        if tag in _REFUSED:
            self._fault(f"has <{tag}>, which the page's policy refuses", "remove it")
        if tag == "meta" and values.get("http-equiv"):
            self._fault("has <meta http-equiv>, which moves people without a tap", "remove it")
        if tag == "link" and not values.get("href", "").startswith("data:"):
            self._fault("loads a <link>, which the page's policy refuses", "use _style.css")
        for name, value in values.items():
            if name.startswith("on"):
                self._fault(f"has the handler {name}, which the policy refuses", "remove it")
            elif name == "style":
                self._fault("has a style attribute, which the policy refuses", "use _style.css")
            elif name in _LOADING and not value.startswith(("data:image/", _VALUE)):
                self._fault(f"loads something by {name}, which the policy refuses", "use data:")
            elif name == "href" and tag != "link" and _RUNS.match(value):
                self._fault("has a link that runs a script", "write an https link")

    def handle_data(self, data: str) -> None:
        allowed = {"script": "SCRIPT", "style": "STYLE"}.get(self._inside)
        if allowed and data.strip() and data.strip() != allowed:
            hint = "use _style.css" if self._inside == "style" else "pages have one script, ours"
            self._fault(f"has a <{self._inside}> that the page's policy refuses", hint)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def _fault(self, what: str, hint: str) -> None:
        self.faults.append((self.getpos()[0], what, hint))


def _finding(code: str, path: Path, line: int, what: str, hint: str) -> Finding:
    return Finding(code, Severity.ERROR, Place(path.as_posix(), line), what, hint)
