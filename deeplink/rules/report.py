"""Where the rules write down what they find: every code, its meaning, and the places of faults."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deeplink.findings import Finding, Place, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deeplink.places import Document

#: What each code of the config means; codes never change, and none is used again.
CODES: Mapping[str, str] = {
    "CFG001": "the file is not TOML",
    "CFG002": "the file cannot be read",
    "CFG003": "the file is not UTF-8",
    "CFG010": "a value of the wrong type",
    "CFG011": "a missing key",
    "CFG012": "an unknown key",
    "CFG013": "an empty value",
    "CFG014": "a table name that cannot be used",
    "CFG015": "a pointer that points nowhere, or to two places",
    "CFG016": "an environment variable that is not set, or is empty",
    "CFG017": "an environment variable or secret file with white space in its value",
    "CFG018": "a secret file that cannot be read",
    "CFG019": "a secret written into the config",
    "CFG020": "a host with scheme, port, path or white space",
    "CFG021": "a host in another spelling than phones and browsers use",
    "CFG022": "a host that is no host name",
    "CFG023": "an address in place of a host name",
    "CFG024": "a host named twice",
    "CFG025": "no host at all",
    "CFG026": "an alternate host that is one of the hosts",
    "CFG027": "a host that is not among the hosts",
    "CFG030": "an app id of the wrong shape",
    "CFG031": "an app id without its 10-character prefix",
    "CFG032": "an app id whose prefix is in lower case",
    "CFG033": "a placeholder in place of an id",
    "CFG034": "an id of the demo apps that ship with this program",
    "CFG035": "a package name of the wrong shape",
    "CFG036": "the same app twice",
    "CFG037": "an app without platform",
    "CFG038": "an App Store id of the wrong shape",
    "CFG039": "a custom scheme that cannot be used",
    "CFG040": "a fingerprint that never matches",
    "CFG041": "the fingerprint of a key that anyone holds",
    "CFG042": "the same fingerprint twice",
    "CFG043": "no app at all",
    "CFG050": "an unknown app",
    "CFG051": "a path of the wrong shape",
    "CFG052": "a path that this server needs itself",
    "CFG053": "a pattern that claims the whole host",
    "CFG054": "a row that is never reached",
    "CFG055": "a wildcard in a callback",
    "CFG056": "a callback with custom_scheme = true whose apps have none",
    "CFG057": "a callback that hands the code to a custom scheme",
    "CFG058": "a callback without app, or with both app and apps",
    "CFG059": "an unknown provider",
    "CFG060": "a redirect URI that the provider would refuse",
    "CFG061": "a redirect URI on another host",
    "CFG062": "a redirect URI that no link covers",
    "CFG063": "a redirect URI and a callback that differ in the last slash",
    "CFG064": "a redirect URI that two providers share",
    "CFG065": "an unknown preset",
    "CFG066": "the sandbox on a public host",
    "CFG067": "a key or secret beside the sandbox, which is not used",
    "CFG068": "a token that is too short",
    "CFG069": "an ownership token or prefix of the wrong shape",
    "CFG070": "a home URL that is not https",
    "CFG071": "an address of the sandbox that is not this machine",
    "CFG072": "a port that is none",
    "CFG073": "a query or fragment pattern of the wrong shape",
    "CFG074": "a switch that has no effect",
    "CFG075": "a link of which Android's rules can say only a part",
    "CFG080": "a word that is not one of those known",
    "CFG081": "a number out of range",
    "CFG082": "an address of Redis that is none",
    "CFG083": "a server key that is too short",
    "CFG084": "a store that some of the processes do not share",
    "CFG085": "a store that other machines do not share",
    "CFG086": "a certificate of Redis that will not verify",
    "CFG087": "an origin of the wrong shape",
    "CFG160": "a Team ID or Key ID of the wrong shape",
    "CFG161": "a private key that cannot sign",
    "CFG162": "the wrong kind of secret for a provider",
    "CFG163": "a provider whose codes are not exchanged",
    "ALT001": "an alternate host whose Apple file claims a callback",
    "ALT002": "an alternate host whose Android file lets an app claim a callback",
    "ALT003": "an alternate host without a page for a callback",
    "BRD001": "a colour that is none",
    "BRD002": "a colour that cannot be read on the page",
    "BRD003": "a logo that cannot be shown",
    "BRD004": "a logo that is larger than fits",
    "LNK001": "a placeholder that the path does not have",
    "LNK002": "an address of a link's page that is not https",
    "LNK003": "a key of a link's page that has no effect",
    "PAG001": "a folder that is none",
    "PAG002": "a language that has no catalogue",
    "PAG003": "a catalogue that cannot be read",
    "PAG004": "words for a phrase that no page says",
    "PAG005": "a catalogue that lacks phrases",
    "PAG006": "words whose placeholders differ from the phrase's",
    "PAG010": "a template of an unknown name",
    "PAG011": "a template that cannot be read as one",
    "PAG012": "a template that uses what no page has, or leaves out a block",
    "PAG013": "a template with something that the policy of the pages refuses",
    "PAG014": "a template that hides a way into the app",
    "PAG015": "a template without what the script of the callback page needs",
    "CFG110": "an issuer that is not the origin of a server",
    "CFG111": "an issuer on a host whose links open an app",
    "CFG112": "clients without an issuer",
    "CFG113": "a client's redirect URI that cannot be used",
    "CFG114": "a client's custom scheme without custom_scheme = true",
    "CFG115": "a client whose codes go to a custom scheme",
    "CFG116": "a client's redirect URI that its app does not claim",
    "CFG118": "an origin in another spelling than browsers send",
    "CFG119": "a scope of the wrong shape",
}

Path = tuple[str | int, ...]

_LONGEST_QUOTE = 120


def quoted(text: str) -> str:
    """
    *text* in quotes, on one line and harmless to a terminal, whatever it holds.

    >>> print(quoted("a\\x1b[2Jb"))
    "a\\u001b[2Jb"
    """
    short = text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"
    return json.dumps(short, ensure_ascii=not short.isprintable())


@dataclass(frozen=True, slots=True)
class Report:
    """The findings about one document, so far; *path* in its verbs is a path into the document."""

    document: Document
    findings: list[Finding] = field(default_factory=list)

    def error(self, code: str, path: Sequence[str | int], what: str, hint: str) -> None:
        self._note(code, Severity.ERROR, path, what, hint)

    def warning(self, code: str, path: Sequence[str | int], what: str, hint: str) -> None:
        self._note(code, Severity.WARNING, path, what, hint)

    def place(self, path: Sequence[str | int]) -> Place:
        return self.document.place(path)

    def _note(
        self, code: str, severity: Severity, path: Sequence[str | int], what: str, hint: str
    ) -> None:
        if code not in CODES:
            raise KeyError(code)
        self.findings.append(Finding(code, severity, self.place(path), what, hint))
