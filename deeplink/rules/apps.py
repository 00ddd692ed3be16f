"""App ids, package names, fingerprints and schemes: what a phone compares letter by letter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from deeplink import fingerprint
from deeplink.association.verdict import AndroidApp, App, IosApp
from deeplink.rules.report import quoted

if TYPE_CHECKING:
    from deeplink.rules.report import Path, Report

#: The ids of config/deeplink.toml as it ships: nobody's app, so nobody's phone opens it.
DEMO_PACKAGES = frozenset({"app.deeplink.demo", "app.deeplink.demo.staging"})
DEMO_PREFIX = "D33PL1NK00"

#: https://developer.android.com/build/configure-app-module#set-application-id
_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+")
_MAX_PACKAGE = 255

#: https://developer.apple.com/documentation/xcode/supporting-associated-domains: the prefix is
#: ten characters of A-Z and 0-9; https://developer.apple.com/documentation/bundleresources/
#: information-property-list/cfbundleidentifier: letters, digits, hyphen and dot.
_APP_ID = re.compile(r"[A-Z0-9]{10}\.[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_BUNDLE_ID = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")

_STORE_ID = re.compile(r"[1-9][0-9]{5,14}")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,63}")

#: Schemes that run code, read files, or belong to the system or to somebody else's app.
_TAKEN_SCHEMES = frozenset(
    {
        "about", "android-app", "app-settings", "blob", "chrome", "content", "data", "file",
        "filesystem", "ftp", "geo", "googlechrome", "http", "https", "intent", "itms",
        "itms-apps", "itms-services", "jar", "javascript", "mailto", "maps", "market",
        "ms-appx", "resource", "shortcuts", "sms", "smsto", "tel", "vbscript", "view-source",
        "wss", "ws", "x-safari-http", "x-safari-https", "x-web-search", "fb", "instagram",
        "line", "tiktok", "twitter", "weixin", "whatsapp",
    }
)  # fmt: skip

#: Prefixes and words that stand in documentation where an own id belongs.
_SAMPLE_PREFIXES = frozenset(
    {
        "1234567890", "0123456789", "9876543210", "A1B2C3D4E5", "ABC1234567", "ABCD123456",
        "ABCDE12345", "ABCDEFGHIJ", "TEAMID0000", "TEAMID1234", "TEAMID1111", "YOURTEAMID",
        "DEVTEAMID0",
    }
)  # fmt: skip
_FILLERS = re.compile(
    r"(^|[._-])(your[_-]?(app|brand|bundle|company|domain|name|org|organi[sz]ation|package|project"
    r"|team|team[_-]?id)?|my[_-]?company|company([_-]?name)?|placeholder|todo|change[_-]?me"
    r"|replace[_-]?(me|this)|insert[_-]?here|(product_)?bundle[_-]?id(entifier)?|package[_-]?name"
    r"|team[_-]?id|development_team)([._-]|$)",
    re.IGNORECASE,
)
_MARKS = re.compile(r"[<>{}$%\[\]…]|\.\.\.|XXXX", re.IGNORECASE)
_WHERE_PREFIX = "developer.apple.com shows it under Identifiers as App ID Prefix"


def read_apps(table: dict[str, Any], report: Report, *, is_public: bool) -> dict[str, App]:
    """The apps by the names of their tables; an app with a fault is there all the same."""
    if not report.document.value.get("apps"):
        what, hint = "has no app, so no link opens one", "write a table [apps.NAME]"
        report.warning("CFG043", ("apps",), what, hint)
    reader = _Reader(report, is_public)
    return {
        key: reader.app(key, rows) for key, rows in table["apps"].items() if isinstance(rows, dict)
    }


class _Reader:
    """Reads one app after the other and remembers what it has seen, to find what stands twice."""

    def __init__(self, report: Report, is_public: bool) -> None:
        self._report = report
        self._is_public = is_public
        self._seen: dict[str, Path] = {}

    def app(self, key: str, table: dict[str, Any]) -> App:
        path: Path = ("apps", key)
        android, ios = table.get("android"), table.get("ios")
        if android is None and ios is None and not self._was_refused(path):
            hint = f"write a table [apps.{key}.android] or [apps.{key}.ios]"
            self._report.error("CFG037", path, "has neither android nor ios", hint)
        return App(
            key=key,
            name=table.get("name", key),
            android=None if android is None else self._android(android, (*path, "android")),
            ios=None if ios is None else self._ios(ios, (*path, "ios")),
            share_credentials=table["share_credentials"],
        )

    def _was_refused(self, path: Path) -> bool:
        """Whether a platform stands there but had the wrong shape, which is said already."""
        value = self._report.document.value[path[0]][path[1]]
        return isinstance(value, dict) and ("android" in value or "ios" in value)

    def _android(self, table: dict[str, Any], path: Path) -> AndroidApp:
        name = table.get("package_name", "")
        if name:
            self._check_package(name, (*path, "package_name"))
        marks = table.get("sha256_cert_fingerprints") or ()
        seen: dict[str, int] = {}
        for position, mark in enumerate(marks):
            if mark is not None:
                where = (*path, "sha256_cert_fingerprints", position)
                self._check_fingerprint(mark, where, seen)
        return AndroidApp(name, tuple(mark for mark in marks if mark is not None))

    def _check_package(self, name: str, path: Path) -> None:
        if self._is_placeholder(name, path, ".".join(name.split(".")[:-1])):
            return
        if name in DEMO_PACKAGES:
            self._note_demo(name, path)
        if not _PACKAGE.fullmatch(name) or len(name) > _MAX_PACKAGE:
            self._report.error(
                "CFG035", path, f"{quoted(name)} {_fault_of_package(name)}", _PACKAGE_HINT
            )
        self._check_once(f"android {name}", name, path)

    def _check_fingerprint(self, text: str, path: Path, seen: dict[str, int]) -> None:
        fault = fingerprint.fault_of(text)
        if fault:
            self._report.error("CFG040", path, *fault)
            return
        known = fingerprint.known_key(text)
        if known:
            hint = "take the fingerprint of your own key from Play Console, App signing"
            self._weigh("CFG041", path, f"is {known}", hint)
        if text in seen:
            what = f"is the same as sha256_cert_fingerprints[{seen[text]}]"
            self._report.error("CFG042", path, what, "remove one of the two")
        seen.setdefault(text, int(path[-1]))

    def _ios(self, table: dict[str, Any], path: Path) -> IosApp:
        app_ids = [app_id for app_id in table.get("app_ids") or () if app_id is not None]
        for position, app_id in enumerate(table.get("app_ids") or ()):
            if app_id is not None:
                self._check_app_id(app_id, (*path, "app_ids", position))
        store_id = table.get("app_store_id")
        if store_id is not None and not _STORE_ID.fullmatch(store_id):
            digits = re.search(r"[1-9][0-9]{5,14}", store_id)
            hint = f'write "{digits[0]}"' if digits else "take it from the app's App Store address"
            what = "is not the number of an App Store address"
            self._report.error("CFG038", (*path, "app_store_id"), what, hint)
        scheme = table.get("custom_scheme")
        if scheme is not None:
            self._check_scheme(scheme, (*path, "custom_scheme"))
        return IosApp(tuple(app_ids), store_id, scheme, table["legacy_paths"])

    def _check_app_id(self, text: str, path: Path) -> None:
        prefix, _, bundle = text.partition(".")
        if self._is_placeholder(text, path, ".".join(bundle.split(".")[:-1]), prefix):
            return
        if prefix == DEMO_PREFIX:
            self._note_demo(text, path)
        if not _APP_ID.fullmatch(text):
            self._report.error(*_fault_of_app_id(text, path))
        self._check_once(f"ios {text}", text, path)

    def _check_scheme(self, text: str, path: Path) -> None:
        bare = text.strip().rstrip(":/").lower()
        bare = "".join(character for character in bare if character.isprintable())
        if bare in _TAKEN_SCHEMES or bare.startswith(("chrome-", "itms-", "fb-", "x-apple")):
            what = "is a scheme of the system or of somebody else's app"
            hint = "register a scheme of your own, best the bundle id"
        elif _SCHEME.fullmatch(text):
            return
        else:
            what = "is not a scheme: a-z first, then a-z, 0-9, +, - and dot, no colon"
            hint = f'write "{bare}"' if _SCHEME.fullmatch(bare) else 'write one such as "acmeshop"'
        self._report.error("CFG039", path, what, hint)

    def _is_placeholder(self, text: str, path: Path, owner: str, prefix: str = "") -> bool:
        """Note and tell whether *text* stands for an id; *owner* is all but the app's own name."""
        upper = prefix.upper()
        is_sample = len(upper) == 10 and (upper in _SAMPLE_PREFIXES or len(set(upper)) == 1)
        is_filled = bool(_MARKS.search(text) or _FILLERS.search(f"{prefix}.{owner}"))
        is_example = owner == "com.example" or owner.startswith("com.example.")
        if not (is_sample or is_filled or is_example):
            return False
        what = f"{quoted(text)} is a placeholder of documentation, not an app of yours"
        hint = "write the id that your app is signed and published with"
        # What cannot be read at all is never right; a sample serves for trying things out here.
        if is_filled and (_MARKS.search(text) or prefix.upper() != prefix):
            self._report.error("CFG033", path, what, hint)
        else:
            self._weigh("CFG033", path, what, hint)
        return True

    def _note_demo(self, text: str, path: Path) -> None:
        if self._is_public:
            what = f"{quoted(text)} is an app of the demo config that ships with this program"
            self._report.error("CFG034", path, what, "put in your own app")

    def _check_once(self, identity: str, text: str, path: Path) -> None:
        first = self._seen.setdefault(identity, path)
        if first != path:
            what = f"{quoted(text)} stands already on line {self._report.place(first).line}"
            hint = "keep one; several fingerprints of one app go into one list"
            self._report.error("CFG036", path, what, hint)

    def _weigh(self, code: str, path: Path, what: str, hint: str) -> None:
        """An error as soon as the world can see it, a warning as long as only we do."""
        note = self._report.error if self._is_public else self._report.warning
        note(code, path, what, hint)


_PACKAGE_HINT = 'copy applicationId from build.gradle, such as "com.acme.shop"'


def _fault_of_package(name: str) -> str:
    if "." not in name:
        return "has no dot; a package name has two parts at least"
    if "-" in name:
        return "has a hyphen, which package names cannot have"
    return "is not a package name: parts of letters, digits and _, each beginning with a letter"


def _fault_of_app_id(text: str, path: Path) -> tuple[str, Path, str, str]:
    prefix, _, bundle = text.partition(".")
    if "*" in text:
        what = f"{quoted(text)} has a wildcard; each app is named"
        return "CFG030", path, what, 'write the whole id, such as "ABCDE12345.com.acme.shop"'
    has_prefix = re.fullmatch(r"[A-Za-z0-9]{10}", prefix) and (
        prefix.isupper() or any(character.isdigit() for character in prefix)
    )
    if has_prefix and _BUNDLE_ID.fullmatch(f"x.{bundle}") and prefix != prefix.upper():
        what = f"{quoted(text)} has its prefix in lower case; Apple compares letter by letter"
        return "CFG032", path, what, f'write "{prefix.upper()}.{bundle}"'
    if re.fullmatch(r"(?=.*[0-9])[A-Z0-9]{7,13}", prefix) and not has_prefix:
        what = f"{quoted(text)} has a prefix of {len(prefix)} characters; it takes ten"
        return "CFG030", path, what, f"copy it again; {_WHERE_PREFIX}"
    if not has_prefix and _BUNDLE_ID.fullmatch(text):
        what = f"{quoted(text)} has no 10-character prefix"
        return (
            "CFG031",
            path,
            what,
            f'write "ABCDE12345.{text}" with your own prefix; {_WHERE_PREFIX}',
        )
    what = f"{quoted(text)} is not an app id: prefix, dot, bundle id"
    return "CFG030", path, what, 'write it as "ABCDE12345.com.acme.shop"'
