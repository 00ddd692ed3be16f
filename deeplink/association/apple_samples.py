"""URLs that a rule of an Apple file matches, as witnesses of what is said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from deeplink.association.apple import AppleFile, Entry, Rule
from deeplink.association.apple_match import PREDEFINED, Kind, Token, decide, tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: The host of the URLs that serve as witnesses.
SAMPLE_HOST = "example.com"

#: What stays unescaped in a sample: the characters of RFC 3986, section 3.3, and the wildcards.
SAFE = "/!$&'()*+,;=:@-._~?%[]"


def samples(rule: Rule, file: AppleFile) -> Iterator[str]:
    """URLs that *rule* alone matches, for different fillings of its wildcards."""
    alone = AppleFile((Entry((), ("x",), (rule,)),), file.variables)
    for filling in ("", "1", "a/b"):
        url = _sample(rule, dict(file.variables), filling)
        if url and decide(alone, "x", url, SAMPLE_HOST).rule is rule:
            yield url


def _sample(rule: Rule, custom: dict[str, tuple[str, ...]], filling: str) -> str | None:
    def text(pattern: str) -> str | None:
        return _filled(tokens_of(pattern), custom, filling)

    def escaped(plain: str) -> str:
        return plain if rule.percent_encoded else quote(plain, safe="/", errors="replace")

    path = text(rule.path)
    query: str | None
    if isinstance(rule.query, str):
        query = text(rule.query)
    else:
        values = [(name, text(pattern)) for name, pattern in rule.query]
        if any(value is None for _, value in values):
            return None
        query = "&".join(f"{escaped(n)}={escaped(v)}" for n, v in values if v)
    fragment = text(rule.fragment)
    if path is None or query is None or fragment is None:
        return None
    url = f"https://{SAMPLE_HOST}/{escaped(path).lstrip('/')}"
    if query:
        url += f"?{query}"
    return f"{url}#{escaped(fragment)}" if fragment else url


def _filled(
    tokens: Iterable[Token], custom: dict[str, tuple[str, ...]], filling: str
) -> str | None:
    """A text that the tokens match; None if there is none."""
    pieces = []
    for kind, word in tokens:
        if kind is Kind.LITERAL:
            pieces.append(word)
        elif kind is Kind.VARIABLE:
            values = custom.get(word) or sorted(PREDEFINED.get(word, ()), key=_homeliness)
            if not values:
                return None
            pieces.append(values[0].replace("*", filling).replace("?", "1"))
        elif kind is Kind.NEVER:
            return None
        else:
            pieces.append(filling if kind is Kind.ANY else "1")
    return "".join(pieces)


def _homeliness(code: str) -> tuple[bool, str]:
    return code not in ("en", "US"), code
