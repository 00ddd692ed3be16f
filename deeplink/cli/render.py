"""``deeplink render``: the very bytes that the server publishes, on standard output."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deeplink import config as configuration
from deeplink.cli import folders, say
from deeplink.dropins import APPLE, ASSETLINKS
from deeplink.errors import ConfigError
from deeplink.findings import did_you_mean
from deeplink.publication import publish

if TYPE_CHECKING:
    from deeplink.config import Config
    from deeplink.publication import Publication


#: Short names of the two documents.
_DOCUMENTS = {"assetlinks": ASSETLINKS, "apple": APPLE}


@click.command()
@click.argument("what", required=False, metavar="[assetlinks|apple|PATH]")
@click.option("--host", help="Host that publishes the file.  [default: the config's first]")
@click.option("--list", "as_list", is_flag=True, help="List what is published instead.")
@click.option("--json", "as_json", is_flag=True, help="The list as JSON.")
@click.option(
    "--config",
    "config_path",
    envvar="DEEPLINK_CONFIG",
    type=click.Path(path_type=Path),
    default=folders.CONFIG,
    help="Config file.  [default: config/deeplink.toml]",
)
def render(
    what: str | None, host: str | None, as_list: bool, as_json: bool, config_path: Path
) -> None:
    """
    Print a published file, byte for byte; without a name, list what is published.

    \b
    deeplink render assetlinks
    deeplink render apple --host app.example.com
    deeplink render /.well-known/security.txt
    deeplink render --list
    """
    if what and (as_list or as_json):
        raise click.UsageError("--list and --json list everything; leave out the file's name")
    config = _load(config_path)
    publication = publish(config)
    if host is not None:
        host = _known(host, config)
    if what:
        _write(publication, host or config.hosts[0], what)
    else:
        _list(publication, host, as_json=as_json)


def _load(path: Path) -> Config:
    try:
        return configuration.load(path, os.environ, well_known=folders.WELL_KNOWN)
    except ConfigError as error:
        say.findings(error.findings, to_stderr=True)
        raise SystemExit(1) from None


def _known(host: str, config: Config) -> str:
    wanted = host.lower().rstrip(".")
    if wanted in config.known_hosts():
        return wanted
    hint = did_you_mean(host, config.known_hosts())
    raise click.BadParameter(f'"{host}" is not a host of the config; {hint}', param_hint="--host")


def _write(publication: Publication, host: str, what: str) -> None:
    name = _DOCUMENTS.get(what, what)
    path = name if name.startswith("/") else f"/.well-known/{name}"
    published = publication.get((host, path))
    if published is None:
        paths = [path for at, path in publication if at == host]
        hint = did_you_mean(what, [*_DOCUMENTS, *paths])
        raise click.UsageError(f'{host} publishes no "{what}"; {hint}')
    # Bytes: a signed file is no text, and a text's line endings are the admin's.
    sys.stdout.buffer.write(published.body)
    sys.stdout.buffer.flush()


def _list(publication: Publication, host: str | None, *, as_json: bool) -> None:
    rows = [
        (at, path, file.content_type, len(file.body), file.source)
        for (at, path), file in sorted(publication.items())
        if host in (None, at)
    ]
    names = ("host", "path", "type", "size", "source")
    if as_json:
        say.as_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    table = [names, *((*row[:3], str(row[3]), row[4]) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        say.line("  ".join(padded).rstrip())
