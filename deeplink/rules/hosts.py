"""Host names as the config says them: the spelling that phones and browsers send, or a finding."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from deeplink.config import is_loopback
from deeplink.findings import did_you_mean
from deeplink.rules import pointers
from deeplink.rules.report import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deeplink.rules.report import Path, Report

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PORT = re.compile(r":[0-9]+$")

_Fault = tuple[str, str, str]  # code, what, the right spelling


def read_hosts(
    table: dict[str, Any], environ: Mapping[str, str], report: Report
) -> tuple[str, ...]:
    """The hosts of the config and its environment, in order, each once."""
    hosts: dict[str, Path] = {}
    for path, text, variable in _written(table, environ, report):
        host = read_host(text, path, report, variable=variable)
        if host is not None and host in hosts:
            # A host in the environment that the file has, too, is no mistake.
            if not variable:
                first = report.place(hosts[host]).line
                what = f"{quoted(host)} stands already on line {first}"
                report.error("CFG024", path, what, "remove one of the two")
        elif host:
            hosts[host] = path
    if not hosts and not report.findings and "hosts" in table:
        what = "has no host: each environment variable in it is unset"
        report.error("CFG025", ("hosts",), what, "set one of them, or write a host here")
    return tuple(hosts)


def read_alternate(
    table: dict[str, Any], hosts: Sequence[str], environ: Mapping[str, str], report: Report
) -> str | None:
    path: Path = ("alternate_host",)
    value = table.get("alternate_host")
    if isinstance(value, dict) and not environ.get(value.get("env", ""), "").strip():
        return None
    text = pointers.text(value, path, environ, report)
    host = read_host(text, path, report) if text else None
    if host is not None and host in hosts:
        what = f"{quoted(host)} is one of the hosts, so a tap on its page would never leave it"
        report.error("CFG026", path, what, "name another host, best of another registrable domain")
        return None
    return host


def read_chosen(
    names: Sequence[str | None], path: Path, known: Sequence[str], report: Report
) -> tuple[str, ...]:
    """Those of *names* that are *known* hosts; what is not known is a finding."""
    chosen: dict[str, None] = {}
    for position, name in enumerate(names):
        if name is None:
            continue
        if name in chosen:
            what, hint = f"names {quoted(name)} twice", "remove one of the two"
            report.error("CFG024", (*path, position), what, hint)
        elif name in known:
            chosen[name] = None
        else:
            what = f"{quoted(name)} is not one of the hosts"
            hint = did_you_mean(name, known) if known else "write it into hosts, too"
            report.error("CFG027", (*path, position), what, hint)
    return tuple(chosen)


def read_host(text: str, path: Path, report: Report, *, variable: str = "") -> str | None:
    """*text* as a host, or None and a finding that says how to spell it."""
    fault = _fault_of(text)
    if fault is None:
        return text.strip("[]")
    code, what, right = fault
    origin = f"{variable} = " if variable else ""
    hint = f'write "{right}"' if right else "write a host name such as links.acme.com"
    if variable and right:
        hint = f"set {variable}={right}"
    # What stands before an @ may be a password.
    report.error(code, path, f"{origin}{quoted(text.rpartition('@')[2])} {what}", hint)
    return None


def _written(
    table: dict[str, Any], environ: Mapping[str, str], report: Report
) -> Iterator[tuple[Path, str, str]]:
    """Each host's path and text, and the variable that it comes from, if it does."""
    for position, item in enumerate(table.get("hosts", ())):
        path: Path = ("hosts", position)
        if isinstance(item, str):
            yield path, item, ""
        elif isinstance(item, dict) and "env" in item:
            words = environ.get(item["env"], "").split(",")
            variable = pointers.name_of(item["env"])
            yield from ((path, word.strip(), variable) for word in words if word.strip())


def _fault_of(text: str) -> _Fault | None:
    return _fault_of_url(text) or _fault_of_address(text) or _fault_of_name(text)


def _fault_of_url(text: str) -> _Fault | None:
    if not text.isprintable() or any(character.isspace() for character in text):
        bare = "".join(text.split())
        return "CFG020", "has white space in it", bare if _fault_of_name(bare) is None else ""
    if "://" in text:
        return "CFG020", "is a URL, not a host", _host_in(text)
    if re.search(r"[/?#@\\]", text):
        return "CFG020", "has more than a host in it", _host_in(f"https://{text}")
    if _PORT.search(text) and (text.count(":") == 1 or "]" in text):
        return "CFG020", "has a port; ports play no part here", _host_in(f"https://{text}")
    return None


def _host_in(url: str) -> str:
    try:
        host = urlsplit(url.replace("\\", "/")).hostname or ""
    except ValueError:
        return ""
    return host if _fault_of_name(host) is None else ""


def _fault_of_address(text: str) -> _Fault | None:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    if is_loopback(text):
        return None
    return "CFG023", "is an address; phones verify links only for names", ""


def _fault_of_name(text: str) -> _Fault | None:
    if is_loopback(text):
        return None
    if "*" in text:
        return (
            "CFG022",
            "has a wildcard; each host has files of its own",
            _host_in(f"https://{text.replace('*.', '')}"),
        )
    if not text.isascii():
        return "CFG021", "is not in the ASCII spelling that phones compare", _ascii(text)
    if text.endswith("."):
        return "CFG021", "ends in a dot", _host_in(f"https://{text.rstrip('.')}")
    if text != text.lower():
        return "CFG021", "is not in lower case", text.lower()
    if "_" in text:
        return "CFG022", "has an underscore, which host names cannot have", ""
    labels = text.split(".")
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return "CFG022", "is not a host name", ""
    if labels[-1].isdigit():
        return "CFG022", "is neither a host name nor an address", ""
    return None


def _ascii(text: str) -> str:
    try:
        return text.lower().encode("idna").decode()
    except UnicodeError:
        return ""


def split_url(text: str) -> SplitResult | None:
    """The parts of a URL; None if it is none, by its brackets or its port."""
    try:
        parts = urlsplit(text)
        # Reading the port is what refuses one that is none.
        return parts if parts.port is None or parts.port > 0 else None
    except ValueError:
        return None
