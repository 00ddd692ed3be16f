"""The choice between finished answers, against RFC 9110 sections 8.8.3, 12.5.3 and 13.1.2."""

import gzip
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink.web import prebuilt
from deeplink.web.prebuilt import METHOD_NOT_ALLOWED, build, names, prefers_gzip

BODY = b'[{"relation": ["delegate_permission/common.handle_all_urls"]}]\n' * 20
FILE = build("application/json", BODY)
PLAIN, PACKED = FILE.identity, FILE.gzip
FINISHED = {
    id(answer) for form in (PLAIN, PACKED) for answer in (form.whole, form.head, form.not_modified)
} | {id(METHOD_NOT_ALLOWED)}


def ask(method="GET", **headers):
    return FILE.answer(method, {name.replace("_", "-"): value for name, value in headers.items()})


def header(answer, name):
    values = [value for key, value in answer.headers if key == name]
    assert len(values) <= 1
    return values[0] if values else None


def test_a_plain_get_gets_the_bytes_with_all_that_a_cache_must_know():
    digest = hashlib.sha256(b"application/json\n" + BODY).hexdigest()[:32]
    answer = ask()
    assert (answer.status, answer.body) == (200, BODY)
    assert answer.headers == (
        ("Content-Type", "application/json"),
        ("Content-Length", "1260"),
        ("ETag", f'"{digest}"'),
        ("Cache-Control", "public, max-age=3600"),
        ("Vary", "Accept-Encoding"),
        ("Access-Control-Allow-Origin", "*"),
        ("X-Content-Type-Options", "nosniff"),
    )


def test_s37_nobody_may_keep_a_copy_for_more_than_an_hour():
    assert prebuilt.MAX_AGE <= 3600


def test_a_packed_get_gets_the_same_bytes_packed_under_a_tag_of_its_own():
    answer = ask(accept_encoding="gzip")
    assert answer.status == 200
    assert gzip.decompress(answer.body) == BODY
    assert header(answer, "Content-Encoding") == "gzip"
    assert header(answer, "Content-Length") == str(len(answer.body))
    assert header(answer, "ETag") == PACKED.etag != PLAIN.etag


def test_a_packed_file_holds_no_time():
    """RFC 1952 section 2.3: the four bytes from the fifth on are the time of packing."""
    assert PACKED.whole.body[4:8] == b"\0\0\0\0"
    assert build("application/json", BODY) == FILE


@pytest.mark.parametrize("body", [b"", b"[]", bytes(range(256))])
def test_what_does_not_shrink_is_not_packed(body):
    small = build("application/json", body)
    assert small.gzip is None
    answer = small.answer("GET", {"accept-encoding": "gzip, identity;q=0"})
    assert (answer.body, header(answer, "Content-Encoding")) == (body, None)
    assert header(answer, "Vary") == "Accept-Encoding"


def test_another_type_is_another_tag_because_a_304_cannot_correct_it():
    assert build("text/plain", BODY).identity.etag != PLAIN.etag


@pytest.mark.parametrize("accepted", ["", "gzip"])
def test_head_says_what_get_says_and_has_no_body(accepted):
    get, head = ask(accept_encoding=accepted), ask("HEAD", accept_encoding=accepted)
    assert (head.status, head.headers, head.body) == (200, get.headers, b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_304_carries_the_tag_and_the_rules_for_keeping_it_but_nothing_of_a_body(method):
    answer = ask(method, if_none_match=PLAIN.etag)
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers == (
        ("ETag", PLAIN.etag),
        ("Cache-Control", "public, max-age=3600"),
        ("Vary", "Accept-Encoding"),
        ("X-Content-Type-Options", "nosniff"),
    )


def test_the_tag_of_the_packed_form_belongs_to_the_packed_form_alone():
    assert ask(if_none_match=PACKED.etag).status == 200
    assert ask(if_none_match=PLAIN.etag, accept_encoding="gzip").status == 200
    both = f"{PLAIN.etag}, {PACKED.etag}"
    assert header(ask(if_none_match=both, accept_encoding="gzip"), "ETag") == PACKED.etag


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "Head", ""])
def test_other_methods_get_a_405_that_names_the_two(method):
    answer = ask(method, if_none_match="*")
    assert answer.status == 405
    assert header(answer, "Allow") == "GET, HEAD"
    assert header(answer, "Content-Length") == str(len(answer.body))


TAG = '"5d41402a"'


@pytest.mark.parametrize(
    "condition",
    [
        '"5d41402a"',
        'W/"5d41402a"',
        "*",
        "  *\t",
        '"a", "5d41402a"',
        '"a","b",W/"5d41402a"',
        '"5d41402a", "b"',
        ' \t"5d41402a"\t ',
        '"a"  ,\t "5d41402a"',
        ', ,,"5d41402a",,',
        '"a,b", "5d41402a"',
        '"", "5d41402a"',
        '"*", "5d41402a"',
        '"\xff\x80!#~", "5d41402a"',
        '"it\'s\\", "5d41402a"',
    ],
)
def test_every_form_of_a_condition_that_names_the_tag_is_understood(condition):
    assert names(condition, TAG)


@pytest.mark.parametrize(
    "condition",
    [
        "",
        " ",
        ",",
        '"other"',
        'W/"other"',
        '"*"',
        '"5D41402A"',
        '"5d41402a "',
        '"x5d41402a"',
        # Malformed lists are ignored as a whole, so that the file goes out.
        "5d41402a",
        'w/"5d41402a"',
        'W/ "5d41402a"',
        'W "5d41402a"',
        '"5d41402a',
        '5d41402a"',
        '"5d41402a" "b"',
        '"5d41402a"; "b"',
        '"5d41402a", b',
        '*, "5d41402a"',
        '"5d41402a", *',
        "**",
        '"a b", "5d41402a"',
        "'5d41402a'",
        '"5d41402a"\x00',
        '"a\x7f", "5d41402a"',
        '"5d41402a"\x0b',
    ],
)
def test_a_condition_that_names_another_tag_or_is_malformed_is_no_reason_for_a_304(condition):
    assert not names(condition, TAG)


@pytest.mark.parametrize(
    "accepted",
    [
        "gzip",
        "GZip",
        "x-gzip",
        "gzip, deflate, br",
        "br;q=1.0, gzip;q=0.8, *;q=0.1",
        "*",
        "*;q=0.5",
        "gzip;q=1",
        "gzip;q=1.000",
        "gzip;q=0.001",
        "gzip;Q=0.5",
        "gzip ; q=0.5",
        "gzip\t;\tq=0.5",
        " , gzip ,",
        "identity;q=0.5, gzip;q=0.5",
        "identity;q=0, gzip",
        "identity;q=0, *",
        "*;q=0, gzip",
        "gzip;q=0.2, *;q=0.1",
        "gzip, deflate;q=nonsense",
        "identity;q=0.5, *;q=0.9",
    ],
)
def test_gzip_is_sent_to_who_takes_it(accepted):
    assert prefers_gzip(accepted)


@pytest.mark.parametrize(
    "accepted",
    [
        "",
        " ",
        ",",
        "identity",
        "br",
        "deflate, br",
        "gzip;q=0",
        "gzip;q=0.0",
        "gzip;q=0.",
        "gzip;q=0.000",
        "x-gzip;q=0",
        "gzip;q=0, *",
        "gzip, gzip;q=0",
        "gzip;q=0, x-gzip",
        "*;q=0",
        "gzip;q=0.5, identity",
        "gzip;q=0.5, identity;q=0.501",
        "gzip;q=0.2, *;q=0.9",
        # Nothing acceptable at all: plain bytes are what everybody can read.
        "identity;q=0",
        "identity;q=0, gzip;q=0",
        "identity;q=0, br",
        # Malformed elements count as not said.
        "gzip;q=2",
        "gzip;q=-1",
        "gzip;q=1.1",
        "gzip;q=0.1234",
        "gzip;q=.5",
        "gzip;q=",
        "gzip;q",
        "gzip;",
        "gzip;level=9",
        "gzip;q=0.5;q=1",
        "gzip q=1",
        "gzip deflate",
        '"gzip"',
        "gzipped",
        "not-gzip",
        "gzip\x0b",
        "gzip;q=\u0661",
    ],
)
def test_gzip_is_not_sent_to_who_does_not(accepted):
    assert not prefers_gzip(accepted)


def test_a_request_without_any_header_gets_plain_bytes():
    assert FILE.answer("GET", {}) is PLAIN.whole


FIELDS = st.text(st.characters(max_codepoint=255), max_size=60) | st.lists(
    st.sampled_from(
        ["gzip", "identity", "*", "x-gzip", ";q=0", ";q=0.5", ",", " ", "W/", '"', PLAIN.etag]
    )
).map("".join)


@settings(deadline=None)
@given(method=st.sampled_from(["GET", "HEAD", "POST"]), accepted=FIELDS, condition=FIELDS)
def test_whatever_is_asked_the_answer_is_one_of_the_finished(method, accepted, condition):
    answer = ask(method, accept_encoding=accepted, if_none_match=condition)
    assert id(answer) in FINISHED
    assert (answer is METHOD_NOT_ALLOWED) == (method == "POST")


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.text("!#abc,*'", max_size=4)), min_size=1, max_size=5))
def test_a_well_formed_list_names_exactly_its_members(members):
    condition = ", ".join(f'{"W/" * weak}"{tag}"' for weak, tag in members)
    assert all(names(condition, f'"{tag}"') for _, tag in members)
    assert not names(condition, '"d"')


@pytest.mark.parametrize("piece", [" ", ",", '"', '"a"', "W/", '"a",', "\t ,", "gzip;q=0 ", ";"])
def test_a_long_header_of_anything_is_answered(piece):
    """Twice what gunicorn lets through; a parser that went back and forth would not come back."""
    condition = piece * 16384
    assert id(ask(accept_encoding=condition, if_none_match=condition)) in FINISHED


def test_an_answer_cannot_be_changed():
    with pytest.raises(AttributeError):
        ask().status = 500
    with pytest.raises(AttributeError):
        FILE.identity = None
