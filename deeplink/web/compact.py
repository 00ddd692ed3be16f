"""
Scripts and styles less what only their readers need: comments, indentation, spaces, long names.

Pages carry both inside them, and a phone on a bad line loads every byte. The files stay readable;
what goes out is made at start, and the policy allows the hash of just that. Both rules are for the
files of this project: no text in them may go over several lines.
"""

from __future__ import annotations

import re
from string import ascii_letters

_STYLE_TEXTS = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
#: Texts and regular expressions: what is in them is no name, but for ``${name}`` in backticks.
_LITERALS = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`"""
    r"""|(?:(?<=[(=!&|,])|(?<=[=&|] ))/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\]|\\.)*\])+/)"""
)
_DECLARED = re.compile(r"(?:\b(?:const|let) |,)(\w{3,}) ?=(?![=>])")
#: Properties, keys, and variables that give a key its name.
_MEANS_MORE = re.compile(r"(?<!\.\.)\.(\w+)|\b(\w+):|[{,]\s?(\w+)(?=\s?[,}])")
_PARAMETER = re.compile(r"(?<!async)\((\w+)\)=>")
_SIGNS = re.compile(r"\s*([-{}()\[\];,:=<>?&|!*+])\s*")


def script(source: str) -> str:
    """
    *source* shorter. A line end stays where JavaScript may end a statement by it.

    >>> script('// why\\n  if (a > b) {\\n    go("x  y"); }\\n  b = [a, c];\\n  go()')
    'if(a>b){go("x  y");}\\nb=[a,c];go()'
    """
    lines = (line.strip() for line in source.splitlines())
    shorter = "\n".join(_shorter(line) for line in lines if line and not line.startswith("//"))
    return _with_short_names(re.sub(r"([{;,])\n", r"\1", shorter))


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
    parts = _LITERALS.split(line)
    parts[::2] = [_PARAMETER.sub(r"\1=>", _SIGNS.sub(r"\1", part)) for part in parts[::2]]
    return "".join(parts)


def _with_short_names(source: str) -> str:
    """
    *source* with a letter for each variable, if it is sure that its name means nothing else.

    >>> _with_short_names('const way=find("way"),rest=1;go(way,{rest},a.find,`${rest}`)')
    'const b=find("way"),rest=1;go(b,{rest},a.find,`${rest}`)'
    """
    parts = _LITERALS.split(source)
    code = "\0".join(parts[::2])
    texts = " ".join(part for part in parts[1::2] if part[0] == "`")
    used = set(re.findall(r"\w+", source))
    letters = iter(letter for letter in ascii_letters if letter not in used)
    more = {name for found in _MEANS_MORE.findall(code) for name in found}
    more |= set(re.findall(r"\w+", texts))
    names = [name for name in dict.fromkeys(_DECLARED.findall(code)) if name not in more]
    short = dict(zip(names, letters, strict=False))
    code = re.sub(r"\w+", lambda found: short.get(found[0], found[0]), code)
    parts[::2] = code.split("\0")
    return "".join(parts)


def _shorter_style(part: str) -> str:
    part = re.sub(r"\s*([{},;])\s*", r"\1", re.sub(r"\s+", " ", part))
    return part.replace(": ", ":").replace(";}", "}")
