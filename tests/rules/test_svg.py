"""A logo: what goes into a page is shapes and colours, whatever the file holds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplink.rules import svg

NS = 'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"'


def test_a_drawing_keeps_its_shapes_and_gradients():
    drawing = svg.clear(
        f'<?xml version="1.0"?><!-- by hand --><svg {NS} width="24"><title>A &amp; B</title>'
        '<defs><linearGradient id="g"><stop offset="0" stop-color="#f00"/></linearGradient></defs>'
        '<path d="M0 0h24v24z" fill="url(#g)" transform="rotate(-45 12 12)"/></svg>'
    )
    assert drawing.faults == []
    assert drawing.markup == (
        '<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false" class="logo">'
        '<title>A &amp; B</title><defs><linearGradient id="logo-g"><stop offset="0" '
        'stop-color="#f00"></stop></linearGradient></defs><path d="M0 0h24v24z" '
        'fill="url(#logo-g)" transform="rotate(-45 12 12)"></path></svg>'
    )


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<SCRIPT>alert(1)</SCRIPT>",
        '<script href="data:text/javascript,alert(1)"/>',
        '<g onload="alert(1)"/>',
        '<g ONCLICK="alert(1)"/>',
        '<a href="javascript:alert(1)"><path d="M0 0"/></a>',
        '<image href="https://evil.example/x.png"/>',
        '<use href="https://evil.example/x.svg#a"/>',
        '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>',
        "<style>@import 'https://evil.example/x.css'</style>",
        '<path style="background:url(https://evil.example/)"/>',
        '<path fill="url(https://evil.example/#a)"/>',
        '<path fill="url( #a)"/>',
        '<path fill="u&#x72;l(https://evil.example/)"/>',
        '<path fill="\\75rl(//evil.example)"/>',
        '<animate attributeName="href" to="javascript:alert(1)"/>',
        '<set attributeName="onload" to="alert(1)"/>',
        '<path d="M0 0&quot; onload=&quot;alert(1)"/>',
        '<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script>',
        '<path xmlns:x="http://www.w3.org/1999/xlink" x:href="https://evil.example/"/>',
        '<filter><feImage href="https://evil.example/"/></filter>',
        "<?xml-stylesheet href='https://evil.example/x.css'?>",
        "<![CDATA[<script>alert(1)</script>]]>",
        "words",
    ],
)
def test_whatever_runs_loads_or_links_is_a_fault(inside):
    drawing = svg.clear(f"<svg {NS}>\n{inside}</svg>")
    assert drawing.markup == ""
    assert drawing.faults[0][0] == 2


@pytest.mark.parametrize(
    "source",
    [
        "",
        "<svg",
        "<html></html>",
        f"<svg {NS}><g></svg>",
        "<svg xmlns='http://www.w3.org/2000/svg'/>",
        f'<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]><svg {NS}>&b;</svg>',
        f'<!DOCTYPE svg SYSTEM "file:///etc/passwd"><svg {NS}/>',
    ],
)
def test_what_is_no_plain_drawing_is_refused(source):
    drawing = svg.clear(source)
    assert drawing.markup == ""
    assert drawing.faults


@given(st.text(max_size=200))
def test_a_title_can_never_become_markup(text):
    drawing = svg.clear(f"<svg {NS}><title>{text}</title></svg>")
    assert re.fullmatch(
        r'(<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false" class="logo">'
        r"<title>[^<>]*</title></svg>)?",
        drawing.markup,
    )
