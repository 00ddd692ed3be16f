"""The table ``pages``: the language of all, own catalogues, own templates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from deeplink import languages, templates
from deeplink.config import PageSettings
from deeplink.findings import Finding, Place, Severity, did_you_mean
from deeplink.rules.report import quoted
from deeplink.words import TAG, Languages, Words, placeholders, read_po

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deeplink.brand import Brand
    from deeplink.rules.report import Path as KeyPath
    from deeplink.rules.report import Report


def read_pages(table: dict[str, Any], brand: Brand, report: Report) -> PageSettings:
    """What the pages are made of besides the brand, with the brand's own words in their place."""
    row = table["pages"]
    texts = {tag: dict(shipped) for tag, shipped in languages.load_shipped().items()}
    texts.setdefault("en", {})
    if row.get("languages") is not None:
        _add_catalogues(texts, row["languages"], report)
    _add_strings(texts, brand, report)
    lang = row.get("lang")
    if lang is not None and lang not in texts:
        _unknown_language(lang, texts, ("pages", "lang"), report)
        lang = None
    return PageSettings(
        lang=lang,
        languages=Languages((Words(tag, each) for tag, each in texts.items()), only=lang),
        templates=_templates(row.get("templates"), report),
    )


def _add_catalogues(texts: dict[str, dict[str, str]], name: str, report: Report) -> None:
    folder = _folder(name, ("pages", "languages"), report)
    for path in sorted(folder.glob("*.po")) if folder else ():
        if not TAG.fullmatch(path.stem):
            what = "is not named after a language"
            _note("PAG003", Severity.ERROR, path, 0, what, "name it as pt-BR.po is named", report)
            continue
        try:
            source = path.read_text("utf-8")
        except (OSError, ValueError):
            what = "cannot be read as UTF-8"
            _note("PAG003", Severity.ERROR, path, 0, what, "save the file as UTF-8", report)
            continue
        texts.setdefault(path.stem, {}).update(_catalogue(path, source, texts, report))


def _catalogue(
    path: Path, source: str, texts: Mapping[str, Mapping[str, str]], report: Report
) -> dict[str, str]:
    catalogue = read_po(source)
    known = languages.load_phrases()
    for line, what in catalogue.faults:
        hint = "write msgid and msgstr, each with its text in quotes"
        _note("PAG003", Severity.ERROR, path, line, what, hint, report)
    for entry in catalogue.entries:
        if entry.phrase not in known:
            what = f"{quoted(entry.phrase)} is no phrase of the pages"
            hint = did_you_mean(entry.phrase, known) if _is_near(entry.phrase, known) else ""
            _note("PAG004", Severity.WARNING, path, entry.line, what, hint or "remove it", report)
        elif entry.text and placeholders(entry.text) != placeholders(entry.phrase):
            what, hint = _differing(entry.phrase, entry.text)
            _note("PAG006", Severity.ERROR, path, entry.line, what, hint, report)
    made = catalogue.texts()
    missing = known - made.keys() - texts.get(path.stem, {}).keys()
    if missing and path.stem != "en":
        first = min(missing)
        what = f"lacks phrases, {quoted(first)} first"
        hint = "translate them; until then they are shown in English"
        _note("PAG005", Severity.WARNING, path, 0, what, hint, report)
    return {each: text for each, text in made.items() if each in known}


def _add_strings(texts: dict[str, dict[str, str]], brand: Brand, report: Report) -> None:
    known = languages.load_phrases()
    for tag, strings in brand.strings:
        path: KeyPath = ("brand", "strings", tag)
        if tag not in texts:
            _unknown_language(tag, texts, path, report)
            continue
        for phrase, text in strings:
            where = (*path, phrase)
            if phrase not in known:
                hint = did_you_mean(phrase, known) if _is_near(phrase, known) else ""
                hint = hint or "copy one from deeplink/languages/deeplink.pot"
                report.error("PAG004", where, "is no phrase of the pages", hint)
            elif placeholders(text) != placeholders(phrase):
                report.error("PAG006", where, *_differing(phrase, text))
            else:
                texts[tag][phrase] = text


def _templates(name: str | None, report: Report) -> Path | None:
    folder = _folder(name, ("pages", "templates"), report) if name is not None else None
    if folder is not None:
        report.findings.extend(templates.check(folder))
    return folder


def _folder(name: str, path: KeyPath, report: Report) -> Path | None:
    folder = Path(report.document.file).parent / name
    try:
        is_folder = folder.is_dir()
    except (OSError, ValueError):
        is_folder = False
    if not is_folder:
        what = f"{quoted(name)} is not a folder"
        report.error("PAG001", path, what, "make it beside the config, or remove the line")
        return None
    return folder


def _unknown_language(tag: str, texts: Mapping[str, object], path: KeyPath, report: Report) -> None:
    what = f"{quoted(tag)} is a language without catalogue"
    hint = f"known here: {', '.join(sorted(texts))}; or put {tag}.po into the folder of languages"
    report.error("PAG002", path, what, hint if TAG.fullmatch(tag) else hint.partition(";")[0])


def _differing(phrase: str, text: str) -> tuple[str, str]:
    wanted = " ".join(f"{{{name}}}" for name in sorted(placeholders(phrase))) or "none"
    found = " ".join(f"{{{name}}}" for name in sorted(placeholders(text))) or "none"
    return f"has the placeholders {found}, and the phrase {wanted}", f"use {wanted}"


def _is_near(phrase: str, known: frozenset[str]) -> bool:
    return did_you_mean(phrase, known).startswith("did you mean")


def _note(
    code: str, severity: Severity, path: Path, line: int, what: str, hint: str, report: Report
) -> None:
    place = Place(path.as_posix(), line)
    report.findings.append(Finding(code, severity, place, what, hint))
