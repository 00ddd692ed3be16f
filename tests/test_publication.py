"""What each host publishes, and which file stands before which."""

import json

import pytest

from deeplink.association.verdict import AndroidApp, App, IosApp, Link
from deeplink.config import Callback, Config
from deeplink.dropins import DropIn
from deeplink.limits import Limits
from deeplink.publication import Published, conflicts, publish
from deeplink.rules.exchange import ExchangeRules

ASSETLINKS = "/.well-known/assetlinks.json"
APPLE = "/.well-known/apple-app-site-association"
APPLE_AT_ROOT = "/apple-app-site-association"
DEMO = App(
    key="demo",
    name="Demo",
    android=AndroidApp("com.example.app", (":".join(["4F", "5E"] * 16),)),
    ios=IosApp(("ABCDE12345.com.example.app",), None, None, legacy_paths=False),
    share_credentials=False,
)


def config(*, links=(), callbacks=(), drop_ins=(), hosts=("a.example", "b.example"), other=None):
    return Config(
        hosts=hosts,
        alternate_host=other,
        apps=(DEMO,),
        links=links,
        callbacks=callbacks,
        providers={},
        drop_ins=drop_ins,
        admin_token=None,
        metrics_token=None,
        home_url=None,
        sandbox_url=None,
        issuer=None,
        clients={},
        exchange=ExchangeRules("memory", None, "verify", (), (), (), False),
        limits=Limits(0, 0, 0, 0, 0),
    )


def drop_in(source, host, *paths, body=b"hand-written"):
    return DropIn(source, host, paths, "text/plain; charset=utf-8", body)


CALLBACK = Callback("/login-callback/", ("a.example",), (DEMO,), None, custom_scheme=False)


def test_every_known_host_publishes_both_documents_and_nothing_else():
    published = publish(config(other="other.example"))
    assert sorted(published) == sorted(
        (host, path)
        for host in ("a.example", "b.example", "other.example")
        for path in (ASSETLINKS, APPLE, APPLE_AT_ROOT)
    )
    assert {file.content_type for file in published.values()} == {"application/json"}


def test_a_host_is_named_in_its_own_documents_only():
    published = publish(config(links=(Link(DEMO, ("a.example",), "/invite/*"),)))
    for path in (ASSETLINKS, APPLE):
        assert b"com.example.app" in published["a.example", path].body
        assert b"com.example.app" not in published["b.example", path].body


def test_the_alternate_host_answers_with_documents_that_claim_nothing():
    published = publish(config(callbacks=(CALLBACK,), other="other.example"))
    assert b"/login-callback/" in published["a.example", APPLE].body
    assert json.loads(published["other.example", ASSETLINKS].body) == []
    assert b"com.example.app" not in published["other.example", APPLE].body
    assert isinstance(json.loads(published["other.example", APPLE].body), dict)


def test_apples_document_is_the_same_at_its_two_places():
    published = publish(config(links=(Link(DEMO, ("a.example",), "/invite/*"),)))
    assert published["a.example", APPLE] == published["a.example", APPLE_AT_ROOT]


def test_a_drop_in_for_all_hosts_is_published_by_each_of_them():
    published = publish(
        config(
            drop_ins=(drop_in("well_known/x.txt", None, "/.well-known/x.txt", "/x.txt"),),
            other="other.example",
        )
    )
    for host in ("a.example", "b.example", "other.example"):
        for path in ("/.well-known/x.txt", "/x.txt"):
            assert published[host, path] == Published(
                "text/plain; charset=utf-8", b"hand-written", "well_known/x.txt"
            )


@pytest.mark.parametrize("order", [1, -1])
def test_one_hosts_drop_in_stands_before_that_for_all_hosts(order):
    files = (
        drop_in("well_known/x.txt", None, "/.well-known/x.txt", body=b"all"),
        drop_in("well_known/b.example/x.txt", "b.example", "/.well-known/x.txt", body=b"one"),
    )
    published = publish(config(drop_ins=files[::order]))
    assert published["a.example", "/.well-known/x.txt"].body == b"all"
    assert published["b.example", "/.well-known/x.txt"].body == b"one"
    assert published["b.example", "/.well-known/x.txt"].source == "well_known/b.example/x.txt"


def test_a_drop_in_takes_the_place_of_a_document_that_says_nothing():
    own = drop_in("well_known/b.example/assetlinks.json", "b.example", ASSETLINKS)
    rows = config(links=(Link(DEMO, ("a.example",), "/invite/*"),), drop_ins=(own,))
    assert conflicts(rows) == []
    assert publish(rows)["b.example", ASSETLINKS].body == b"hand-written"
    assert publish(rows)["a.example", ASSETLINKS].source == "config"


def test_a_drop_in_beside_a_document_that_says_something_is_an_error_naming_both():
    own = drop_in("well_known/assetlinks.json", None, ASSETLINKS)
    rows = config(links=(Link(DEMO, ("a.example",), "/invite/*"),), drop_ins=(own,))
    assert [str(finding) for finding in conflicts(rows)] == [
        "well_known/assetlinks.json: error DRP013: has the name of the assetlinks.json made from "
        "the config for a.example; delete well_known/assetlinks.json, or take those hosts' apps "
        "and links out of the config"
    ]


def test_s37_equal_configs_give_equal_bytes():
    rows = (Link(DEMO, ("a.example",), "/invite/*"), Link(DEMO, ("a.example",), "/shop/*"))
    assert publish(config(links=rows)) == publish(config(links=rows))


def test_s39_no_document_claims_what_no_link_declares():
    published = publish(config(links=(Link(DEMO, ("a.example",), "/invite/*"),)))
    document = json.loads(published["a.example", APPLE].body)
    paths = [
        component.get("/")
        for detail in document["applinks"]["details"]
        for component in detail["components"]
        if not component.get("exclude")
    ]
    assert set(paths) == {"/invite/*"}
