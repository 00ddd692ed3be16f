"""
What hosts publish, as phones find it, with the places from which each part of it comes.

A generated document leads back to the rows of the config, a hand-written one to its own lines.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from deeplink.association import android, apple
from deeplink.association.android_questions import strict_json
from deeplink.association.verdict import AndroidApp, App, IosApp, Link
from deeplink.dropins import APPLE, ASSETLINKS, paths_of
from deeplink.errors import ConfigError
from deeplink.findings import Place
from deeplink.places import read_json
from deeplink.publication import GENERATED, publish

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from deeplink.config import Config
    from deeplink.places import Document, Path
    from deeplink.publication import Published

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Spot:
    """
    A place that an answer points at. *pointer* is a JSON pointer (RFC 6901) in a document.

    >>> str(Spot(Place("aasa.json", 4, 9), "/applinks/details/0"))
    'aasa.json:4:9 /applinks/details/0'
    """

    place: Place
    pointer: str = ""

    def __str__(self) -> str:
        place = self.place
        if self.pointer:
            where = f":{place.line}:{place.column}" if place.line else ""
            return f"{place.file}{where} {self.pointer}"
        where = f"{place.file}:{place.line}" if place.line else place.file
        return f"{where} {place.key}".rstrip()

    def as_json(self) -> dict[str, object]:
        place = self.place
        return {
            "file": place.file,
            "line": place.line,
            "column": place.column,
            "key": place.key,
            "pointer": self.pointer,
        }


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file cannot be read at all."""

    what: str
    hint: str
    spot: Spot


@dataclass(frozen=True, slots=True)
class Paper:
    """
    One association file. *value* is its JSON value, None if it has none; *text* its text.

    *document* knows the places of a hand-written file; a generated one has none, and its rules
    are traced to rows of the config by ``Estate``. Some readers take what *fault* complains of.
    """

    source: str
    value: object
    text: str = field(repr=False)
    document: Document | None = field(repr=False, default=None)
    fault: Fault | None = None

    @property
    def is_generated(self) -> bool:
        return self.source == GENERATED

    def spot(self, path: Sequence[str | int]) -> Spot:
        place = self.document.place(path) if self.document else Place(self.source)
        return Spot(place, pointer_of(path))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the config for one app, and where it stands: ``("links", 2)``."""

    link: Link
    path: Path

    @property
    def is_callback(self) -> bool:
        return self.path[0] == "callbacks"

    @property
    def shown(self) -> str:
        """The row's conditions in one word, as they would look in a URL."""
        link = self.link
        items = "&".join(f"{name}={value}" for name, value in link.query)
        fragment = "" if link.fragment is None else f"#{link.fragment}"
        return f"{link.path}{'?' if items else ''}{items}{fragment}"


@dataclass(frozen=True, slots=True)
class Estate:
    """
    Hosts, apps and files that belong together: a config's, or some files on their own.

    *hosts* are the known ones; None says that the files are taken to be any host's. *rows* are
    those of the config, callbacks first, as its documents are made; None without a config.
    *table* knows their places. *assumed* is what had to be taken for granted, in sentences.
    """

    apps: tuple[App, ...]
    papers: Mapping[tuple[str | None, str], Paper]
    hosts: tuple[str, ...] | None = None
    alternate_host: str | None = None
    rows: tuple[Row, ...] | None = None
    table: Document | None = field(repr=False, default=None)
    assumed: tuple[str, ...] = ()

    def paper(self, host: str, name: str) -> Paper | None:
        """The file *name* (``dropins.APPLE`` or ``ASSETLINKS``) of *host*."""
        return self.papers.get((host if self.hosts is not None else None, name))

    def has(self, name: str) -> bool:
        return any(kind == name for _, kind in self.papers)

    def rows_at(self, host: str, app: App) -> tuple[Row, ...]:
        """The rows that speak about *app* on *host*, in order."""
        return tuple(
            row for row in self.rows or () if row.link.app.key == app.key and host in row.link.hosts
        )

    def place(self, path: Sequence[str | int]) -> Spot | None:
        """Where the config says what *path* names."""
        return Spot(self.table.place(path)) if self.table else None


def estate_of(config: Config, table: Document) -> Estate:
    """Everything that *config* publishes; *table* is the config's file with its places."""
    publication = publish(config)
    papers: dict[tuple[str | None, str], Paper] = {}
    for host in config.known_hosts():
        for name in (APPLE, ASSETLINKS):
            papers[host, name] = _paper_of(publication[host, paths_of(name)[0]], name)
    return Estate(
        apps=(*config.apps, *_strangers(config.apps, papers.values())),
        papers=papers,
        hosts=config.known_hosts(),
        alternate_host=config.alternate_host,
        rows=tuple(_rows(config)),
        table=table,
    )


def estate_of_files(
    files: Mapping[str, tuple[str, bytes]],
    *,
    host: str | None = None,
    app_ids: Sequence[str] = (),
    packages: Sequence[str] = (),
    fingerprints: Sequence[str] = (),
) -> Estate:
    """
    Files on their own: (*name of the file*, *bytes*) under ``APPLE`` and ``ASSETLINKS``.

    Without *host* they are taken to be those of whatever host is asked about; without *app_ids*
    or *packages* all apps that they name are meant; without *fingerprints*, builds that are
    signed with any key which the file lists for them.
    """
    papers: dict[tuple[str | None, str], Paper] = {
        (host, name): _read(name, octets, source) for name, (source, octets) in files.items()
    }
    named = list(_strangers((), papers.values()))
    apps = [app for app in named if app.ios and (not app_ids or app.key in app_ids)]
    apps += [app for app in named if app.android and (not packages or app.key in packages)]
    known = {app.key for app in apps}
    if APPLE in files:
        apps += [_ios_app(name) for name in app_ids if name not in known]
    if ASSETLINKS in files:
        apps += [_android_app(name, ()) for name in packages if name not in known]
    if fingerprints:
        apps = [_signed(app, fingerprints) for app in apps]
    return Estate(
        apps=tuple(apps),
        papers=papers,
        hosts=None if host is None else (host,),
        assumed=tuple(_assumed_of_files(files, host, fingerprints)),
    )


def pointer_of(path: Iterable[str | int]) -> str:
    """
    *path* as RFC 6901 writes it.

    >>> pointer_of(("applinks", "details", 0, "components", 2, "/"))
    '/applinks/details/0/components/2/~1'
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def apple_origin(estate: Estate, host: str, app: App, at: Path, paper: Paper) -> Row | None:
    """
    The row from which the rule *at* of a generated document was made; None for a rule of ours.

    ``apple.build`` puts this server's own paths first and then each row that it can say; into
    ``paths`` goes what has no condition that they lack.
    """
    rows = [row for row in estate.rows_at(host, app) if row.link.exclude or _is_said(row.link)]
    if at[-2] == "paths":
        rows = [row for row in rows if row.link.exclude or not row.link.has_conditions]
    written = paper.value
    for part in at[:-1]:
        written = written[part]  # type: ignore[index]  # the path comes from this very value
    own = len(written) - len(rows) if isinstance(written, list) else 0
    index = int(at[-1]) - own
    return rows[index] if index >= 0 else None


def android_origin(rows: Sequence[Row], index: int) -> Row | None:
    """The row from which rule *index* of a generated statement was made."""
    for row in rows:
        made = len(android.components_of(row.link))
        if index < made:
            return row
        index -= made
    return None


@lru_cache(maxsize=1 << 14)
def _is_said(link: Link) -> bool:
    """Whether Apple's language holds the row; only its conditions can stand in the way."""
    if not link.query and link.fragment is None:
        return True
    applinks = apple.build([link], ())["applinks"]
    return bool(isinstance(applinks, dict) and applinks.get("details"))


def _rows(config: Config) -> Iterator[Row]:
    for index, callback in enumerate(config.callbacks):
        for app in callback.apps:
            link = Link(app=app, hosts=callback.hosts, path=callback.path)
            yield Row(link, ("callbacks", index))
    for index, link in enumerate(config.links):
        yield Row(link, ("links", index))


def _paper_of(published: Published, name: str) -> Paper:
    if published.source == GENERATED:
        return Paper(GENERATED, json.loads(published.body), published.body.decode())
    return _read(name, published.body, published.source)


def _read(name: str, octets: bytes, source: str) -> Paper:
    return _read_apple(octets, source) if name == APPLE else _read_android(octets, source)


def _read_apple(octets: bytes, source: str) -> Paper:
    reading = apple.read(octets)
    document, fault = _places(reading.text.removeprefix(_BOM), source)
    if reading.fault and (fault is None or reading.fault.code != "AASA001"):
        refused = reading.fault
        spot = Spot(Place(source, refused.line, refused.column))
        fault = Fault(refused.what, refused.hint, spot)
    text = reading.text.decode("utf-8", "replace")
    return Paper(source, reading.value, text, document, fault if reading.fault else None)


def _read_android(octets: bytes, source: str) -> Paper:
    document, fault = _places(octets.removeprefix(_BOM), source)
    text = octets.decode("utf-8", "replace")
    try:
        value = strict_json(text)
    except ValueError:
        value = None
    return Paper(source, value, text, document, fault)


def _places(octets: bytes, source: str) -> tuple[Document | None, Fault | None]:
    try:
        return read_json(octets, source), None
    except ConfigError as error:
        first = error.findings[0]
        return None, Fault(f"the file {first.what}", first.hint, Spot(first.place))


def _strangers(apps: Sequence[App], papers: Iterable[Paper]) -> Iterator[App]:
    """The apps that hand-written files name and *apps* do not hold, once each."""
    known = {app_id for app in apps if app.ios for app_id in app.ios.app_ids}
    known |= {app.android.package_name for app in apps if app.android}
    keys: dict[str, list[str]] = {}
    for paper in papers:
        if paper.is_generated:
            continue
        for app_id in (one for entry in apple.parse(paper.value).entries for one in entry.app_ids):
            if app_id not in known:
                known.add(app_id)
                yield _ios_app(app_id)
        for package_name, listed in _packages(paper.value):
            if package_name not in known:
                keys.setdefault(package_name, []).extend(listed)
    for package_name, listed in keys.items():
        yield _android_app(package_name, tuple(dict.fromkeys(listed)))


def _packages(value: object) -> Iterator[tuple[str, list[str]]]:
    for entry in value if isinstance(value, list) else ():
        target = entry.get("target") if isinstance(entry, dict) else None
        if not isinstance(target, dict) or not isinstance(target.get("package_name"), str):
            continue
        listed = target.get("sha256_cert_fingerprints")
        keys = listed if isinstance(listed, list) else []
        yield target["package_name"], [key for key in keys if isinstance(key, str)]


def _ios_app(app_id: str) -> App:
    return App(app_id, app_id, None, IosApp((app_id,), None, None, False), False)


def _android_app(package_name: str, keys: tuple[str, ...]) -> App:
    return App(package_name, package_name, AndroidApp(package_name, keys), None, False)


def _signed(app: App, fingerprints: Sequence[str]) -> App:
    if app.android is None:
        return app
    return replace(app, android=AndroidApp(app.android.package_name, tuple(fingerprints)))


def _assumed_of_files(
    files: Mapping[str, object], host: str | None, fingerprints: Sequence[str]
) -> Iterator[str]:
    if host is None:
        yield "the files are those of the URL's own host"
    if APPLE in files:
        yield "iOS: the app's entitlement names the host"
    if ASSETLINKS in files:
        yield "Android: the app's manifest covers the URL, in a filter with autoVerify"
        if not fingerprints:
            yield "Android: the app is signed with a key that the file lists for it"
