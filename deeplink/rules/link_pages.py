"""What a row of links says about its page: preview, stores, fallback, banner, QR code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from deeplink.association.verdict import LinkPage, Preview
from deeplink.rules.report import quoted

if TYPE_CHECKING:
    from deeplink.association.verdict import App
    from deeplink.rules.report import Path, Report

_NUMBER = re.compile(r"\{([^{}]*)\}")

#: Keys of a row that are about its page alone.
KEYS = ("preview", "fallback_url", "smart_banner", "qr_code", "install_referrer", "custom_scheme")


def read_link_page(row: dict[str, Any], app: App, path: Path, report: Report) -> LinkPage:
    """The page of *row*; a fault leaves its part out. *path* is the row's place."""
    written = report.document.value["links"][path[-1]]
    if row["exclude"]:
        for key in KEYS:
            if key in written:
                what = "has no effect: the row excludes, so there is no page"
                report.warning("LNK003", (*path, key), what, "remove it, or remove exclude")
        return LinkPage()
    reader = _Reader(str(row.get("path", "")).count("*"), path, report)
    preview = row.get("preview")
    return LinkPage(
        preview=reader.preview(preview) if preview is not None else None,
        fallback_url=reader.url(row.get("fallback_url"), ("fallback_url",)),
        smart_banner=reader.needs(
            row["smart_banner"],
            "smart_banner",
            bool(app.ios and app.ios.app_store_id),
            "app_store_id",
            f"[apps.{app.key}.ios]",
        ),
        qr_code=row["qr_code"],
        install_referrer=(
            reader.text(row.get("install_referrer"), ("install_referrer",))
            if reader.needs(
                "install_referrer" in row,
                "install_referrer",
                app.android is not None,
                "package_name",
                f"[apps.{app.key}.android]",
            )
            else None
        ),
        custom_scheme=reader.needs(
            row["custom_scheme"],
            "custom_scheme",
            bool(app.ios and app.ios.custom_scheme),
            "custom_scheme",
            f"[apps.{app.key}.ios]",
        ),
    )


class _Reader:
    """Reads one row's texts, each with as many placeholders as the path has stars."""

    def __init__(self, stars: int, path: Path, report: Report) -> None:
        self._stars, self._path, self._report = stars, path, report

    def preview(self, table: dict[str, Any]) -> Preview:
        return Preview(
            title=self.text(table.get("title"), ("preview", "title")) or "",
            description=self.text(table.get("description"), ("preview", "description")) or "",
            image=self.url(table.get("image"), ("preview", "image")),
        )

    def text(self, text: str | None, key: Path) -> str | None:
        return text if text is None or self._fits(text, key) else None

    def url(self, text: str | None, key: Path) -> str | None:
        if text is None or not self._fits(text, key):
            return None
        fault = _fault_of(_NUMBER.sub("1", text), text)
        if fault:
            self._report.error("LNK002", (*self._path, *key), *fault)
            return None
        return text

    def needs(self, wanted: bool, key: str, is_there: bool, missing: str, table: str) -> bool:
        if wanted and not is_there:
            what = f"has no effect: the app has no {missing}"
            hint = f"write {missing} into {table}, or remove this"
            self._report.error("LNK003", (*self._path, key), what, hint)
        return wanted and is_there

    def _fits(self, text: str, key: Path) -> bool:
        known = [str(number) for number in range(1, self._stars + 1)]
        wrong = [name for name in _NUMBER.findall(text) if name not in known]
        if wrong or _NUMBER.sub("", text).strip("{}") != _NUMBER.sub("", text):
            name = f"{{{wrong[0]}}}" if wrong else "a brace"
            what = f"has {quoted(name)[1:-1]}, but the path has {self._stars or 'no'} *"
            names = ", ".join(f"{{{number}}}" for number in known)
            hint = f"known here: {names}" if known else "write the text without placeholder"
            self._report.error("LNK001", (*self._path, *key), what, hint)
            return False
        return True


def _fault_of(url: str, written: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(url)
        is_right = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
        is_right = is_right and parts.username is None and parts.password is None
    except ValueError:
        is_right = False
    if not is_right or not url.isascii() or re.search(r"[\s\"<>\\^`{|}]", url):
        return "is not an https URL", 'write one such as "https://www.acme.com/"'
    origin = written.split("/", 3)[:3]
    if any("{" in part for part in origin):
        what = "lets the path choose the host"
        return what, "write the host itself, and placeholders behind its slash"
    return None
