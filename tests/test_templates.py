"""Own templates: one that works takes our place, one that would not is found before the night."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from deeplink import templates
from deeplink.config import load
from deeplink.errors import ConfigError
from tests.browser import stage

CONFIG = """
hosts = ["links.acme.com"]
[apps.shop.android]
package_name = "com.acme.shop"
sha256_cert_fingerprints = ["5D:0C:70:2B:7F:63:8B:3B:4D:7C:41:0E:22:27:95:8C:0B:7C:90:54:8E:F9:B1:7E:A3:7D:44:0A:62:CD:1E:91"]
[[links]]
path = "/product/*"
app = "shop"
[pages]
templates = "own"
"""  # noqa: E501

LINK = """\
{% extends "base.html" %}
{% block title %}Mine: {{ page.title }}{% endblock %}
{% block main %}
<h1 class="mine">{{ say("Open in {app}", app="Shop") }}</h1>
{% set words = page.message %}
<p>{{ words }}</p>
{% include "_partials/ways.html" %}
{% for store in page.stores %}<a href="{{ store.url }}">{{ loop.index }}</a>{% endfor %}
{% endblock %}
"""


def write(folder, name, text):
    path = folder / "own" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return folder / "own"


def codes_of(folder):
    return [(finding.code, finding.place.line) for finding in templates.check(folder)]


@pytest.mark.parametrize("name", sorted(templates.names()))
def test_each_of_our_templates_may_be_copied_as_it_is(tmp_path, root, name):
    own = write(tmp_path, name, (root / "templates" / name).read_text("utf-8"))
    assert templates.check(own) == []


def test_an_own_template_takes_the_place_of_ours_and_of_no_other(tmp_path, root):
    from deeplink.web.wiring import create_app

    (tmp_path / "deeplink.toml").write_text(CONFIG, "utf-8")
    write(tmp_path, "link.html", LINK)
    config = load(tmp_path / "deeplink.toml", {})
    assert config.findings == ()
    client = create_app(config, root=root).test_client()
    headers = {"Host": "links.acme.com", "User-Agent": stage.ANDROID}
    page = client.get("/product/7", headers=headers)
    assert '<h1 class="mine">Open in Shop</h1>' in page.text
    assert "intent://links.acme.com/product/7#Intent;" in page.text
    assert '<h1 class="mine">' not in client.get("/nowhere", headers=headers).text


def test_a_broken_template_never_starts_a_server(tmp_path, root):
    """Exit code 3, which gunicorn takes for "cannot boot"; one line that says where and what."""
    (tmp_path / "deeplink.toml").write_text(CONFIG, "utf-8")
    write(tmp_path, "link.html", LINK.replace("page.message", "page.mesage"))
    done = subprocess.run(
        [sys.executable, "-c", "import app"],
        cwd=root,
        env={"DEEPLINK_CONFIG": str(tmp_path / "deeplink.toml")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert f"{tmp_path}/own/link.html:5: error PAG012: uses .mesage" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_template_fails_the_load_of_the_config(tmp_path):
    (tmp_path / "deeplink.toml").write_text(CONFIG, "utf-8")
    write(tmp_path, "link.html", "{% extends 'base.html' %}\n{% block main %}")
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "deeplink.toml", {})
    assert [finding.code for finding in refused.value.findings] == ["PAG011"]


@pytest.mark.parametrize(
    ("before", "after", "code", "line"),
    [
        ("{% for store", "{% fro store", "PAG011", 8),
        ("{{ words }}", "{{ words | shuot }}", "PAG011", 6),
        ("{{ words }}", "{{ words", "PAG011", 6),
        ("{{ words }}", "{{ wrods }}", "PAG012", 6),
        ("{{ words }}", "{{ page.text }}", "PAG012", 6),
        ("{{ words }}", "{{ page['text'] }}", "PAG012", 6),
        ("_partials/ways.html", "_partials/way.html", "PAG012", 7),
        ("{% block main %}", "{% block mian %}", "PAG012", 3),
        ("<p>", "<p onmouseover=a()>", "PAG013", 6),
        ("<p>", "<p style='color:red'>", "PAG013", 6),
        ("<p>", "<p><script>a()</script>", "PAG013", 6),
        ("<p>", "<p><script src=https://cdn.example/a.js></script>", "PAG013", 6),
        ("<p>", "<p><style>p { color: red }</style>", "PAG013", 6),
        ("<p>", "<p><img src=//cdn.example/a.png>", "PAG013", 6),
        ("<p>", "<p><img src=x.png>", "PAG013", 6),
        ("<p>", "<p><iframe></iframe>", "PAG013", 6),
        ("<p>", "<p><form></form>", "PAG013", 6),
        ("<p>", "<p><meta http-equiv=refresh content=0>", "PAG013", 6),
        ("<p>", "<p><a href=' JavaScript:a()'>a</a>", "PAG013", 6),
        ("<p>", "<p><base href=https://evil.example/>", "PAG013", 6),
    ],
)
def test_a_fault_is_found_with_its_line(tmp_path, before, after, code, line):
    assert LINK.count(before) == 1
    own = write(tmp_path, "link.html", LINK.replace(before, after))
    assert (code, line) in codes_of(own)


def test_a_template_that_leaves_a_way_out_is_found(tmp_path):
    own = write(tmp_path, "link.html", LINK.replace('{% include "_partials/ways.html" %}\n', ""))
    assert codes_of(own) == [("PAG014", 0)]


def test_a_partial_that_leaves_a_way_out_is_found(tmp_path):
    text = "{% for item in page.ways.shown %}<a href='{{ item.url }}'>x</a>{% endfor %}"
    own = write(tmp_path, "_partials/ways.html", text)
    assert {code for code, _ in codes_of(own)} == {"PAG014", "PAG015"}


def copy(folder, root, name, before, after):
    """Our template as an own one, with one thing changed."""
    text = (root / "templates" / name).read_text("utf-8")
    assert before in text
    return write(folder, name, text.replace(before, after))


@pytest.mark.parametrize("mark", templates.MARKS)
def test_a_copy_that_lost_what_the_script_looks_for_is_found(tmp_path, root, mark):
    homes = ("callback.html", "_partials/login.html", "_partials/ways.html")
    having = [name for name in homes if mark in (root / "templates" / name).read_text("utf-8")]
    for name in having:
        own = copy(tmp_path, root, name, mark, "[]" if "." in mark else "x")
    (finding,) = templates.check(own)
    assert (finding.code, finding.place.file) == ("PAG015", (own / having[0]).as_posix())
    assert f"has no {mark}," in finding.what
    assert mark in finding.hint


def test_an_own_callback_page_without_our_parts_lacks_all_that_the_script_needs(tmp_path):
    text = """{% extends "base.html" %}{% block main %}{% for item in page.ways.shown +
    page.ways.folded %}<a href="{{ item.url }}">{{ item.label }}</a>{% endfor %}{% endblock %}"""
    own = write(tmp_path, "callback.html", text)
    assert codes_of(own) == [("PAG015", 0)] * len(templates.MARKS)
    assert {finding.place.file for finding in templates.check(own)} == {
        (own / "callback.html").as_posix()
    }


def test_other_quotes_and_an_element_of_another_kind_are_fine(tmp_path, root):
    before, after = '<h1 id="title">{{ page.title }}</h1>', "<h2 id='title'>{{ page.title }}</h2>"
    assert templates.check(copy(tmp_path, root, "_partials/login.html", before, after)) == []


def test_a_base_without_a_place_for_the_script_is_found(tmp_path, root):
    text = "{% if script %}\n<script>{{ script }}</script>\n{% endif %}\n"
    assert codes_of(copy(tmp_path, root, "base.html", text, "")) == [("PAG015", 0)]


def test_the_marks_are_what_the_script_looks_for(root):
    script = (root / "templates" / "_scripts" / "callback.js").read_text("utf-8")
    ids = {*re.findall(r'find\("(\w+)"\)', script), "title", "message", "next"}
    assert '["title", "message", "next"].forEach((id, n) => { find(id)' in script
    assert {f'id="{name}"' for name in ids} == {mark for mark in templates.MARKS if "=" in mark}
    data = {"state", *re.findall(r"(?:\bat|dataset)\.(\w+)", script)}
    data |= set(re.findall(r"\ba?\[data-(\w+)\]", script))
    others = {f"data-{name}" for name in data} | {"login.moments"}
    assert others == {mark for mark in templates.MARKS if "=" not in mark}


def test_scripts_and_pages_of_the_admin_are_not_for_a_brand(tmp_path):
    write(tmp_path, "_scripts/callback.js", "")
    own = write(tmp_path, "front.html", "")
    assert codes_of(own) == [("PAG010", 0), ("PAG010", 0)]


def test_every_page_renders_with_copies_of_all_our_templates(tmp_path, root):
    for name in templates.names():
        write(tmp_path, name, (root / "templates" / name).read_text("utf-8"))
    (tmp_path / "deeplink.toml").write_text(CONFIG, "utf-8")
    assert load(tmp_path / "deeplink.toml", {}).findings == ()
