"""
Counters in Prometheus' text form, right across several workers.

With ``PROMETHEUS_MULTIPROC_DIR`` set before the first import of ``prometheus_client``
(``gunicorn.conf.py`` does) every worker writes to files of its own and each answer adds them up.
Labels are closed sets: a route rule, a method, a status; never something received.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST

#: Seconds; the upper end is a Heroku-like router's patience.
_BUCKETS = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "deeplink_requests_total",
            "Requests answered",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "deeplink_request_seconds",
            "Time from the request's head to the answer's",
            ("route",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.exchanges = Counter(
            "deeplink_exchanges_total",
            "Calls of the token exchange by outcome",
            ("provider", "operation", "outcome"),
            registry=self.registry,
        )
        self.limited = Counter(
            "deeplink_limits_reached_total",
            "Requests refused, by the limit of the config that they exceeded",
            ("limit",),
            registry=self.registry,
        )
        self.store_outages = Counter(
            "deeplink_store_outages_total",
            "Times that the store of answers went away from a process",
            registry=self.registry,
        )
        self.store_away = Gauge(
            "deeplink_store_away",
            "1 while the store is away from a process, which then remembers on its own",
            registry=self.registry,
            multiprocess_mode="livemax",
        )

    def render(self) -> bytes:
        """All counters of all workers as Prometheus reads them."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
        return generate_latest(everybody)
