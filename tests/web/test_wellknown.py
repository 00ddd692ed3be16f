"""The published files through a real Flask application: by host and raw path, in one spelling."""

import gzip
import threading

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from deeplink.publication import Published
from deeplink.web import wellknown

ASSETLINKS = "/.well-known/assetlinks.json"
APPLE = "/.well-known/apple-app-site-association"
APPLE_AT_ROOT = "/apple-app-site-association"
OWNERSHIP = "/login-callback/tiktok0123.txt"
DOCUMENTS = {
    "a.example": b'[{"a": "a.example"}]\n' * 40,
    "b.example": b'[{"b": "b.example"}]\n' * 40,
}
PUBLICATION = {
    (host, path): Published("application/json", body, "config")
    for host, body in DOCUMENTS.items()
    for path in (ASSETLINKS, APPLE, APPLE_AT_ROOT)
} | {("a.example", OWNERSHIP): Published("text/plain; charset=utf-8", b"proof", "well_known/x")}


def application(publication=PUBLICATION):
    """With Flask's own settings, which would lead from one spelling to another."""
    app = Flask("test", static_folder=None)
    app.register_blueprint(wellknown.blueprint(wellknown.prebuild(publication)))
    return app


APP = application()


def ask(target, *, host="a.example", method="GET", app=APP, **headers):
    """Ask as gunicorn would put it: the target as it was sent in RAW_URI, decoded in PATH_INFO."""
    path = target.split("/", 3)[3] if target.startswith("http") else target[1:]
    environ = EnvironBuilder(method=method, path="/").get_environ()
    decoded = EnvironBuilder(path="/" + path.partition("?")[0].lstrip("/")).get_environ()
    slashes = "/" * (1 + len(path) - len(path.lstrip("/")))
    environ["PATH_INFO"] = slashes + decoded["PATH_INFO"].lstrip("/")
    environ["QUERY_STRING"] = path.partition("?")[2]
    environ["RAW_URI"] = target
    environ["HTTP_HOST"] = host
    environ.pop("REQUEST_URI")
    for name, value in headers.items():
        environ[f"HTTP_{name.upper()}"] = value
    body, status, sent = run_wsgi_app(app, environ)
    return int(status[:3]), sent, b"".join(body)


@pytest.mark.parametrize("host", ["a.example", "b.example"])
@pytest.mark.parametrize("path", [ASSETLINKS, APPLE, APPLE_AT_ROOT])
@pytest.mark.parametrize("proto", ["http", "https", None])
def test_s37_each_document_is_there_at_once_whatever_a_proxy_says(host, path, proto):
    forwarded = {"x_forwarded_proto": proto} if proto else {}
    status, headers, body = ask(path, host=host, **forwarded)
    assert (status, body) == (200, DOCUMENTS[host])
    assert headers["Content-Type"] == "application/json"
    assert headers["Content-Length"] == "840"
    assert headers["Cache-Control"] == "public, max-age=3600"
    assert not {"Location", "Set-Cookie", "WWW-Authenticate"} & set(headers.keys())


def test_s37_the_head_is_that_of_get_without_a_body():
    _, of_get, _ = ask(ASSETLINKS)
    status, of_head, body = ask(ASSETLINKS, method="HEAD")
    assert (status, body) == (200, b"")
    assert list(of_head) == list(of_get)


def test_the_route_adds_no_header_to_the_finished_answer_and_drops_none():
    finished = wellknown.prebuild(PUBLICATION)["a.example", ASSETLINKS]
    for method in ("GET", "HEAD", "POST"):
        for condition in ("", "*"):
            answer = finished.answer(method, {"if-none-match": condition})
            status, headers, body = ask(ASSETLINKS, method=method, if_none_match=condition)
            assert (status, tuple(headers), body) == (answer.status, answer.headers, answer.body)


def test_s37_the_tag_makes_the_round_trip():
    _, headers, _ = ask(ASSETLINKS)
    status, again, body = ask(ASSETLINKS, if_none_match=headers["ETag"])
    assert (status, body) == (304, b"")
    assert again["ETag"] == headers["ETag"]
    assert "Content-Type" not in again
    assert "Content-Length" not in again


def test_who_takes_gzip_gets_it():
    status, headers, body = ask(ASSETLINKS, accept_encoding="gzip, br")
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert gzip.decompress(body) == DOCUMENTS["a.example"]


@pytest.mark.parametrize("host", ["A.Example", "a.example:8443", "a.example.", "A.EXAMPLE.:80"])
def test_port_case_and_trailing_dot_of_a_host_do_not_matter(host):
    assert ask(ASSETLINKS, host=host)[0] == 200


@pytest.mark.parametrize("host", ["c.example", "www.a.example", "", "a.example/", "a.example@b"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_s37_an_unknown_host_has_nothing_here(host, method):
    status, headers, _ = ask(ASSETLINKS, host=host, method=method)
    assert status == 404
    assert "Location" not in headers


def test_a_drop_in_is_there_for_its_own_host_alone():
    assert ask(OWNERSHIP)[::2] == (200, b"proof")
    assert ask(OWNERSHIP, host="b.example")[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/absent",
        "/.well-known/",
        "/.well-known",
        "/.well-known/assetlinks.jso",
        "/.well-known/README.md",
        "/assetlinks.json",
        "/login-callback/tiktok4567.txt",
        "/tiktok0123.txt",
    ],
)
def test_what_is_not_published_is_not_there(path):
    assert ask(path)[0] == 404


@pytest.mark.parametrize(
    "target",
    [
        "//.well-known/assetlinks.json",
        "///.well-known/assetlinks.json",
        "/.well-known//assetlinks.json",
        "/.well-known/assetlinks.json/",
        "/.well-known/assetlinks.json//",
        "/%2ewell-known/assetlinks.json",
        "/%2Ewell-known/assetlinks.json",
        "/.well-known/assetlinks%2ejson",
        "/.well-known%2fassetlinks.json",
        "/.well-known/%61ssetlinks.json",
        "/.well-known/./assetlinks.json",
        "/x/../.well-known/assetlinks.json",
        "/.WELL-KNOWN/assetlinks.json",
        "/.well-known/assetlinks.json;x=1",
        "/.well-known/assetlinks.json#x",
        "/.well-known/assetlinks.json%3Fx",
        "http://a.example/.well-known/assetlinks.json",
        "https://evil.example/.well-known/assetlinks.json",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_s37_another_spelling_of_a_path_is_nothing_and_leads_nowhere(target, method):
    status, headers, _ = ask(target, method=method)
    assert status == 404
    assert "Location" not in headers


@pytest.mark.parametrize("query", ["?", "?x=1", "?/../", "?http://evil.example/"])
def test_a_query_changes_nothing(query):
    assert ask(ASSETLINKS + query)[::2] == (200, DOCUMENTS["a.example"])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_a_file_that_is_there_refuses_other_methods_and_says_which_work(method):
    status, headers, _ = ask(ASSETLINKS, method=method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_a_path_with_escapes_is_published_in_its_own_spelling():
    path = "/zur%C3%BCck/tiktok0123.txt"
    app = application({("a.example", path): Published("text/plain", b"proof", "well_known/x")})
    assert ask(path, app=app)[::2] == (200, b"proof")
    assert ask("/zur%c3%bcck/tiktok0123.txt", app=app)[0] == 404


@pytest.mark.parametrize("name", ["REQUEST_URI", None])
def test_under_other_servers_the_path_is_found_where_they_keep_it(name):
    environ = EnvironBuilder(path=ASSETLINKS, headers={"Host": "a.example"}).get_environ()
    target = environ.pop("RAW_URI")
    environ.pop("REQUEST_URI")
    if name:
        environ[name] = target
    _, status, _ = run_wsgi_app(APP, environ)
    assert status == "200 OK"


def test_two_apps_in_one_process_share_nothing():
    other = application({("c.example", ASSETLINKS): Published("application/json", b"[]", "config")})
    assert ask(ASSETLINKS, host="c.example", app=other)[0] == 200
    assert ask(ASSETLINKS, host="a.example", app=other)[0] == 404
    assert ask(ASSETLINKS, host="c.example")[0] == 404


def test_equal_files_share_one_finished_answer():
    answers = wellknown.prebuild(PUBLICATION)
    assert answers["a.example", APPLE] is answers["a.example", APPLE_AT_ROOT]
    assert answers["a.example", APPLE] is not answers["b.example", APPLE]


def test_s38_sixty_four_threads_never_get_the_other_hosts_bytes():
    """The race that Grovs had: a document in a shared object, filled per request."""
    together = threading.Barrier(64)
    mixed, answered = [], []

    def phone(number):
        host = ("a.example", "b.example")[number % 2]
        together.wait(timeout=30)
        for turn in range(20):
            packed = {"accept_encoding": "gzip"} if turn % 2 else {}
            status, headers, body = ask(ASSETLINKS, host=host, **packed)
            content = gzip.decompress(body) if "Content-Encoding" in headers else body
            if (status, content) != (200, DOCUMENTS[host]):
                mixed.append((host, status, content))
            answered.append(host)

    threads = [threading.Thread(target=phone, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert mixed == []
    assert (answered.count("a.example"), answered.count("b.example")) == (640, 640)
