"""Whose host a request is for: normalised as no server does it, or nobody's."""

import pytest

from deeplink.web.guards import host_of


@pytest.mark.parametrize(
    ("sent", "host"),
    [
        ("app.example.com", "app.example.com"),
        ("App.EXAMPLE.com", "app.example.com"),
        ("app.example.com:8443", "app.example.com"),
        ("app.example.com:", "app.example.com"),
        ("app.example.com.", "app.example.com"),
        ("App.example.com.:443", "app.example.com"),
        ("localhost:8000", "localhost"),
        ("127.0.0.1:8000", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[::1]:8000", "::1"),
        ("[2001:DB8::1]:443", "2001:db8::1"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("my_app.example", "my_app.example"),
    ],
)
def test_a_host_is_known_in_every_spelling(sent, host):
    assert host_of({"HTTP_HOST": sent}) == host


@pytest.mark.parametrize(
    "sent",
    [
        "",
        " ",
        ".",
        ":8000",
        " app.example.com",
        "app.example.com ",
        "app.example.com:x",
        "app.example.com:80:80",
        "app.example.com:999999",
        "app.example.com/",
        "app.example.com/x",
        "user@app.example.com",
        "app.example.com,evil.example",
        "app.example.com evil.example",
        "app.example.com\x00",
        "app.example.com\n",
        "app.example.com?",
        "app.example.com#",
        "[::1",
        "::1",
        "[]",
        "[::1]x",
        "[app.example.com]",
        "bücher.example",
        "app.example.com:\u0661",
    ],
)
def test_a_malformed_host_is_nobodys(sent):
    assert host_of({"HTTP_HOST": sent}) == ""


def test_a_request_without_host_is_nobodys():
    assert host_of({}) == ""


def test_the_proxys_word_about_the_host_is_not_heard():
    environ = {"HTTP_HOST": "a.example", "HTTP_X_FORWARDED_HOST": "b.example"}
    assert host_of({**environ, "SERVER_NAME": "c.example"}) == "a.example"
