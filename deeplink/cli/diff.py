"""``deeplink diff``: what two versions of a config or an association file mean differently."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from deeplink import config as configuration
from deeplink.association.difference import Change
from deeplink.association.difference_android import compare_android
from deeplink.association.difference_apple import compare_apple
from deeplink.cli import documents, say
from deeplink.cli.documents import Kind
from deeplink.cli.folders import WELL_KNOWN
from deeplink.errors import ConfigError, Unanswered
from deeplink.findings import Finding, Place, Severity
from deeplink.publication import publish

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deeplink.association.difference import Comparison, Difference, Said
    from deeplink.cli.documents import AssociationFile

#: The host in a witness where neither side says one (RFC 2606, section 3).
_ANY_HOST = "example.com"

#: Bytes. Apple reads 128 KiB, Android's own verifier 1 MiB (UrlFetcher.kt).
_LARGEST_FETCH = 1024 * 1024

#: What a host publishes that a config does not know: nothing.
_EMPTY = {Kind.APPLE: b"{}", Kind.ANDROID: b"[]"}


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two versions of one file, for the *hosts* that publish just these."""

    hosts: tuple[str, ...]
    old: AssociationFile
    new: AssociationFile


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--host", help="Host for which a file is compared.  [default: example.com]")
@click.option("--ios-12", is_flag=True, help="Compare for iOS 12 and older, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def diff(old: str, new: str, host: str | None, ios_12: bool, as_json: bool) -> None:
    """
    Say what two versions of a config or an association file mean differently.

    \b
    deeplink diff old/assetlinks.json assetlinks.json
    deeplink diff config/deeplink.toml staging.toml
    deeplink diff apple-app-site-association config/deeplink.toml --host links.acme.com
    deeplink diff https://links.acme.com/.well-known/assetlinks.json config/deeplink.toml

    OLD and NEW are each an association file, its https address, or a config (.toml). Each
    difference comes with a URL that shows it. Order of keys, comments, defaults written out and
    rules that do the same are none. Exit code 0: the same. 1: different, or not decided. 2: the
    command was misused, or a file cannot be read.
    """
    try:
        pairs = _pairs(old, new, host)
    except ConfigError as error:
        say.findings(error.findings, to_stderr=True)
        raise SystemExit(2) from None
    compared = [(pair, _compare(pair, with_ios_12=ios_12)) for pair in pairs]
    if as_json:
        say.as_json(_report(compared))
    else:
        _print(compared)
    raise SystemExit(0 if all(result.is_same for _, result in compared) else 1)


def _pairs(old: str, new: str, host: str | None) -> list[_Pair]:
    sides = [_Side.load(old), _Side.load(new)]
    if host is not None:
        host = host.lower().rstrip(".")
    hosts = dict.fromkeys(one for side in sides for one in side.hosts)
    if host is not None and hosts and host not in hosts:
        raise click.BadParameter(
            f'neither side has "{host}"; known here: {", ".join(hosts)}', param_hint="--host"
        )
    kinds = [kind for kind in Kind if all(side.has(kind) for side in sides)]
    if not kinds:
        names = " and ".join(f"{side.name} ({side.kind})" for side in sides)
        raise click.UsageError(
            f"{names} are two different files; translate one with deeplink convert"
        )
    origins = [side.origin for side in sides if side.origin in hosts or (side.origin and not hosts)]
    one = next(iter([*origins, *hosts]), _ANY_HOST)
    wanted = (host,) if host else tuple(hosts) if all(s.hosts for s in sides) else (one,)
    pairs: dict[tuple[Kind, str, str], _Pair] = {}
    for name in wanted:
        for kind in kinds:
            left, right = (side.file(kind, name) for side in sides)
            key = (kind, left.text, right.text)
            known = pairs[key].hosts if key in pairs else ()
            first = pairs.get(key, _Pair((), left, right))
            pairs[key] = _Pair((*known, name), first.old, first.new)
    return list(pairs.values())


class _Side:
    """
    OLD or NEW: one file, or with *hosts* all that a config publishes for each of them.

    *origin* is the host that a file was fetched from.
    """

    def __init__(
        self, name: str, files: dict[tuple[str, Kind], AssociationFile], origin: str = ""
    ) -> None:
        self.name = name
        self.origin = origin
        self._files = files
        self.hosts = tuple(dict.fromkeys(host for host, _ in files if host))

    @classmethod
    def load(cls, argument: str) -> _Side:
        if urlsplit(argument).scheme in ("http", "https"):
            file = _fetched(argument)
            return cls(argument, {("", file.kind): file}, urlsplit(argument).hostname or "")
        path = Path(argument)
        name = configuration.shown(path)
        if path.suffix != ".toml":
            file = documents.load(path)
            return cls(name, {("", file.kind): file})
        config = configuration.load(path, os.environ, well_known=WELL_KNOWN)
        published = publish(config)
        return cls(
            name,
            {
                (host, kind): documents.read(
                    published[host, f"/.well-known/{kind}"].body, kind, name, is_made=True
                )
                for host in config.known_hosts()
                for kind in Kind
            },
        )

    @property
    def kind(self) -> str:
        return ", ".join(dict.fromkeys(kind for _, kind in self._files))

    def has(self, kind: Kind) -> bool:
        return any(known == kind for _, known in self._files)

    def file(self, kind: Kind, host: str) -> AssociationFile:
        known = self._files.get((host, kind)) or self._files.get(("", kind))
        return known or documents.read(_EMPTY[kind], kind, self.name, is_made=True)


def _fetched(url: str) -> AssociationFile:
    """The file at *url*; ConfigError where it cannot be had as a phone would have it."""
    # 130 ms of import that only a URL costs.
    from deeplink.outbound import Outbound

    client = Outbound(1)
    try:
        reply = client.fetch(url, limit=_LARGEST_FETCH, insecure_loopback=True)
    except Unanswered as unanswered:
        what = f"cannot be fetched ({unanswered.fault})"
        hint = "name an https address that answers without a redirect"
        finding = Finding("CHK001", Severity.ERROR, Place(url), what, hint)
        raise ConfigError([finding]) from None
    finally:
        client.close()
    if reply.status != 200:
        what = f"answers {reply.status}, and phones take nothing but 200"
        finding = Finding("CHK001", Severity.ERROR, Place(url), what, "publish the file there")
        raise ConfigError([finding])
    return documents.read(reply.body, urlsplit(url).path.rpartition("/")[2], url)


def _compare(pair: _Pair, *, with_ios_12: bool) -> Comparison:
    host = pair.hosts[0]
    if pair.old.kind is Kind.ANDROID:
        return compare_android(pair.old.text, pair.new.text, host)
    values = pair.old.document.value, pair.new.document.value
    return compare_apple(*values, host, with_ios_12=with_ios_12)


def _print(compared: Sequence[tuple[_Pair, Comparison]]) -> None:
    different = undecided = 0
    for pair, result in compared:
        different += len(result.differences)
        undecided += len(result.undecided)
        for text in _lines(pair, result):
            say.line(text)
    if different or undecided:
        counts = [f"{different} difference{'s' if different != 1 else ''}"] if different else []
        counts += [f"{undecided} not decided"] if undecided else []
        say.line(f"deeplink: {', '.join(counts)}")
    else:
        say.line("deeplink: the meaning is the same")


def _lines(pair: _Pair, result: Comparison) -> Iterator[str]:
    others = f" (and the same for {', '.join(pair.hosts[1:])})" if pair.hosts[1:] else ""
    for one in result.differences:
        yield f"{', '.join(one.engines)}: {_sentence(one, pair)}{others}"
    for given_up in result.undecided:
        engines = ", ".join(given_up.engines)
        yield f"{engines}: {given_up.subject}: not decided: {given_up.why}{others}"


def _sentence(one: Difference, pair: _Pair) -> str:
    old, new = _names(pair)
    if one.change is Change.OTHER_APP:
        return (
            f"{one.witness} opens {one.subject} in {new}; {one.old.what} in {old}, "
            "where both are installed"
        )
    is_new = one.change in (Change.OPENS, Change.ADDED)
    only, other = (new, old) if is_new else (old, new)
    said, file = (one.new, pair.new) if is_new else (one.old, pair.old)
    where = file.where(said.at) if said.at else only
    if one.change in (Change.ADDED, Change.REMOVED):
        return f"{one.subject}: {one.witness}, in {only} only ({where})"
    answer, other_file = (one.old, pair.old) if is_new else (one.new, pair.new)
    there = other_file.where(answer.at) if answer.at else other
    return (
        f"{one.subject} opens {one.witness} in {only} only "
        f"({where}: {said.what}; {there}: {answer.what})"
    )


def _names(pair: _Pair) -> tuple[str, str]:
    if pair.old.name == pair.new.name:
        return "OLD", "NEW"
    return pair.old.name, pair.new.name


def _report(compared: Sequence[tuple[_Pair, Comparison]]) -> dict[str, object]:
    return {
        "same": all(result.is_same for _, result in compared),
        "differences": [
            {
                "document": str(pair.old.kind),
                "hosts": list(pair.hosts),
                "engines": list(one.engines),
                "change": str(one.change),
                "subject": one.subject,
                "witness": one.witness,
                "old": _said(one.old, pair.old),
                "new": _said(one.new, pair.new),
            }
            for pair, result in compared
            for one in result.differences
        ],
        "undecided": [
            {
                "document": str(pair.old.kind),
                "hosts": list(pair.hosts),
                "engines": list(one.engines),
                "subject": one.subject,
                "why": one.why,
            }
            for pair, result in compared
            for one in result.undecided
        ],
    }


def _said(said: Said, file: AssociationFile) -> dict[str, object]:
    place = file.document.place(said.at) if said.at else None
    return {
        "file": file.name,
        "line": place.line if place and not file.is_made else 0,
        "key": place.key if place else "",
        "what": said.what,
    }
