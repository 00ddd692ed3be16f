"""
Scripts and styles less what only their readers need: comments, indentation, spaces around signs.

Pages carry both inside them, and a phone on a bad line loads every byte. The files stay readable;
what goes out is made at start, and the policy allows the hash of just that. Both rules are for the
files of this project: no text in them may go over several lines.
"""

from __future__ import annotations

import re

_TEXTS = re.compile(r'("(?:[^"\\]|\\.)*")')
_STYLE_TEXTS = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
#: A line with another kind of text, or a regular expression, keeps its spaces.
_FRAGILE = re.compile(r"['`/]")
_SIGNS = re.compile(r"\s*([-{}()\[\];,:=<>?&|!*+])\s*")


def script(source: str) -> str:
    """
    *source* shorter. A line end stays where JavaScript may end a statement by it.

    >>> script('// why\\n  if (a > b) {\\n    go("x  y"); }\\n  b = [a, c];\\n  go()')
    'if(a>b){go("x  y");}\\nb=[a,c];go()'
    """
    lines = (line.strip() for line in source.splitlines())
    shorter = "\n".join(_shorter(line) for line in lines if line and not line.startswith("//"))
    return re.sub(r"([{;,])\n", r"\1", shorter)


def style(source: str) -> str:
    """
    *source* shorter. Spaces stay where they mean something: around ``+`` and ``>``, before ``:``.

    >>> style("/* why */ a { color: red; }\\n b > c,\\n d { margin: 0 auto; content: ' ; '; }")
    "a{color:red}b > c,d{margin:0 auto;content:' ; '}"
    """
    parts = _STYLE_TEXTS.split(re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL).strip())
    shorter = (part if part[:1] in ("'", '"') else _shorter_style(part) for part in parts)
    return "".join(shorter)


def _shorter(line: str) -> str:
    if _FRAGILE.search(line):
        return line
    parts = _TEXTS.split(line)
    return "".join(part if part[:1] == '"' else _SIGNS.sub(r"\1", part) for part in parts)


def _shorter_style(part: str) -> str:
    part = re.sub(r"\s*([{},;])\s*", r"\1", re.sub(r"\s+", " ", part))
    return part.replace(": ", ":").replace(";}", "}")
