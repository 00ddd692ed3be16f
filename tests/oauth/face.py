"""A face over a provider that the test plays, with a clock that stands still."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Flask

from deeplink.association.verdict import AndroidApp, App
from deeplink.limits import Limiter, Limits
from deeplink.oauth.clients import Client, Kind, RedirectUri, return_address
from deeplink.oauth.exchange import Exchange
from deeplink.oauth.facade import Face, Forward, Start
from deeplink.oauth.providers import TIKTOK, Provider
from deeplink.oauth.sealing import build_keys
from deeplink.oauth.vault import Vault
from deeplink.outbound import Reply
from deeplink.rules.exchange import ExchangeRules
from deeplink.secret import Secret
from deeplink.store.memory import MemoryStore
from deeplink.web import facade, failures
from deeplink.web.access import Access
from deeplink.web.page import Pages

ROOT = Path(__file__).resolve().parents[2]

ORIGIN = "https://login.example.com"
ISSUER = f"{ORIGIN}/oauth/tiktok"

#: RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

WEB = "https://www.example.com/callback"
LINK = "https://links.example.com/login-callback/"
LOOPBACK = "http://127.0.0.1/callback"
SCHEME = "com.example.shop:/callback"

GAME = "com.example.game:/callback"

SHOP = App("shop", "Shop", AndroidApp("com.example.shop", ("AA:BB",)), None, False)


def client(key, *uris, providers=("tiktok",), scopes=("user.info.basic", "video.list"), **more):
    fields = {"origins": (), "app": None, "custom_scheme": False} | more
    return Client(key, uris, providers, scopes, **fields)


CLIENTS = {
    row.key: row
    for row in (
        client("web", RedirectUri(WEB, Kind.WEB), origins=("https://www.example.com",)),
        client(
            "shop",
            RedirectUri(LINK, Kind.APP),
            RedirectUri(SCHEME, Kind.SCHEME),
            app=SHOP,
            custom_scheme=True,
        ),
        client("desk", RedirectUri(LOOPBACK, Kind.LOOPBACK)),
        client("game", RedirectUri(GAME, Kind.SCHEME), custom_scheme=True),
        client("elsewhere", RedirectUri(WEB, Kind.WEB), providers=("other",)),
    )
}

KEYS = build_keys((Secret("SECRET-key-1-" + "k" * 32),), instead=())
OTHER_KEYS = build_keys((Secret("SECRET-key-2-" + "k" * 32),), instead=())

TOKENS = {
    "access_token": "act.SECRET-1",
    "expires_in": 7200,
    "open_id": "open-1",
    "refresh_token": "rft.SECRET-1",
    "scope": "user.info.basic,video.list",
    "token_type": "Bearer",
}


class PlayedProvider:
    """Answers every call with *answer*, and remembers what it was asked."""

    def __init__(self, answer=None):
        self.answers = [answer or TOKENS]
        self.calls = []

    def __call__(self, url, fields, *, insecure_loopback, patience, **manner):
        self.calls.append((url, dict(fields)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Reply(200, {}, json.dumps(answer).encode())

    @property
    def forms(self):
        return [form for _, form in self.calls]


class Stage:
    """One server's face; *also* makes a second one of other settings over the same store."""

    def __init__(self, **settings):
        self.now = 1_800_000_000.0
        self.provider = settings.pop("provider", None) or PlayedProvider()
        self.store = settings.pop("store", None) or MemoryStore(clock=lambda: self.now)
        count = itertools.count(1)
        self.settings = {
            "origin": ORIGIN,
            "clients": CLIENTS,
            "keys": KEYS,
            "key": "tiktok",
            "preset": TIKTOK,
            "random": lambda size: next(count).to_bytes(size, "big"),
        } | settings
        self.face = self._face(**self.settings)

    def _face(self, *, origin, clients, keys, key, preset, random):
        row = Provider(
            key=key,
            preset=preset,
            client_key="tiktok-key",
            client_secret=Secret("SECRET-of-tiktok"),
            redirect_uri=return_address(origin, key),
            sandbox=False,
        )
        vault = Vault(MemoryStore(clock=lambda: self.now), keys, deadline=20, threads=16)
        return Face(
            Exchange(row, self.provider, vault),
            origin=origin,
            clients=clients,
            keys=keys,
            store=self.store,
            clock=lambda: self.now,
            random=random,
        )

    def also(self, **changes):
        return self._face(**(self.settings | changes))

    def begin(self, client="web", redirect_uri=WEB, **changes):
        return self.face.begin(question(client, redirect_uri, **changes))

    def come_back(self, start, face=None, cookies=None, **answer):
        """The provider's redirect, in the browser of the start unless *cookies* say otherwise."""
        query = urlencode({"code": "SECRET-code*1", "state": state_of(start)} | answer)
        held = {start.id: [start.cookie.reveal()]} if cookies is None else cookies
        return (face or self.face).finish(query, held)

    def code(self, client="web", redirect_uri=WEB, **changes):
        return answer_of(self.come_back(self.begin(client, redirect_uri, **changes)))["code"]

    def redeem(self, code, client="web", face=None, **changes):
        form = {
            "grant_type": "authorization_code",
            "client_id": client,
            "code": code,
            "redirect_uri": WEB,
            "code_verifier": VERIFIER,
        } | changes
        return ask(face or self.face, form)


def service(stage, face=None, *, threads=50, attest=None, brand=None, **limits):
    """The application of *stage*'s face. *limits* are those of the config."""
    app = Flask("face", static_folder=None, template_folder=None)
    pages = Pages(ROOT / "templates", brand=brand)
    failures.install(app, pages)
    rules = ExchangeRules("memory", None, "verify", (), (), (), False)
    names = ("trusted_hops", "per_address", "per_app", "per_code", "to_provider")
    counted = Limits(**(dict.fromkeys(names, 0) | limits))
    limiter = Limiter(
        counted, lambda *parts: repr(parts).encode(), processes=1, clock=lambda: stage.now
    )
    access = Access(rules, limiter, trusted_hops=0, threads=threads, attest=attest)
    faces = {"tiktok": face or stage.face}
    app.register_blueprint(facade.blueprint(faces, access, pages=pages))
    return app


def ask(face, form):
    sent = {name: [value] for name, value in form.items() if value is not None}
    return face.answer(face.identify(sent, None), sent)


def question(client="web", redirect_uri=WEB, **changes):
    asked = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": redirect_uri,
        "scope": "user.info.basic",
        "state": "st-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | changes
    return urlencode({name: value for name, value in asked.items() if value is not None})


def query_of(address):
    found = parse_qs(urlsplit(address).query, keep_blank_values=True)
    return {name: values[0] for name, values in found.items()}


def state_of(start):
    assert isinstance(start, Start), start
    return query_of(start.address)["state"]


def answer_of(forward):
    assert isinstance(forward, Forward), forward
    return query_of(forward.address)
