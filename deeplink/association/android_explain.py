"""
Why a reader of assetlinks.json takes a site for an app's friend, and why rules let a URL pass.

The engines decide; here each decision gets its grounds: the place that decided, the one that came
nearest, and the smallest edit that would turn it. Every edit is tried before it is offered.
Sources as in ``android_statements`` and ``android_match``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from deeplink.association.android import HANDLE_ALL_URLS, Component
from deeplink.association.android_devices import Agent, Loss, take, unreadable_at
from deeplink.association.android_google import made_of
from deeplink.association.android_match import compile_rules
from deeplink.association.android_patterns import Translation, translate
from deeplink.association.android_questions import Answer, Served, strict_json
from deeplink.association.android_statements import CHROMIUM, GOOGLE, verdict
from deeplink.association.android_uri import Uri, parse_uri
from deeplink.association.apple_match import common_length
from deeplink.findings import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deeplink.association.android_match import RuleVerdict
    from deeplink.association.verdict import AndroidApp

#: Where a value stands: keys and indices from the root of the document or the list of rules.
JsonPath = tuple[str | int, ...]

#: What no file can settle ("Verify App Links", "Add App Links", developer.android.com).
CAVEATS = (
    "the app must be installed, from a build that is signed with one of the listed keys",
    "its manifest must declare the link in a filter with autoVerify, VIEW, DEFAULT and BROWSABLE",
    "a URL typed into the address bar stays in the browser",
    "a person can switch the app's links off, or give them to another app, in the settings",
    "browsers and in-app browsers may follow a link themselves, redirects above all",
    "a phone checks the host when the app is installed and every few days after that",
)

#: Characters of a URL that a sentence repeats.
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Edit:
    """A small change that turns the decision: what to write, and where."""

    at: JsonPath
    what: str


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What one reader makes of a file for one app.

    *keys* are those of the app's keys with which it is verified; none: it is not. *at* is the
    statement that says so, or what came nearest; *why* and *edit* are empty where nothing is
    wrong. *has_include* says that the file points at others, which were not looked at.
    """

    keys: tuple[str, ...]
    at: JsonPath = ()
    why: str = ""
    edit: Edit | None = None
    has_include: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """One rule against the URL: each part that does not match has a sentence in *misses*."""

    index: int
    rule: Component
    misses: tuple[tuple[str, str], ...]

    @property
    def matches(self) -> bool:
        return not self.misses


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    What dynamic rules say, all rules tried in order, the nearest that would allow, a remedy.

    *edit* lies within the list of rules: ``(3,)`` is the fourth rule, ``()`` the list itself.
    *is_void* says that the device throws all rules away, and so blocks nothing.
    """

    verdict: RuleVerdict
    trials: tuple[Trial, ...]
    nearest: Trial | None = None
    edit: Edit | None = None
    is_void: bool = False


def explain_statement(engine: str, document: object, host: str, app: AndroidApp) -> Standing:
    """
    Whether the file that *host* serves verifies *app* for *engine*, one of ENGINES, and why not.

    *document* is the file's text, or its JSON value. The app counts as signed with one of its
    keys, so each is asked for by itself. A file over HTTP is taken to come as it should.
    """
    served = Served(document=document, includes={})
    keys = tuple(
        key
        for key in app.sha256_cert_fingerprints
        if _is_linked(engine, served, host, app.package_name, key)
    )
    entries = _entries(document)
    has_include = engine != CHROMIUM and any("include" in entry for _, entry in _objects(entries))
    if keys:
        at = _statement_for(entries, app.package_name, keys[0])
        return Standing(keys, at, *_missing_keys(app, keys, at), has_include=has_include)
    at, why, edit = _not_linked(engine, entries, app)
    return Standing((), at, why, edit, has_include)


def explain_rules(
    rules: Sequence[Component], url: str, translation: Translation = Translation.NEWEST
) -> Explanation:
    """
    The decision of ``compile_rules(rules).decide(url)`` with every rule's part in it.

    An empty list blocks nothing, neither do rules of which one is malformed.
    """
    compiled, uri = compile_rules(rules, translation), parse_uri(url)
    decided = compiled.decide(uri)
    if not compiled.groups:
        return Explanation(decided, (), is_void=compiled.groups is None)
    trials = tuple(
        Trial(index, rule, tuple(_misses(rule, uri, translation)))
        for index, rule in enumerate(rules)
    )
    if decided.allowed:
        return Explanation(decided, trials[: (decided.rule or 0) + 1])
    if decided.rule is not None:
        edit = _lift(decided.rule, trials)
        return Explanation(decided, trials[: decided.rule + 1], None, edit)
    nearest = _nearest(trials, uri)
    return Explanation(decided, trials, nearest, _turning_edit(rules, nearest, uri, translation))


# --- statements ------------------------------------------------------------------------------


def _is_linked(engine: str, served: Served, host: str, package_name: str, key: str) -> bool:
    target = {
        "namespace": "android_app",
        "package_name": package_name,
        "sha256_cert_fingerprints": [key],
    }
    source = {"namespace": "web", "site": f"https://{host}"}
    query = {"source": source, "relation": HANDLE_ALL_URLS, "target": target}
    return verdict(engine, query, served).answer is Answer.LINKED


def _entries(document: object) -> list[object] | None:
    if isinstance(document, str):
        try:
            document = strict_json(document)
        except ValueError:
            return None
    return document if isinstance(document, list) else None


def _objects(entries: list[object] | None) -> Iterator[tuple[int, Mapping[str, object]]]:
    for index, entry in enumerate(entries or ()):
        if isinstance(entry, dict):
            yield index, entry


def _statement_for(entries: list[object] | None, package_name: str, key: str) -> JsonPath:
    for index, entry in _objects(entries):
        if _package_of(entry) == package_name and key in _keys_of(entry):
            return (index,)
    return ()


def _missing_keys(app: AndroidApp, keys: tuple[str, ...], at: JsonPath) -> tuple[str, Edit | None]:
    missing = [key for key in app.sha256_cert_fingerprints if key not in keys]
    if not missing:
        return "", None
    listed = ", ".join(f"{key[:11]}…" for key in missing)
    place = (*at, "target", "sha256_cert_fingerprints") if at else ()
    return f"not for a build that is signed with {listed}", Edit(place, f'add "{missing[0]}"')


def _not_linked(
    engine: str, entries: list[object] | None, app: AndroidApp
) -> tuple[JsonPath, str, Edit | None]:
    if entries is None:
        return (), "the file is not a JSON list", Edit((), "write a list of statements: [...]")
    agent = next((one for one in Agent if one == engine), None)
    if agent and (lost := _loss(agent, entries)):
        return lost
    stated = [(n, e) for n, e in _objects(entries) if _package_of(e) == app.package_name]
    if not stated:
        return _not_stated(entries, app)
    index, entry = next((pair for pair in stated if _opens_links(pair[1])), stated[0])
    if not _opens_links(entry):
        what = f'add "{HANDLE_ALL_URLS}" to "relation"'
        why = f"the statement about {app.package_name} has not the relation that opens links"
        return (index, "relation"), why, Edit((index, "relation"), what)
    return _other_keys(engine, index, entry, app)


def _loss(agent: Agent, entries: list[object]) -> tuple[JsonPath, str, Edit] | None:
    for index, entry in enumerate(entries):
        if take(agent, entry) is not Loss.FILE:
            continue
        inside = unreadable_at(agent, entry)
        at = (index, *(inside or ()))
        if inside and inside[0] == "relation_extensions":
            why = "this reader cannot take dynamic rules, and loses the whole file over them"
            what = "leave the rules out, if phones without Google services matter"
        elif inside is not None:
            why = "this reader cannot take such a value, and loses the whole file over it"
            what = "remove it, or write it as text in double quotes"
        else:
            why = "this statement is malformed, and this reader loses the whole file over it"
            what = "remove it, or correct it: deeplink check says what is wrong with it"
        return at, why, Edit(at, what)
    return None


def _not_stated(entries: list[object], app: AndroidApp) -> tuple[JsonPath, str, Edit]:
    known = {name: index for index, entry in _objects(entries) if (name := _package_of(entry))}
    hint = f" ({did_you_mean(app.package_name, known)})" if known else ""
    what = f"add a statement about {app.package_name} with its keys{hint}"
    at: JsonPath = ()
    for name, index in known.items():
        if f'"{name}"?' in hint:
            at = (index, "target", "package_name")
    return at, f"no statement is about {app.package_name}", Edit(at, what)


def _other_keys(
    engine: str, index: int, entry: Mapping[str, object], app: AndroidApp
) -> tuple[JsonPath, str, Edit]:
    at: JsonPath = (index, "target", "sha256_cert_fingerprints")
    listed, wanted = _keys_of(entry), app.sha256_cert_fingerprints
    if engine == GOOGLE and made_of(entry) is None and any(key in listed for key in wanted):
        why = "the statement is malformed for Google, which passes over it"
        return (index,), why, Edit((index,), "deeplink check says what is wrong with it")
    for place, key in enumerate(listed):
        for right in wanted:
            if key != right and _plain(key) == _plain(right):
                why = "the key is right but not spelled in upper case with colons, so it is another"
                return (*at, place), why, Edit((*at, place), f'write "{right}"')
    if not wanted:
        why = f"no key of {app.package_name} is known, and none is listed"
        return at, why, Edit(at, "add the SHA-256 fingerprint of the app's key")
    why = f"the statement about {app.package_name} lists other keys than the app's"
    return at, why, Edit(at, f'add "{wanted[0]}"')


def _plain(key: str) -> str:
    return "".join(char for char in key.upper() if char.isalnum())


def _opens_links(entry: Mapping[str, object]) -> bool:
    relations = entry.get("relation")
    return isinstance(relations, list) and HANDLE_ALL_URLS in relations


def _package_of(entry: Mapping[str, object]) -> str:
    target = entry.get("target")
    name = target.get("package_name") if isinstance(target, dict) else None
    return name if isinstance(name, str) else ""


def _keys_of(entry: Mapping[str, object]) -> list[str]:
    target = entry.get("target")
    keys = target.get("sha256_cert_fingerprints") if isinstance(target, dict) else None
    return [key if isinstance(key, str) else "" for key in keys] if isinstance(keys, list) else []


# --- dynamic rules ---------------------------------------------------------------------------


def _misses(rule: Component, uri: Uri, translation: Translation) -> Iterator[tuple[str, str]]:
    if rule.path is None and rule.fragment is None and not rule.query:
        yield "", "the rule asks for nothing, and such a rule never matches"
    if rule.path is not None and not _holds(rule.path, uri.path, translation):
        yield "/", _mismatch(rule.path, "path", uri.path)
    pairs = uri.parts()
    for name, value in rule.query:
        if not any(_holds(f"{name}={value}", pair, translation) for pair in pairs):
            yield "?", _missing_pair(name, value, pairs)
    if rule.fragment is not None and (
        uri.fragment is None or not _holds(rule.fragment, uri.fragment, translation)
    ):
        yield "#", _mismatch(rule.fragment, "fragment", uri.fragment or "")


def _holds(expression: str, text: str, translation: Translation) -> bool:
    pattern = translate(expression, translation)
    return pattern is not None and pattern.matches(text)


def _mismatch(expression: str, part: str, text: str) -> str:
    sentence = f'"{expression}" does not match the {part} "{_shown(text)}"'
    if _matches_freely(expression, text):
        return f'{sentence}: on Android "*" ends where the character after it first comes'
    if _matches_freely(unquote(expression), text):
        return f"{sentence}: Android compares with the decoded {part}"
    if _matches_freely(expression.lower(), text.lower()):
        return f"{sentence}: upper and lower case differ"
    return sentence


def _missing_pair(name: str, value: str, pairs: Sequence[str]) -> str:
    values = [pair[len(name) + 1 :] for pair in pairs if pair.startswith(f"{name}=")]
    what = f'is "{_shown(values[0])}"' if any(values[:1]) else "is absent or empty"
    return f'parameter "{name}" {what}, which "{value}" does not match'


def _matches_freely(pattern: str, text: str) -> bool:
    """Whether the expression would match if its stars could try again, as most people think."""
    at = place = 0
    star, resumed = -1, 0
    while place < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, resumed = at, place
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            resumed += 1
            at, place = star + 1, resumed
        else:
            return False
    return not pattern[at:].strip("*")


def _lift(excluding: int, trials: tuple[Trial, ...]) -> Edit:
    for trial in trials[excluding + 1 :]:
        if trial.matches and not trial.rule.exclude:
            return Edit((excluding,), f"move rule {trial.index + 1}, which matches too, before it")
    return Edit((excluding,), "remove it, or narrow it, and add a rule that allows the URL")


def _nearest(trials: tuple[Trial, ...], uri: Uri) -> Trial | None:
    """The allowing rule with the fewest misses; among equals, the path followed furthest."""
    allowing = [trial for trial in trials if not trial.rule.exclude]
    fewest = min((len(trial.misses) for trial in allowing), default=0)
    near = [trial for trial in allowing if len(trial.misses) == fewest]
    path = uri.path.lower()
    return max(
        near, key=lambda one: common_length((one.rule.path or "").lower(), path), default=None
    )


def _turning_edit(
    rules: Sequence[Component], nearest: Trial | None, uri: Uri, translation: Translation
) -> Edit | None:
    """The first of some small changes, mildest first, after which the URL passes."""
    if nearest is not None:
        for changed, what in _changes(nearest.rule, uri):
            tried = list(rules)
            tried[nearest.index] = changed
            if compile_rules(tried, translation).decide(uri).allowed:
                return Edit((nearest.index,), what)
    for path in (uri.path, "*"):
        added = [*rules, Component(path)]
        if path and compile_rules(added, translation).decide(uri).allowed:
            return Edit((), f'add {{"/": "{path}"}} as the last rule')
    return None


def _changes(rule: Component, uri: Uri) -> Iterator[tuple[Component, str]]:
    if rule.path is not None:
        plain = unquote(rule.path)
        yield replace(rule, path=plain), f'write "/": "{plain}"'
        longer = f"{rule.path.rstrip('/*')}/*"
        yield replace(rule, path=longer), f'write "/": "{longer}"'
    for name, _ in rule.query:
        fewer = tuple(pair for pair in rule.query if pair[0] != name)
        if fewer or rule.path is not None or rule.fragment is not None:
            yield replace(rule, query=fewer), f'leave parameter "{name}" out of "?"'
    if rule.path is not None:
        yield replace(rule, query=()), 'leave "?" out'
        yield replace(rule, fragment=None), 'leave "#" out'
        yield replace(rule, query=(), fragment=None), 'leave "?" and "#" out'
        if uri.path:
            own = replace(rule, path=uri.path)
            yield own, f'write "/": "{uri.path}", or add a rule for it'


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
