"""The server under measurement: the shipped config, with the bench's provider in TikTok's place."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from deeplink import config, logs
from deeplink.limits import Limits
from deeplink.oauth.providers import TIKTOK, at_sandbox
from deeplink.oauth.vault import Vault
from deeplink.web import wiring

ROOT = Path(__file__).parents[1]


class NoMemory(Vault):
    """What the exchange costs without a vault around it."""

    def once(self, question, ask):
        return ask()


logs.configure(os.environ.get("LOG_LEVEL", "INFO"))
loaded = config.load(ROOT / "config" / "deeplink.toml", os.environ)
tiktok = loaded.providers["tiktok"]
elsewhere = replace(tiktok, preset=at_sandbox(TIKTOK, os.environ["BENCH_PROVIDER"]), sandbox=False)
store = os.environ["BENCH_STORE"]
if store == "off":
    wiring.Vault = NoMemory
rules = replace(loaded.exchange, store="memory" if store == "off" else store)
# One address asks for everybody: only the limits per app and to the provider stay, far away.
limits = Limits(0, 0, 10_000_000, 200, 10_000_000)
loaded = replace(loaded, providers={"tiktok": elsewhere}, exchange=rules, limits=limits)
app = wiring.create_app(
    loaded,
    root=ROOT,
    threads=int(os.environ["DEEPLINK_THREADS"]),
    processes=int(os.environ["WEB_CONCURRENCY"]),
)
