"""
One test for each attack on the standard face that we know of, named by it.

Each begins with a login that works, changes one thing, and expects a refusal. The classes are
those of RFC 9700 section 4 and of what happened to other mediators.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from dataclasses import replace
from urllib.parse import quote, urlencode, urlsplit

import pytest

from deeplink.errors import RequestRefused, StoreUnavailable
from deeplink.oauth.facade import DeadEnd, Forward, Start
from deeplink.oauth.providers import GOOGLE
from deeplink.oauth.transactions import LONGEST, Grant, Seals
from deeplink.secret import Secret
from tests.oauth.face import (
    CHALLENGE,
    ISSUER,
    KEYS,
    LINK,
    LOOPBACK,
    OTHER_KEYS,
    SCHEME,
    VERIFIER,
    WEB,
    Stage,
    answer_of,
    query_of,
    question,
    state_of,
)

OTHER_VERIFIER = "SECRET-of-somebody-else-0123456789-0123456789"


def refused(step):
    """The OAuth error with which *step* is refused."""
    with pytest.raises(RequestRefused) as caught:
        step()
    return caught.value.error


def outcome(stage, state, start, face=None):
    """What ``return`` makes of *state*, in the browser of *start*."""
    query = urlencode({"code": "SECRET-code*1", "state": state})
    return (face or stage.face).finish(query, {start.id: [start.cookie.reveal()]})


# Sealed values.


def test_a_code_replayed_is_refused_without_a_call():
    stage = Stage()
    code = stage.code()
    stage.redeem(code)
    assert refused(lambda: stage.redeem(code)) == "invalid_grant"
    assert len(stage.provider.calls) == 1


def test_a_code_replayed_at_the_same_moment_makes_one_call():
    stage = Stage()
    code = stage.code()
    barrier = threading.Barrier(8)
    results = []

    def redeem():
        barrier.wait(10)
        try:
            results.append(stage.redeem(code)["access_token"])
        except RequestRefused as error:
            results.append(error.error)

    threads = [threading.Thread(target=redeem) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(results) == ["act.SECRET-1"] + ["invalid_grant"] * 7
    assert len(stage.provider.calls) == 1


def test_a_provider_code_replayed_through_another_login_makes_no_second_call():
    stage = Stage()
    first, second = stage.code(), stage.code()
    assert first != second
    stage.redeem(first)
    assert refused(lambda: stage.redeem(second)) == "invalid_grant"
    assert len(stage.provider.calls) == 1


def test_a_login_replayed_with_another_provider_code_makes_no_second_call():
    stage = Stage()
    start = stage.begin()
    first = answer_of(stage.come_back(start))["code"]
    second = answer_of(stage.come_back(start, code="SECRET-code*2"))["code"]
    stage.redeem(first)
    assert refused(lambda: stage.redeem(second)) == "invalid_grant"


def test_a_code_cut_or_changed_anywhere_is_refused():
    stage = Stage()
    code = stage.code()
    damaged = [code[:end] for end in range(len(code))]
    for place, letter in enumerate(code):
        other = "A" if letter != "A" else "B"
        damaged.append(f"{code[:place]}{other}{code[place + 1 :]}")
    damaged += [
        f"{code}A",
        f"{code}=",
        f"{code}\n",
        f" {code}",
        code.upper(),
        code.partition(".")[2],
    ]
    assert {refused(lambda text=text: stage.redeem(text or " ")) for text in damaged} == {
        "invalid_grant"
    }
    assert stage.provider.calls == []
    assert stage.redeem(code)


def test_a_state_cut_or_changed_anywhere_leads_nowhere():
    stage = Stage()
    start = stage.begin()
    state = state_of(start)
    damaged = [state[:end] for end in range(1, len(state))]
    for place, letter in enumerate(state):
        other = "A" if letter != "A" else "B"
        damaged.append(f"{state[:place]}{other}{state[place + 1 :]}")
    assert {outcome(stage, text, start) for text in damaged} == {DeadEnd.LOST}
    assert isinstance(outcome(stage, state, start), Forward)


def test_a_sealed_value_has_one_spelling():
    """Else one code could be spent once in each of its spellings."""
    stage = Stage()
    code = stage.code()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = [code[:-1] + letter for letter in letters if letter != code[-1]]
    assert {refused(lambda text=text: stage.redeem(text)) for text in others} == {"invalid_grant"}


def test_a_code_swapped_between_clients_is_refused():
    stage = Stage()
    code = stage.code("web")
    assert refused(lambda: stage.redeem(code, "desk")) == "invalid_grant"
    renamed = f"desk.{code.partition('.')[2]}"
    assert refused(lambda: stage.redeem(renamed, "desk")) == "invalid_grant"
    assert stage.provider.calls == []


def test_a_sealed_value_under_another_clients_name_does_not_open():
    """Also with the check made anew, which needs no key."""
    stage = Stage()
    code = stage.code("web")
    assert refused(lambda: stage.redeem(rechecked(code, "desk"), "desk")) == "invalid_grant"
    start = stage.begin("web")
    assert outcome(stage, rechecked(state_of(start), "desk"), start) is DeadEnd.LOST


def rechecked(text, client):
    """*text* as its thief would hand it in: under another client's name, with the right check."""
    encoded = text.partition(".")[2]
    sealed = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))[4:]
    check = hashlib.sha256(client.encode() + b"." + sealed).digest()[:4]
    return f"{client}.{base64.urlsafe_b64encode(check + sealed).rstrip(b'=').decode()}"


def test_a_sealed_value_swapped_between_providers_does_not_open():
    clients = {
        key: row for key, row in Stage().settings["clients"].items() if "tiktok" in row.providers
    }
    both = {key: replace(row, providers=("tiktok", "other")) for key, row in clients.items()}
    stage = Stage(clients=both)
    other = stage.also(key="other")
    start = stage.begin()
    assert outcome(stage, state_of(start), start, face=other) is DeadEnd.LOST
    code = answer_of(stage.come_back(start))["code"]
    assert refused(lambda: stage.redeem(code, face=other)) == "invalid_grant"


def test_a_seal_tells_providers_apart_whatever_their_issuer():
    grant = Grant("t", "web", WEB, True, CHALLENGE, Secret("SECRET-code*1"), 1_800_000_000)
    one, other = (
        Seals(KEYS, issuer=ISSUER, provider=name, random=bytes) for name in ("tiktok", "other")
    )
    text = one.seal_grant(grant)
    assert one.open_grant(text, "web", grant.issued).redirect_uri == WEB
    assert refused(lambda: other.open_grant(text, "web", grant.issued)) == "invalid_grant"


def test_a_sealed_value_swapped_between_issuers_does_not_open():
    stage = Stage()
    other = stage.also(origin="https://login.example.net")
    start = stage.begin()
    assert outcome(stage, state_of(start), start, face=other) is DeadEnd.LOST
    code = answer_of(stage.come_back(start))["code"]
    assert refused(lambda: stage.redeem(code, face=other)) == "invalid_grant"


def test_a_sealed_value_swapped_between_purposes_does_not_open():
    """A state can be read in every log on the way to the provider."""
    stage = Stage()
    start = stage.begin()
    assert refused(lambda: stage.redeem(state_of(start))) == "invalid_grant"
    code = answer_of(stage.come_back(start))["code"]
    assert outcome(stage, code, start) is DeadEnd.LOST


@pytest.mark.parametrize(
    ("seconds", "is_fine"), [(299, True), (300, False), (-30, True), (-31, False)]
)
def test_a_code_expired_or_from_the_future_is_refused(seconds, is_fine):
    stage = Stage()
    code = stage.code()
    stage.now += seconds
    if is_fine:
        assert stage.redeem(code)
    else:
        assert refused(lambda: stage.redeem(code)) == "invalid_grant"
        assert stage.provider.calls == []


@pytest.mark.parametrize(
    ("seconds", "is_fine"), [(599, True), (600, False), (-30, True), (-31, False)]
)
def test_a_state_expired_or_from_the_future_leads_nowhere(seconds, is_fine):
    stage = Stage()
    start = stage.begin()
    stage.now += seconds
    assert isinstance(stage.come_back(start), Forward) is is_fine


def test_a_mark_of_use_outlives_everything_that_could_be_presented_again():
    stage = Stage()
    start = stage.begin()
    code = answer_of(stage.come_back(start))["code"]
    stage.redeem(code)
    stage.now += 599
    late = answer_of(stage.come_back(start))["code"]
    stage.now += 299
    assert refused(lambda: stage.redeem(late)) == "invalid_grant"


def test_a_sealed_value_too_long_is_refused_unread():
    """Of a readable length it would be told that its key is not known here: 503."""
    stage = Stage()
    start = stage.begin()
    unknown = [rechecked("web." + "A" * length, "web") for length in (400, 4000)]
    with pytest.raises(StoreUnavailable):
        outcome(stage, unknown[0], start)
    assert outcome(stage, unknown[1], start) is DeadEnd.LOST
    with pytest.raises(StoreUnavailable):
        stage.redeem(unknown[0])
    assert refused(lambda: stage.redeem(unknown[1])) == "invalid_grant"


def test_the_longest_login_fits_into_its_values():
    stage = Stage()
    forward = stage.come_back(stage.begin(state="x" * 1024), code="c" * 1536)
    assert len(answer_of(forward)["code"]) <= LONGEST["code"]
    assert stage.come_back(stage.begin(), code="c" * 1537) is DeadEnd.MALFORMED


def test_a_value_of_a_server_with_other_keys_is_that_servers_fault():
    """503 and not invalid_grant: the app tries again, and another server may know the key."""
    stage = Stage()
    other = stage.also(keys=OTHER_KEYS)
    start = stage.begin()
    with pytest.raises(StoreUnavailable):
        outcome(stage, state_of(start), start, face=other)
    with pytest.raises(StoreUnavailable):
        stage.redeem(answer_of(stage.come_back(start))["code"], face=other)


# Browsers.


def test_consent_in_one_browser_and_return_in_another_is_refused():
    stage = Stage()
    start = stage.begin()
    assert stage.come_back(start, cookies={}) is DeadEnd.NO_COOKIE
    assert stage.come_back(start, cookies={start.id: ["0" * 32]}) is DeadEnd.OTHER_BROWSER


@pytest.mark.parametrize(
    ("client", "uri"),
    [("web", WEB), ("desk", "http://127.0.0.1:5000/callback"), ("shop", SCHEME)],
)
def test_without_a_cookie_nothing_goes_where_anybody_could_take_it(client, uri):
    stage = Stage()
    assert stage.come_back(stage.begin(client, uri), cookies={}) is DeadEnd.NO_COOKIE


def test_without_a_cookie_an_answer_goes_to_the_app_that_claims_the_link():
    """The phone came back in another browser; whoever asked has the verifier."""
    stage = Stage()
    start = stage.begin("shop", LINK)
    assert stage.come_back(start, cookies={}).redirect_uri == LINK
    assert stage.come_back(start, cookies={start.id: ["0" * 32]}) is DeadEnd.OTHER_BROWSER


def test_login_csrf_the_attackers_answer_in_the_victims_browser_is_refused():
    """He consents with his own account and sends his link; the victim would sign in as him."""
    stage = Stage()
    attackers, victims = stage.begin(), stage.begin()
    cookies = {victims.id: [victims.cookie.reveal()]}
    assert stage.come_back(attackers, cookies=cookies) is DeadEnd.NO_COOKIE
    forged = {attackers.id: [victims.cookie.reveal()]}
    assert stage.come_back(attackers, cookies=forged) is DeadEnd.OTHER_BROWSER


def test_two_tabs_at_once_both_end():
    stage = Stage()
    first, second = stage.begin(state="one"), stage.begin(state="two")
    jar = {start.id: [start.cookie.reveal()] for start in (first, second)}
    later = answer_of(stage.come_back(second, cookies=jar, code="SECRET-code*2"))
    earlier = answer_of(stage.come_back(first, cookies=jar))
    assert (earlier["state"], later["state"]) == ("one", "two")
    assert stage.redeem(later["code"])
    assert stage.redeem(earlier["code"])


def test_a_cookie_from_a_sibling_host_beside_the_right_one_is_refused():
    """A sibling can set a cookie for the parent domain; which of two comes first is his choice."""
    stage = Stage()
    start = stage.begin()
    right = start.cookie.reveal()
    for values in ([right, "f" * 32], ["f" * 32, right]):
        assert stage.come_back(start, cookies={start.id: values}) is DeadEnd.OTHER_BROWSER


# Mix-ups and injections.


@pytest.mark.parametrize("iss", ["https://attacker.example", "https://www.tiktok.com", ISSUER])
def test_an_answer_with_a_mixed_up_iss_is_refused(iss):
    """TikTok calls itself nothing (RFC 9207); an answer that does is another server's."""
    stage = Stage()
    assert stage.come_back(stage.begin(), iss=iss) is DeadEnd.MIXED_UP


def test_a_provider_that_names_itself_in_its_answers_is_believed_and_no_other():
    """Google does (RFC 9207); the same name in the answer of another is another server's."""
    stage = Stage(preset=GOOGLE)
    ours, apples = "https://accounts.google.com", "https://appleid.apple.com"
    assert isinstance(stage.come_back(stage.begin(), iss=ours), Forward)
    assert stage.come_back(stage.begin(), iss=apples) is DeadEnd.MIXED_UP


def test_every_answer_of_ours_says_whose_it_is():
    stage = Stage()
    answers = [
        stage.come_back(stage.begin()),
        stage.come_back(stage.begin(), code="", error="access_denied"),
        stage.begin(scope="unknown"),
    ]
    assert [answer_of(answer)["iss"] for answer in answers] == [ISSUER] * 3


def test_code_injection_the_victims_code_in_the_attackers_session_is_refused():
    stage = Stage()
    code = stage.code()
    assert refused(lambda: stage.redeem(code, code_verifier=OTHER_VERIFIER)) == "invalid_grant"
    assert stage.provider.calls == []


def test_a_strangers_verifier_does_not_use_up_the_owners_code():
    stage = Stage()
    code = stage.code()
    for junk in (OTHER_VERIFIER, "w" * 43, "short", None):
        refused(lambda junk=junk: stage.redeem(code, code_verifier=junk))
    refused(lambda: stage.redeem(code, redirect_uri="https://attacker.example/"))
    assert stage.redeem(code)["access_token"] == "act.SECRET-1"


def test_the_providers_own_code_is_worth_nothing_here():
    stage = Stage()
    assert refused(lambda: stage.redeem("SECRET-code*1")) == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
        {"code_challenge": ""},
        {"code_challenge": "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3"},
        {"code_challenge": CHALLENGE[:-1]},
        {"code_challenge": f"{CHALLENGE}="},
        # Another spelling of the same digest: bits that no octet has.
        {"code_challenge": f"{CHALLENGE[:-1]}N"},
    ],
)
def test_a_pkce_downgrade_at_the_start_is_refused(changes):
    answer = answer_of(Stage().begin(**changes))
    assert answer["error"] == "invalid_request"
    assert "code_challenge" in answer["error_description"]


@pytest.mark.parametrize("verifier", [None, "", CHALLENGE, "short", "v" * 42, "v" * 129])
def test_a_pkce_downgrade_at_the_end_is_refused(verifier):
    stage = Stage()
    code = stage.code()
    assert refused(lambda: stage.redeem(code, code_verifier=verifier or None)) in (
        "invalid_request",
        "invalid_grant",
    )
    assert stage.provider.calls == []


@pytest.mark.parametrize("verifier", ["v" * 42, "v" * 129, "v" * 42 + "+"])
def test_a_verifier_that_could_be_guessed_is_refused_though_it_fits(verifier):
    """RFC 7636 section 4.1 wants 43 characters for 256 bits of chance."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    stage = Stage()
    code = stage.code(code_challenge=digest.rstrip(b"=").decode())
    assert refused(lambda: stage.redeem(code, code_verifier=verifier)) == "invalid_request"


# Open redirects.

STRANGE = [
    "https://attacker.example/",
    "https://www.example.com.attacker.example/callback",
    "https://www.example.com@attacker.example/callback",
    "https://www.example.com/callback/",
    "https://www.example.com/callback?a=b",
    "https://www.example.com/callback#a",
    "https://www.example.com/callback/../other",
    "https://www.example.com:443/callback",
    "https://www.example.com/Callback",
    "https://WWW.example.com/callback",
    "http://www.example.com/callback",
    "HTTPS://www.example.com/callback",
    "//www.example.com/callback",
    "javascript:alert(1)//https://www.example.com/callback",
    "\thttps://www.example.com/callback",
    "https://www.example.com/callback\r\nSet-Cookie: a=b",
    "https://www.example.com/callback%0d%0a",
]


@pytest.mark.parametrize("uri", STRANGE)
def test_an_open_redirect_by_redirect_uri_is_a_page(uri):
    assert Stage().begin("web", uri) is DeadEnd.REDIRECT


LOOPBACKS = [
    "http://127.0.0.1:80@attacker.example/callback",
    "http://127.0.0.1:x@attacker.example/callback",
    "http://127.0.0.1.attacker.example/callback",
    "http://127.0.0.1:1234attacker.example/callback",
    "http://127.0.0.1:123456/callback",
    "http://127.0.0.1:-1/callback",
    "http://127.0.0.1:/callback",
    "http://127.0.0.2/callback",
    "http://localhost/callback",
    "https://127.0.0.1:1234/callback",
    "http://127.0.0.1:1234/callback/",
    "http://127.0.0.1:1234/other",
    "http://127.0.0.1:1234/callback?a=b",
    "http://127.0.0.1:1234\\@attacker.example/callback",
    "http://127.0.0.1:1234/callback\n",
]


@pytest.mark.parametrize("uri", LOOPBACKS)
def test_the_free_port_of_a_loopback_address_frees_nothing_else(uri):
    assert Stage().begin("desk", uri) is DeadEnd.REDIRECT


@pytest.mark.parametrize(
    "parameter",
    [
        "redirect_url", "redirect", "return_to", "next", "url", "iss", "issuer", "state", "scope",
        "response_mode", "code_challenge", "request_uri", "authorize_url", "app", "host",
    ],
)  # fmt: skip
def test_an_open_redirect_by_any_other_parameter_leads_where_the_config_says(parameter):
    """The state travels, sealed, and comes back only to the client's own address."""
    stage = Stage()
    started = stage.begin(**{parameter: "https://attacker.example/"})
    hosts = {urlsplit(started.address).netloc}
    if isinstance(started, Start):
        hosts.add(urlsplit(stage.come_back(started).address).netloc)
        hosts.add(urlsplit(query_of(started.address)["redirect_uri"]).netloc)
    assert hosts <= {"www.tiktok.com", "www.example.com", "login.example.com"}


@pytest.mark.parametrize("parameter", ["redirect_uri", "client_id", "iss", "next", "error_uri"])
def test_an_open_redirect_on_the_way_back_leads_where_the_login_began(parameter):
    stage = Stage()
    forward = stage.come_back(
        stage.begin(), **({parameter: "https://attacker.example/"} if parameter != "iss" else {})
    )
    assert forward.redirect_uri == WEB


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_doubled_client_or_redirect_uri_is_a_page(name):
    for value in ("desk", WEB, LOOPBACK):
        query = f"{question()}&{name}={quote(value, safe='')}"
        assert Stage().face.begin(query) in (DeadEnd.CLIENT, DeadEnd.REDIRECT)


@pytest.mark.parametrize(
    "name", ["response_type", "scope", "state", "code_challenge", "code_challenge_method"]
)
def test_a_doubled_parameter_is_refused(name):
    answer = answer_of(Stage().face.begin(f"{question()}&{name}=plain"))
    assert answer["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["code", "state", "error", "iss"])
def test_a_doubled_parameter_on_the_way_back_leads_nowhere(name):
    stage = Stage()
    start = stage.begin()
    query = urlencode({"code": "SECRET-code*1", "state": state_of(start)})
    doubled = f"{query}&{name}=x&{name}=y"
    assert stage.face.finish(doubled, {start.id: [start.cookie.reveal()]}) is DeadEnd.MALFORMED


@pytest.mark.parametrize("name", ["code", "code_verifier", "redirect_uri", "grant_type"])
def test_a_doubled_field_at_the_token_endpoint_is_refused(name):
    stage = Stage()
    form = {
        "grant_type": ["authorization_code"],
        "client_id": ["web"],
        "code": [stage.code()],
        "redirect_uri": [WEB],
        "code_verifier": [VERIFIER],
    }
    form[name] = form[name] * 2
    with pytest.raises(RequestRefused) as caught:
        stage.face.answer(stage.face.identify(form, None), form)
    assert caught.value.error == "invalid_request"


def test_a_code_and_an_error_at_once_lead_nowhere():
    stage = Stage()
    assert stage.come_back(stage.begin(), error="access_denied") is DeadEnd.MALFORMED


@pytest.mark.parametrize("client", ["", "nobody", "elsewhere", "Web", "web "])
def test_an_unknown_client_is_a_page_whatever_it_asks(client):
    assert Stage().begin(client, "https://attacker.example/") is DeadEnd.CLIENT
