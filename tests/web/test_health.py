"""What /readyz and /metrics tell of the exchange's memory."""

from __future__ import annotations

import pytest
from flask import Flask

from deeplink.errors import StoreUnavailable
from deeplink.metrics import Metrics
from deeplink.web import health


def here():
    """A store that answers."""


def away():
    raise StoreUnavailable("Redis cannot be reached; see whether it runs")


def ready(store):
    app = Flask("test")
    app.register_blueprint(
        health.blueprint(Metrics(), version="1", metrics_token=None, open_metrics=True, store=store)
    )
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 200
    return answer.json


def test_readyz_says_where_answers_are_remembered():
    assert ready(health.StoreHealth("redis", False, here))["store"] == {
        "kind": "redis",
        "state": "here",
    }


def test_a_store_that_is_away_does_not_take_the_server_out_of_rotation():
    assert ready(health.StoreHealth("redis", False, away))["store"] == {
        "kind": "redis",
        "state": "away: each process remembers answers on its own; the log says why",
    }


def test_readyz_warns_of_machines_that_do_not_see_each_other():
    told = ready(health.StoreHealth("sqlite", True, here))["store"]
    assert told["warning"] == "other machines do not see this store; give the server a Redis"


@pytest.mark.parametrize("name", ["deeplink_store_away", "deeplink_limits_reached_total"])
def test_the_metrics_name_what_the_readme_names(name):
    assert name in Metrics().render().decode()
