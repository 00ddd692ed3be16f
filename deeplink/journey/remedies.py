"""
The smallest edit of the config after which a link opens: proposed here, proved by the engines.

Changes are tried mildest first. One that narrows or moves what other links rely on comes after
one that only adds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deeplink.association.verdict import Link
from deeplink.journey.answers import Near, Remedy, is_alternate_callback, is_reserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from deeplink.association.verdict import App
    from deeplink.journey.address import Address
    from deeplink.journey.papers import Estate, Row, Spot

    Opens = Callable[[Sequence[Link]], bool]


def mend(
    estate: Estate, address: Address, app: App, nearest: Row | None, opens: Opens
) -> Remedy | None:
    """
    The first small change of the rows of *app* after which *opens* says yes; None if none does.

    *nearest* is the row that excluded the URL or came closest to opening it. *opens* answers for
    rows as the host of *address* would have them.
    """
    rows = estate.rows_at(address.host, app)
    for links, what, spot in _changes(estate, address, app, rows, nearest):
        if opens(links):
            return Remedy(what, spot)
    return None


def elsewhere(estate: Estate, address: Address, app: App, opens: Opens) -> Near | None:
    """The row of *app* that would open the URL if only it were for this host, too."""
    links = [row.link for row in estate.rows_at(address.host, app)]
    for row, shared in _shared(estate, address, app):
        if opens([*links, shared]):
            miss = f"the row is for {', '.join(row.link.hosts)}, not for {address.host}"
            return Near(row.shown, (miss,), estate.place(row.path), len(row.link.path))
    return None


_Change = tuple[list[Link], str, "Spot | None"]


def _changes(
    estate: Estate, address: Address, app: App, rows: Sequence[Row], nearest: Row | None
) -> Iterator[_Change]:
    links = [row.link for row in rows]
    if nearest is not None and nearest.link.exclude:
        yield from _lifted(estate, address, app, rows, nearest)
        return
    if nearest is not None and not nearest.is_callback:
        for link, what in _loosened(nearest.link):
            changed = [link if row is nearest else row.link for row in rows]
            yield changed, what, estate.place(nearest.path)
    yield from _hosts_added(estate, address, app, links)
    for path in _paths_for(estate, address, rows):
        row = _row(app, address, path)
        hosts = f', hosts = ["{address.host}"]' if address.host == estate.alternate_host else ""
        spot = estate.place(("links",)) if any(not one.is_callback for one in rows) else None
        yield [*links, row], f'add [[links]] path = "{path}", app = "{app.key}"{hosts}', spot


def _loosened(link: Link) -> Iterator[tuple[Link, str]]:
    for name, _ in link.query:
        fewer = tuple(pair for pair in link.query if pair[0] != name)
        yield replace(link, query=fewer), f'leave "{name}" out of query'
    if link.query:
        yield replace(link, query=()), "leave query out"
    if link.fragment is not None:
        yield replace(link, fragment=None), "leave fragment out"
        yield replace(link, query=(), fragment=None), "leave query and fragment out"
    if "*" not in link.path:
        longer = f"{link.path.rstrip('/')}/*"
        yield replace(link, path=longer), f'write path = "{longer}"'


def _hosts_added(
    estate: Estate, address: Address, app: App, links: Sequence[Link]
) -> Iterator[_Change]:
    for row, shared in _shared(estate, address, app):
        what = f'add "{address.host}" to the row\'s hosts'
        yield [*links, shared], what, estate.place((*row.path, "hosts"))


def _shared(estate: Estate, address: Address, app: App) -> Iterator[tuple[Row, Link]]:
    """
    Rows of the app on other hosts, given this one as well.

    The alternate host must not have a callback: a tap there is to leave for the other host.
    """
    for row in estate.rows or ():
        is_elsewhere = row.link.app.key == app.key and address.host not in row.link.hosts
        if is_elsewhere and not (row.is_callback and address.host == estate.alternate_host):
            yield row, replace(row.link, hosts=(*row.link.hosts, address.host))


def _lifted(
    estate: Estate, address: Address, app: App, rows: Sequence[Row], excluding: Row
) -> Iterator[_Change]:
    spot = estate.place(excluding.path)
    others = [row for row in rows if row is not excluding]
    before = list(rows[: rows.index(excluding)])
    for later in rows[len(before) :]:
        if later.link.exclude:
            continue
        rest = [row for row in rows[len(before) :] if row is not later]
        where = _line_of(estate, later)
        moved = [row.link for row in (*before, later, *rest)]
        yield moved, f"move the row {later.shown}{where} in front of this one", spot
    links = [row.link for row in others]
    yield links, "remove this row, or narrow it", spot
    for path in _paths_for(estate, address, rows):
        what = f'remove this row, and add [[links]] path = "{path}", app = "{app.key}"'
        yield [*links, _row(app, address, path)], what, spot


def _line_of(estate: Estate, row: Row) -> str:
    spot = estate.place(row.path)
    return f" (line {spot.place.line})" if spot and spot.place.line else ""


def _row(app: App, address: Address, path: str) -> Link:
    return Link(app=app, hosts=(address.host,), path=path)


def _paths_for(estate: Estate, address: Address, rows: Sequence[Row]) -> Iterator[str]:
    """
    The URL's own path as a pattern: its family if a row is written so, else itself.

    None for what this server answers itself, nor where a star would not mean itself.
    """
    path = address.path or "/"
    if is_reserved(path) or is_alternate_callback(estate, address):
        return
    parts = [part for part in path.split("/") if part]
    if "*" not in path:
        if len(parts) > 1 and any(row.link.path.endswith("/*") for row in rows):
            yield f"/{parts[0]}/*"
        yield path
