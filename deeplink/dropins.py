"""
Files of other people's making that are served byte for byte: read once, at start.

``well_known/NAME`` is served by every host, ``well_known/HOST/NAME`` by one. A request never
touches the disk, so there is no path to traverse. What cannot be served is said, not skipped;
only dot-files and README.md are passed over. Our words for the admin: ``well_known/README.md``.
"""

from __future__ import annotations

import codecs
import re
import stat
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from deeplink.association import android, apple
from deeplink.errors import ConfigError
from deeplink.findings import Finding, Place, Severity, did_you_mean
from deeplink.places import dotted, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from deeplink.association.verdict import App, Link

    PlaceOf = Callable[[Sequence[str | int]], Place]

#: The names of the two documents that the config makes.
ASSETLINKS = "assetlinks.json"
APPLE = "apple-app-site-association"

#: Bytes. No file that a phone or a portal asks for is larger: Android's agent stops at 1 MiB.
MAX_SIZE = 1024 * 1024

#: Files in all. They stay in memory, in two encodings, in every worker.
MAX_FILES = 256

#: What each code of this room means and how much it weighs; codes never change.
CODES = {
    "DRP001": (Severity.ERROR, "the file or folder cannot be read"),
    "DRP002": (Severity.WARNING, "the folder is not named after a configured host"),
    "DRP003": (Severity.WARNING, "a folder inside a host's folder"),
    "DRP004": (Severity.ERROR, "not a regular file: a symbolic link, a pipe, a socket"),
    "DRP005": (Severity.ERROR, "the name has characters that cannot be served"),
    "DRP006": (Severity.ERROR, "the file is larger than 1 MiB"),
    "DRP007": (Severity.ERROR, "there are more than 256 files"),
    "DRP008": (Severity.ERROR, "a TikTok ownership file does not contain the token of its name"),
    "DRP009": (Severity.WARNING, "nearly the name of a TikTok ownership file"),
    "DRP010": (Severity.WARNING, "nearly, but not quite, a name that somebody asks for"),
    "DRP011": (Severity.INFO, "the type of the file is not known"),
    "DRP012": (Severity.INFO, "one host's file takes the place of the one for all hosts"),
    "DRP013": (Severity.ERROR, "the config makes a file of this name, too"),
}

_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
_UNKNOWN = "application/octet-stream"

#: Names that somebody asks for under /.well-known/, and the type that they expect. Sources: the
#: registry of RFC 8615 (https://www.iana.org/assignments/well-known-uris/) and each owner's page.
TYPES = {
    ASSETLINKS: _JSON,
    APPLE: _JSON,
    "apple-developer-domain-association.txt": _TEXT,
    "apple-developer-merchantid-domain-association": _TEXT,
    "applinking.json": _JSON,  # Huawei App Linking
    "atproto-did": _TEXT,
    "did.json": _JSON,
    "gpc.json": _JSON,
    "microsoft-identity-association.json": _JSON,
    "nostr.json": _JSON,
    "passkey-endpoints": _JSON,
    "related-website-set.json": _JSON,
    "security.txt": _TEXT,  # RFC 9116 section 3: text/plain, UTF-8
    "web-app-origin-association": _JSON,
    "web-identity": _JSON,  # FedCM
    "webauthn": _JSON,
    "windows-app-web-link": _JSON,  # without a suffix, says Windows
}

#: For all other names the suffix decides.
_SUFFIX_TYPES = {".json": _JSON, ".txt": _TEXT}

#: The type of a signed association file (Apple's archived guide to universal links).
_SIGNED = "application/pkcs7-mime"

#: What needs no percent-encoding in a URL and cannot be taken for an editor's backup.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}")

#: TikTok's proof that a URL prefix is ours: a file of this name directly under the prefix
#: (https://developers.tiktok.com/doc/getting-started-setup).
_TIKTOK = re.compile(r"tiktok([A-Za-z0-9]{32})\.txt")
_TIKTOK_CONTENT = "tiktok-developers-site-verification="


@dataclass(frozen=True, slots=True)
class DropIn:
    """
    One file to serve as it is. *host* None means all hosts; *paths* are where it is served.

    *source* is the file's path as the admin knows it (``well_known/assetlinks.json``).
    """

    source: str
    host: str | None
    paths: tuple[str, ...]
    content_type: str
    body: bytes

    @property
    def name(self) -> str:
        return PurePosixPath(self.source).name


def load_drop_ins(
    folder: Path, hosts: Sequence[str], callback_paths: Sequence[str]
) -> tuple[tuple[DropIn, ...], list[Finding]]:
    """
    What lies in *folder*, ready to be served, and all that is wrong there.

    *hosts* are the known ones, lower-case. *callback_paths* are the prefixes whose ownership a
    portal may ask to be proved. A file with a finding of severity error is not among the first.
    A *folder* that does not exist holds nothing, and that is in order.
    """
    findings: list[Finding] = []
    files = list(_files(folder, hosts, findings))
    if len(files) > MAX_FILES:
        hint = f"keep at most {MAX_FILES}: all of them stay in memory"
        return (), [*findings, _finding("DRP007", folder.name, f"holds {len(files)} files", hint)]
    drop_ins = []
    for path, host in files:
        source = f"{folder.name}/{path.relative_to(folder).as_posix()}"
        drop_in, faults = _load(path, source, host, callback_paths)
        findings += faults
        if drop_in:
            drop_ins.append(drop_in)
    return tuple(drop_ins), findings + list(_replacements(drop_ins))


def paths_of(name: str, callback_paths: Sequence[str] = ()) -> tuple[str, ...]:
    """
    Where the file *name* is served.

    >>> paths_of("security.txt")
    ('/.well-known/security.txt',)
    """
    paths = [f"/.well-known/{name}"]
    if name == APPLE:
        # The older place, which Apple still asks for when the other has nothing (TN3155).
        paths.append(f"/{name}")
    if _TIKTOK.fullmatch(name):
        paths += [f"{prefix}{name}" for prefix in _prefixes(callback_paths)]
    return tuple(dict.fromkeys(paths))


def generated(links: Sequence[Link], apps: Sequence[App]) -> dict[str, bool]:
    """The documents which a host's *links* and the *apps* make; whether they say anything."""
    return {
        ASSETLINKS: android.build(links, apps) != android.build((), ()),
        APPLE: apple.build(links, apps) != apple.build((), ()),
    }


def conflicts(
    drop_ins: Sequence[DropIn], generated_at: Mapping[str, Mapping[str, bool]]
) -> list[Finding]:
    """
    An error for each drop-in whose name the config also makes, for any host it would serve.

    *generated_at* says for each known host what ``generated`` says. Neither wins silently: the
    admin once wrote both down and means one of them.
    """
    findings = []
    for drop_in in drop_ins:
        hosts = [
            host
            for host, documents in generated_at.items()
            if drop_in.host in (None, host) and documents.get(drop_in.name)
        ]
        if hosts:
            what = f"has the name of the {drop_in.name} made from the config for {_listed(hosts)}"
            hint = f"delete {drop_in.source}, or take those hosts' apps and links out of the config"
            findings.append(_finding("DRP013", drop_in.source, what, hint))
    return findings


def _files(
    folder: Path, hosts: Sequence[str], findings: list[Finding]
) -> Iterator[tuple[Path, str | None]]:
    """Each entry that might be served, with the host it is for; folders end here."""
    for path in _entries(folder, folder.name, findings):
        shown = f"{folder.name}/{path.name}"
        if not _is_folder(path):
            yield path, None
        elif path.name not in hosts:
            hint = f"its files are served by no host; {did_you_mean(path.name, hosts)}"
            findings.append(_finding("DRP002", shown, "is not a configured host", hint))
        else:
            for inner in _entries(path, shown, findings):
                if not _is_folder(inner):
                    yield inner, path.name
                else:
                    hint = f"put its files into {shown} itself"
                    what = "is a folder in a host's folder, and is not served"
                    findings.append(_finding("DRP003", f"{shown}/{inner.name}", what, hint))


def _entries(folder: Path, shown: str, findings: list[Finding]) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        findings.append(_unreadable(shown, error))
        return []
    return [
        path
        for path in entries
        if not path.name.startswith(".") and path.name.lower() != "readme.md"
    ]


def _is_folder(path: Path) -> bool:
    """Whether a folder itself stands there, not a link to one. What cannot be asked is a file."""
    try:
        return stat.S_ISDIR(path.stat(follow_symlinks=False).st_mode)
    except OSError:
        return False


def _load(
    path: Path, source: str, host: str | None, callback_paths: Sequence[str]
) -> tuple[DropIn | None, list[Finding]]:
    """The drop-in in the file at *path*, or None, and what is to be said about it."""
    if not _NAME.fullmatch(path.name):
        hint = "rename it: letters, digits, dot, hyphen, underscore and plus"
        return None, [_finding("DRP005", source, "has a name that cannot be served", hint)]
    body = _read(path, source)
    if isinstance(body, Finding):
        return None, [body]
    content_type = _type_of(path.name, body)
    findings = [*_faults_of_name(path.name, source), *_faults_of_content(path.name, source, body)]
    if any(finding.severity is Severity.ERROR for finding in findings):
        return None, findings
    paths = paths_of(path.name, callback_paths)
    return DropIn(source, host, paths, content_type, body), findings


def _read(path: Path, source: str) -> bytes | Finding:
    try:
        # Before it is opened: opening a pipe that nobody writes to would wait for ever.
        mode = path.stat(follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode):
            kind = "a symbolic link" if stat.S_ISLNK(mode) else "a device, pipe or socket"
            hint = "put a copy of the file itself here"
            return _finding("DRP004", source, f"is {kind}, not a file", hint)
        with path.open("rb") as file:
            body = file.read(MAX_SIZE + 1)
    except OSError as error:
        return _unreadable(source, error)
    if len(body) > MAX_SIZE:
        hint = "serve large files from somewhere else"
        return _finding("DRP006", source, f"is larger than {MAX_SIZE} bytes", hint)
    return body


def _type_of(name: str, body: bytes) -> str:
    if name == APPLE and apple.read(body).signed:
        return _SIGNED
    suffix = PurePosixPath(name).suffix.lower()
    return TYPES.get(name) or _SUFFIX_TYPES.get(suffix, _UNKNOWN)


def _faults_of_name(name: str, source: str) -> Iterator[Finding]:
    if name in TYPES or _TIKTOK.fullmatch(name):
        return
    if name.lower().startswith("tiktok") and name.lower().endswith(".txt"):
        what = "is not named as TikTok names its ownership files: tiktok, 32 characters, .txt"
        hint = "keep the name of the file as you downloaded it from the portal"
        yield _finding("DRP009", source, what, hint)
        return
    known = {other.lower(): other for other in TYPES}
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.85)
    if near:
        what = f"is not a name that anybody asks for; {known[near[0]]} is"
        yield _finding("DRP010", source, what, f'rename it to "{known[near[0]]}"')
    elif PurePosixPath(name).suffix.lower() not in _SUFFIX_TYPES:
        what = f"is of a type that this program does not know; it is served as {_UNKNOWN}"
        hint = "if that is not right, give it the suffix .json or .txt"
        yield _finding("DRP011", source, what, hint)


def _faults_of_content(name: str, source: str, body: bytes) -> Iterator[Finding]:
    # The linters are imported where they are needed: each adds 20 ms to the start of a server,
    # and hardly any has a hand-written document.
    if name == ASSETLINKS:
        from deeplink.association import android_lint

        yield from _faults_of_json(source, body, android_lint.lint)
    elif name == APPLE:
        yield from _faults_of_apple(source, body)
    ownership = _TIKTOK.fullmatch(name)
    # An editor ends the last line; TikTok's own file does not.
    if ownership and body.rstrip(b"\r\n") != f"{_TIKTOK_CONTENT}{ownership[1]}".encode():
        hint = f"its content must be {_TIKTOK_CONTENT}{ownership[1]}"
        yield _finding("DRP008", source, "does not prove what its name says", hint)


def _faults_of_apple(source: str, body: bytes) -> Iterator[Finding]:
    from deeplink.association import apple_lint

    reading = apple.read(body)
    if reading.text and not reading.signed:
        if not reading.fault:
            yield from apple_lint.lint_reading(reading, source)
        # The other reader of JSON knows the place of each fault and the usual cause of it.
        text = reading.text.removeprefix(codecs.BOM_UTF8)
        yield from _faults_of_json(source, text, apple_lint.lint)
        return
    yield from apple_lint.lint_reading(reading, source)
    if not reading.fault or reading.fault.code == "AASA003":
        # Lines of the text inside the envelope are nowhere in the file: the key must do.
        yield from apple_lint.lint(reading.value, lambda path: Place(source, key=dotted(path)))


def _faults_of_json(
    source: str, body: bytes, lint: Callable[[object, PlaceOf], list[Finding]]
) -> Iterator[Finding]:
    try:
        document = read_json(body, source)
    except ConfigError as error:
        yield from error.findings
        return
    for _, place in document.duplicates:
        what = "stands twice in one object, and most readers see only the last"
        yield Finding("JSON003", Severity.WARNING, place, what, "keep one of the two")
    yield from lint(document.value, document.place)


def _replacements(drop_ins: Sequence[DropIn]) -> Iterator[Finding]:
    for_all = {drop_in.name: drop_in for drop_in in drop_ins if drop_in.host is None}
    for drop_in in drop_ins:
        if drop_in.host is not None and drop_in.name in for_all:
            what = f"takes the place of {for_all[drop_in.name].source} on {drop_in.host}"
            yield _finding("DRP012", drop_in.source, what, "nothing to do if that is meant")


def _prefixes(callback_paths: Sequence[str]) -> Iterator[str]:
    """
    Every URL prefix over a callback path, down to the path itself; each ends in a slash.

    The portal lets the admin choose which of them is to be proved.
    """
    yield "/"
    for path in callback_paths:
        parts = [part for part in path.split("/") if part]
        for length in range(1, len(parts) + 1):
            yield "/" + "/".join(parts[:length]) + "/"


def _unreadable(source: str, error: OSError) -> Finding:
    reason = error.strerror or type(error).__name__
    hint = "let the user that runs the server read it"
    return _finding("DRP001", source, f"cannot be read ({reason})", hint)


def _listed(hosts: Sequence[str]) -> str:
    return hosts[0] if len(hosts) == 1 else f"{', '.join(hosts[:-1])} and {hosts[-1]}"


def _finding(code: str, file: str, what: str, hint: str) -> Finding:
    severity, _ = CODES[code]
    return Finding(code, severity, Place(file), what, hint)
