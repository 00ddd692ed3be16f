"""
The phrases of the pages, written into the catalogues: python tests/languages/refresh.py

``deeplink.pot`` is made anew; in each LANGUAGE.po new phrases are empty, dropped ones go, and
nothing is guessed. The head of a file, up to its first empty line, stays as it is.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ROOT / "deeplink" / "languages"

#: Where phrases stand, and how they are found there.
METHODS = [
    ("deeplink/refusals.py", "python"),
    ("deeplink/visitor.py", "python"),
    ("deeplink/web/**.py", "python"),
    ("templates/**.html", "jinja2"),
]
KEYWORDS = {"say": None, "phrase": None}


def main() -> None:
    template = Catalog()
    for phrase in sorted(extract()):
        template.add(phrase)
    (LANGUAGES / "deeplink.pot").write_bytes(written(template))
    for path in sorted(LANGUAGES.glob("*.po")):
        source = path.read_text("utf-8")
        catalogue = read_po(io.StringIO(source))
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        head = source.partition("\n\n")[0]
        path.write_bytes(head.encode() + b"\n\n" + written(catalogue))


def extract() -> set[str]:
    """Every phrase that the code and the templates say."""
    # Babel passes folders over that begin with "_"; ours hold parts of pages.
    found = [
        message
        for folder in ("deeplink", "templates")
        for _, _, message, _, _ in extract_from_dir(
            ROOT / folder,
            [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in METHODS
             if pattern.startswith(folder)],
            keywords=KEYWORDS,
            directory_filter=lambda path: not Path(path).name.startswith("."),
        )
    ]  # fmt: skip
    return {message for message in found if isinstance(message, str) and message}


def written(catalogue: Catalog) -> bytes:
    for message in catalogue:
        message.flags.discard("python-brace-format")
    octets = io.BytesIO()
    write_po(octets, catalogue, width=0, no_location=True, omit_header=True, sort_output=True)
    return octets.getvalue().strip() + b"\n"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(__doc__)
        raise SystemExit(2)
    main()
