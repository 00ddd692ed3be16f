"""The beacon counts events of a closed list, and takes nothing else."""

from __future__ import annotations

import itertools

import pytest
from flask import Flask

from deeplink.errors import TooMany
from deeplink.metrics import Metrics
from deeplink.web import beacon, failures
from deeplink.web.page import Pages

HOST = "links.example.com"
ANDROID = "Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0"
PATH = "/login-callback/beacon"


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def client(root, metrics, clock):
    app = Flask("test", static_folder=None, template_folder=None)
    failures.install(app, Pages(root / "templates"))
    places = [(HOST, "/login-callback/"), (HOST, "/login-callback"), (HOST, "/other/")]
    app.register_blueprint(beacon.blueprint(places, metrics, clock=clock))
    return app.test_client()


def send(client, event="shown", *, path=PATH, host=HOST, agent=ANDROID, address="", **headers):
    return client.post(
        path,
        data=event,
        headers={"Host": host, "User-Agent": agent, **headers},
        environ_overrides={"REMOTE_ADDR": address or "192.0.2.1"},
    )


def addresses():
    """Visitors who all come from elsewhere."""
    return (f"198.51.{number // 250}.{number % 250}" for number in itertools.count())


def counted(metrics):
    """{(event, family): count}"""
    return {
        (sample.labels["event"], sample.labels["family"]): sample.value
        for family in metrics.callback_events.collect()
        for sample in family.samples
        if sample.name == "deeplink_callback_events_total"
    }


@pytest.mark.parametrize("event", beacon.EVENTS)
def test_each_event_is_counted_by_class_of_browser(client, metrics, event):
    answer = send(client, event)
    assert (answer.status_code, answer.data) == (204, b"")
    assert counted(metrics) == {(event, "android-firefox"): 1.0}


def test_the_answer_leaves_nothing_behind(client):
    answer = send(client)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "event", ["", "Shown", "shown ", "code=SECRET-abc", "x" * 16, "x" * 17, "x" * 9000, "\x00"]
)
def test_what_is_not_on_the_list_is_refused_and_not_repeated(client, metrics, event):
    answer = send(client, event)
    assert answer.status_code in (400, 413)
    assert counted(metrics) == {}
    assert "SECRET-" not in answer.get_data(as_text=True)


def test_a_body_of_unknown_length_is_read_no_further_than_any_other(client, metrics):
    answer = client.post(
        PATH,
        input_stream=None,
        data=b"shown",
        headers={"Host": HOST, "Transfer-Encoding": "chunked"},
    )
    assert answer.status_code in (204, 400)
    assert sum(counted(metrics).values()) <= 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_only_post_is_taken(client, method):
    answer = client.open(PATH, method=method, headers={"Host": HOST})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/beacon", HOST),
        ("/login-callback/beacon/", HOST),
        ("/login-callback//beacon", HOST),
        (PATH, "evil.example"),
        (PATH, ""),
    ],
)
def test_only_under_a_callback_of_the_host_there_is_a_beacon(client, path, host):
    assert send(client, path=path, host=host).status_code == 404


def test_another_sites_page_counts_nothing(client, metrics):
    assert send(client, **{"Sec-Fetch-Site": "same-origin"}).status_code == 204
    for site in ("cross-site", "same-site", "none"):
        assert send(client, **{"Sec-Fetch-Site": site}).status_code == 400
    assert counted(metrics) == {("shown", "android-firefox"): 1.0}


def test_a_flood_is_cut_off_and_the_next_second_is_open_again(client, metrics, clock):
    flood = addresses()
    answers = [send(client, address=next(flood)).status_code for _ in range(beacon.BURST + 20)]
    assert answers == [204] * beacon.BURST + [429] * 20
    assert send(client).headers["Retry-After"] == "1"
    clock.now += 1
    answers = [send(client, address=next(flood)).status_code for _ in range(beacon.RATE + 1)]
    assert answers == [204] * beacon.RATE + [429]
    assert sum(counted(metrics).values()) == beacon.BURST + beacon.RATE


def test_one_visitor_cannot_silence_the_others(client, clock):
    """For a minute, as fast as the server answers."""
    for _ in range(60):
        answers = [send(client, address="192.0.2.66").status_code for _ in range(80)]
        assert answers.count(204) <= beacon.PER_ADDRESS
        assert send(client, address="198.51.100.7").status_code == 204
        clock.now += 1


def test_an_address_is_what_the_trusted_proxies_say(root, metrics, clock):
    app = Flask("test", static_folder=None, template_folder=None)
    failures.install(app, Pages(root / "templates"))
    routes = beacon.blueprint([(HOST, "/login-callback/")], metrics, trusted_hops=1, clock=clock)
    app.register_blueprint(routes)
    client = app.test_client()
    made_up = [
        send(client, **{"X-Forwarded-For": f"203.0.113.{number}, 192.0.2.66"}).status_code
        for number in range(beacon.PER_ADDRESS + 5)
    ]
    assert made_up == [204] * beacon.PER_ADDRESS + [429] * 5
    assert send(client, **{"X-Forwarded-For": "192.0.2.66, 203.0.113.9"}).status_code == 204


def test_behind_a_proxy_that_nobody_told_us_of_all_visitors_share_the_rate(client):
    answers = [
        send(client, **{"X-Forwarded-For": "203.0.113.9"}).status_code
        for _ in range(beacon.PER_ADDRESS + 5)
    ]
    assert answers == [204] * (beacon.PER_ADDRESS + 5)


def test_refused_events_use_nothing_up(client):
    for _ in range(beacon.BURST + 1):
        send(client, "nonsense")
    assert send(client).status_code == 204


def test_a_quiet_night_does_not_save_up_for_a_flood(clock):
    bucket = beacon.Bucket(10, 20, clock)
    clock.now += 3600
    assert sum(bucket.take() for _ in range(100)) == 20


def test_the_limit_is_an_error_of_the_one_table():
    assert failures.STATUS[TooMany] == 429
