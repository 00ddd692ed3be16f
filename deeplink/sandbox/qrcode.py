"""
Login by QR code: a ticket that a phone scans and confirms, polled by the app that shows it.

https://developers.tiktok.com/doc/login-kit-qr-code-authorization. How long a ticket lives is not
documented; here as long as a code. Nobody can scan with a real phone: a test posts the drawn
address to ``/__sandbox__/scan``, and with consent given automatically every poll is one step on.
"""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Blueprint, Response, request

from deeplink.sandbox.authorization import Question, granting_address
from deeplink.sandbox.dialect import LIFETIMES, MALFORMED, SCOPES, Platform, Refusal
from deeplink.sandbox.stage import Stage
from deeplink.sandbox.tokens import body_fault, client_fault

#: Tickets kept; the oldest goes first.
LIMIT = 1000

#: The redirect URI of a QR login where none is registered; nothing answers there.
_REDIRECT_URI = "https://localhost/login-callback/"

#: What the drawn address must have replaced by the app's own ticket.
_UNFILLED = "tobefilled"


@dataclass(frozen=True, slots=True)
class _Ticket:
    question: Question
    expires: float
    status: str = "new"
    client_ticket: str = _UNFILLED
    code: str = ""
    address: str = ""


class Tickets:
    """The QR logins under way."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._tickets: dict[str, _Ticket] = {}
        self._lock = threading.Lock()

    def put(self, question: Question) -> str:
        """A new ticket's token."""
        stage = self._stage
        token = base64.urlsafe_b64encode(stage.token(24)).decode()
        expires = stage.now() + LIFETIMES[stage.knobs.lifetimes].code
        with self._lock:
            self._tickets[token] = _Ticket(question, expires)
            if len(self._tickets) > LIMIT:
                del self._tickets[next(iter(self._tickets))]
        return token

    def scan(self, address: str, *, confirm: bool) -> bool:
        """A phone reads the drawn *address*; False if no living ticket is behind it."""
        query = parse_qs(urlsplit(address).query)
        token = query.get("token", [""])[0]
        with self._lock:
            ticket = self._living(token)
            if ticket is None or ticket.status not in ("new", "scanned"):
                return False
            client_ticket = query.get("client_ticket", [_UNFILLED])[0]
            ticket = replace(ticket, status="scanned", client_ticket=client_ticket)
            self._tickets[token] = self._confirmed(ticket) if confirm else ticket
            return True

    def check(self, token: str, client_key: str) -> dict[str, str] | None:
        """The answer to a poll; None if the client never had this ticket."""
        with self._lock:
            ticket = self._tickets.get(token)
            if ticket is None or ticket.question.client_key != client_key:
                return None
            if ticket.code and self._stage.grants.is_used(ticket.code):
                return {"client_ticket": ticket.client_ticket, "status": "utilised"}
            if ticket.expires <= self._stage.now():
                return {"client_ticket": ticket.client_ticket, "status": "expired"}
            answer = {"client_ticket": ticket.client_ticket, "status": ticket.status}
            if ticket.status == "confirmed":
                answer["redirect_uri"] = ticket.address
                answer["state"] = ticket.question.state or ""
            if self._stage.knobs.auto:
                self._tickets[token] = self._one_step_on(ticket)
            return answer

    def _living(self, token: str) -> _Ticket | None:
        ticket = self._tickets.get(token)
        return ticket if ticket and ticket.expires > self._stage.now() else None

    def _one_step_on(self, ticket: _Ticket) -> _Ticket:
        if ticket.status == "new":
            return replace(ticket, status="scanned")
        return self._confirmed(ticket) if ticket.status == "scanned" else ticket

    def _confirmed(self, ticket: _Ticket) -> _Ticket:
        question, stage = ticket.question, self._stage
        code = stage.grants.put_code(question, question.scopes, stage.knobs)
        address = granting_address(question, code, question.scopes, stage.log_id())
        return replace(ticket, status="confirmed", code=code, address=address)


def blueprint(stage: Stage, tickets: Tickets) -> Blueprint:
    """Both endpoints over *stage*."""
    api = Blueprint("qrcode", __name__)

    @api.post("/v2/oauth/get_qrcode/")
    def get_qrcode() -> Response:
        return stage.call("get_qrcode", lambda: _drawn(stage, tickets), stage.oauth_error)

    @api.post("/v2/oauth/check_qrcode/")
    def check_qrcode() -> Response:
        return stage.call("check_qrcode", lambda: _polled(stage, tickets), stage.oauth_error)

    for path in ("/v2/oauth/get_qrcode", "/v2/oauth/check_qrcode"):
        api.add_url_rule(path, "no_slash", stage.no_slash, methods=["GET", "POST"])
    return api


def _drawn(stage: Stage, tickets: Tickets) -> Response:
    question = _question(stage)
    if isinstance(question, Refusal):
        return stage.oauth_error(question)
    token = tickets.put(question)
    query = {
        "client_key": question.client_key,
        "scope": ",".join(question.scopes),
        "client_ticket": _UNFILLED,
        "token": token,
    }
    address = f"aweme://authorize?{urlencode(query)}"
    return stage.json_answer({"scan_qrcode_url": address, "token": token})


def _question(stage: Stage) -> Question | Refusal:
    form = request.form
    if (refusal := body_fault(stage)) is not None:
        return refusal
    scopes = tuple(dict.fromkeys(scope for scope in form.get("scope", "").split(",") if scope))
    if form.get("client_key") not in stage.clients:
        return MALFORMED
    if not scopes or any(scope not in SCOPES for scope in scopes):
        return Refusal("invalid_scope", "The scope is invalid.")
    registered = [uri for uri in stage.redirect_uris if ":*" not in uri]
    return Question(
        client_key=form["client_key"],
        redirect_uri=(registered or [_REDIRECT_URI])[0],
        scopes=scopes,
        state=form.get("state"),
        challenge=None,
        platform=Platform.WEB,
        request_id="",
    )


def _polled(stage: Stage, tickets: Tickets) -> Response:
    if (refusal := client_fault(stage)) is not None:
        return stage.oauth_error(refusal)
    answer = tickets.check(request.form.get("token", ""), request.form["client_key"])
    return stage.oauth_error(MALFORMED) if answer is None else stage.json_answer(answer)
