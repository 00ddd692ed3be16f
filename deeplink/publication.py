"""
Which bytes each host publishes under which path: the generated documents and the drop-ins.

Every known host publishes both documents, the ones it claims nothing in as well: a phone that
finds an empty document knows where it stands, one that finds an error asks again and again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from deeplink import dropins
from deeplink.association import android, apple
from deeplink.dropins import APPLE, ASSETLINKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deeplink.config import Config
    from deeplink.findings import Finding


@dataclass(frozen=True, slots=True)
class Published:
    """A file as it goes out; *source* is its path for a drop-in, else ``config``."""

    content_type: str
    body: bytes
    source: str


#: (host, path) -> what is there.
Publication: TypeAlias = Mapping[tuple[str, str], Published]

#: The *source* of a generated document.
GENERATED = "config"


def publish(config: Config) -> dict[tuple[str, str], Published]:
    """
    All that *config* publishes, generated anew: equal configs give equal bytes.

    A drop-in stands before an (empty) generated document of its name, one host's drop-in before
    one for all hosts. What else would be in conflict has no Config: see ``conflicts``.
    """
    publication = {}
    for host in config.known_hosts():
        for name, published in _generated(config, host):
            publication.update({(host, path): published for path in dropins.paths_of(name)})
    for drop_in in sorted(config.drop_ins, key=lambda drop_in: drop_in.host is not None):
        published = Published(drop_in.content_type, drop_in.body, drop_in.source)
        hosts = config.known_hosts() if drop_in.host is None else (drop_in.host,)
        publication.update({(host, path): published for host in hosts for path in drop_in.paths})
    return publication


def conflicts(config: Config) -> list[Finding]:
    """The drop-ins that have the name of a document which *config* fills: one error for each."""
    made = {
        host: dropins.generated(config.links_at(host), config.apps) for host in config.known_hosts()
    }
    return dropins.conflicts(config.drop_ins, made)


def _generated(config: Config, host: str) -> Iterator[tuple[str, Published]]:
    links = config.links_at(host)
    statements = android.render(android.build(links, config.apps))
    yield ASSETLINKS, Published("application/json", statements, GENERATED)
    association = apple.render(apple.build(links, config.apps))
    yield APPLE, Published("application/json", association, GENERATED)
