"""Apple's document: what we publish, and how we read what others wrote."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from deeplink.association import apple
from deeplink.association.verdict import RESERVED_PATHS, AndroidApp, App, IosApp, Link

DOCUMENT = b'{"applinks": {"details": []}}'


def app(key="demo", ids=("ABCDE12345.com.example.app",), *, legacy=False, shares=False):
    ios = IosApp(tuple(ids), None, None, legacy) if ids else None
    android = AndroidApp("com.example.app", ())
    return App(key, key.title(), android, ios, shares)


def link(path, of=None, **conditions):
    return Link(of or app(), ("example.com",), path, **conditions)


def components(*links):
    (entry,) = apple.build(links, [])["applinks"]["details"]
    return entry["components"]


def test_two_apps_without_links_make_the_valid_empty_document():
    assert apple.build([], [app("one"), app("two")]) == {"applinks": {"details": []}}


def test_rows_become_components_in_their_order():
    shop = link("/shop/*", query=(("id", "4?"),), fragment="top")
    assert components(link("/shop/admin", exclude=True), shop) == [
        {"/": "/shop/admin", "exclude": True},
        {"/": "/shop/*", "?": {"id": "4?"}, "#": "top"},
    ]


def test_interleaved_rows_are_gathered_by_app_in_order_of_first_appearance():
    one, two = app("one", ["AAAAA11111.one"]), app("two", ["BBBBB22222.two", "BBBBB22222.three"])
    rows = [link("/a", two), link("/b", one), link("/c", two)]
    assert apple.build(rows, [one, two])["applinks"]["details"] == [
        {
            "appIDs": ["BBBBB22222.two", "BBBBB22222.three"],
            "components": [{"/": "/a"}, {"/": "/c"}],
        },
        {"appIDs": ["AAAAA11111.one"], "components": [{"/": "/b"}]},
    ]


def test_an_app_without_ios_is_left_out():
    assert apple.build([link("/a", app(ids=()))], []) == {"applinks": {"details": []}}


def test_credentials_are_shared_by_the_apps_that_say_so():
    apps = [app("one", ["AAAAA11111.one"], shares=True), app("two", ["BBBBB22222.two"])]
    assert apple.build([], apps)["webcredentials"] == {"apps": ["AAAAA11111.one"]}


@pytest.mark.parametrize("pattern", ["*", "**"])
def test_a_parameter_that_may_be_anything_must_be_there_all_the_same(pattern):
    """Android requires it; Apple's own * matches an absent parameter (WWDC19, session 717)."""
    row = link("/a", query=(("token", pattern),), fragment=pattern)
    assert components(row) == [{"/": "/a", "?": {"token": "?*"}, "#": "?*"}]


def test_a_row_that_wants_an_empty_parameter_is_not_claimed():
    assert apple.build([link("/a", query=(("k", ""),))], [])["applinks"]["details"] == []


def test_text_that_no_url_holds_unescaped_is_compared_decoded():
    assert components(link("/café/*")) == [{"/": "/café/*", "percentEncoded": False}]


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/*", list(RESERVED_PATHS)),
        ("/a*", ["/apple-app-site-association", "/api/*"]),
        ("/*/callback", ["/.well-known/*", "/api/*", "/oauth/*"]),
        ("/metrics/*", ["/metrics"]),
        ("/x????", []),
        ("/???dyz", ["/readyz"]),
        ("/invite/*", []),
        ("/apis/*", []),
    ],
)
def test_exactly_the_servers_own_paths_that_a_row_covers_are_kept(path, kept):
    excluded = [row["/"] for row in components(link(path))[:-1]]
    assert excluded == kept


def test_reserved_paths_come_before_every_row():
    assert components(link("/a"), link("/api*"))[0] == {"/": "/api/*", "exclude": True}


def test_a_reserved_path_that_the_admin_excludes_first_is_not_excluded_twice():
    rows = [link("/api/*", exclude=True), link("/a*/x")]
    assert components(*rows) == [{"/": "/api/*", "exclude": True}, {"/": "/a*/x"}]


def test_the_legacy_form_stands_beside_the_new_one_for_each_app_id():
    old = app(ids=["AAAAA11111.one", "AAAAA11111.two"], legacy=True)
    document = apple.build([link("/a/*", old), link("/b", old, exclude=True)], [old])
    rows = [{"/": "/a/*"}, {"/": "/b", "exclude": True}]
    assert document["applinks"] == {
        "apps": [],
        "details": [
            {"appID": i, "paths": ["/a/*", "NOT /b"], "appIDs": [i], "components": rows}
            for i in ("AAAAA11111.one", "AAAAA11111.two")
        ],
    }


def test_old_systems_open_less_where_paths_cannot_say_a_condition():
    old = app(legacy=True)
    rows = [
        link("/a", old, query=(("k", "1"),)),
        link("/shop/*", old, fragment="web", exclude=True),
        link("/shop/*", old),
    ]
    (entry,) = apple.build(rows, [])["applinks"]["details"]
    assert entry["paths"] == ["NOT /shop/*", "/shop/*"]


def test_the_rendered_document_is_indented_ascii_with_a_final_newline():
    rendered = apple.render(apple.build([link("/café")], []))
    assert rendered.startswith(b'{\n  "applinks": {\n    "details": [\n')
    assert b'"/": "/caf\\u00e9"' in rendered
    assert rendered.endswith(b"}\n")


def test_what_is_built_and_parsed_is_written_again_as_it_was():
    rows = [link("/*", query=(("a", "*"),)), link("/é", fragment="x", exclude=True)]
    document = apple.build(rows, [app(shares=True)])
    assert apple.write(apple.parse(document)) == document


# --- reading ---


def test_plain_json_is_read():
    reading = apple.read(DOCUMENT)
    assert (reading.value, reading.signed, reading.fault) == (
        {"applinks": {"details": []}},
        False,
        None,
    )


@pytest.mark.parametrize("options", [[], [pkcs7.PKCS7Options.Binary]])
def test_a_signed_file_is_unwrapped(options):
    assert apple.read(signed(DOCUMENT, options)).text.strip() == DOCUMENT
    assert apple.read(signed(DOCUMENT, options)).signed


def test_a_signed_file_in_pieces_of_indefinite_length_is_unwrapped():
    """As ``openssl cms -sign -nodetach -stream`` writes it (X.690, sections 8.1.3.6 and 8.7.3)."""
    pieces = b"\x24\x80" + b"".join(
        bytes([4, len(part)]) + part for part in (DOCUMENT[:10], DOCUMENT[10:])
    )
    inner = b"\x30\x80\x06\x09" + bytes.fromhex("2a864886f70d010701") + b"\xa0\x80" + pieces
    inner += b"\0\0" * 3
    signed_data = b"\x30\x80\x02\x01\x01\x31\x00" + inner + b"\0\0"
    outer = b"\x30\x80\x06\x09" + bytes.fromhex("2a864886f70d010702") + b"\xa0\x80" + signed_data
    assert apple.read(outer + b"\0\0\0\0").value == {"applinks": {"details": []}}


def test_a_signed_file_cut_anywhere_is_refused_and_never_crashes():
    whole = signed(DOCUMENT, [])
    for end in range(1, len(whole), 7):
        reading = apple.read(whole[:end])
        assert reading.fault or reading.value == {"applinks": {"details": []}}


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"", "AASA001", 1),
        # Python 3.13 points at a trailing comma, older ones behind it: take what all see alike.
        (b'{\n "applinks": {}\n "b": 1}', "AASA001", 3),
        (b"{\n\xff}", "AASA001", 2),
        (b'{"a": NaN}', "AASA001", 0),
        (b"[" * 100_000, "AASA001", 0),
        (b"[]", "AASA003", 1),
        (b" " * 131_073, "AASA002", 0),
    ],
)
def test_an_unreadable_file_says_why_and_where(data, code, line):
    fault = apple.read(data).fault
    assert (fault.code, fault.line) == (code, line)


def test_a_number_of_any_length_is_read():
    assert apple.read(b'{"x": ' + b"9" * 5000 + b"}").fault is None


def test_a_byte_order_mark_is_noted_and_read_over():
    reading = apple.read(b"\xef\xbb\xbf" + DOCUMENT)
    assert (reading.has_bom, reading.value) == (True, {"applinks": {"details": []}})


# --- parsing ---


def rules_of(entry, **applinks):
    document = {"applinks": {"details": [entry], **applinks}}
    return apple.parse(document).entries[0].rules


def test_a_rule_keeps_its_place_and_what_it_inherits_from_where():
    (rule,) = rules_of(
        {"appIDs": ["A"], "components": [{"#": "x"}], "defaults": {"/": "/a"}},
        defaults={"/": "/b", "caseSensitive": False, "comment": "no rule inherits this"},
    )
    assert rule.at == ("applinks", "details", 0, "components", 0)
    assert (rule.path, rule.fragment, rule.case_sensitive) == ("/a", "x", False)
    assert dict(rule.inherited) == {
        "/": ("applinks", "details", 0, "defaults", "/"),
        "caseSensitive": ("applinks", "defaults", "caseSensitive"),
    }


def test_elements_that_are_ignored_do_not_shift_the_places_of_others():
    (rule,) = rules_of({"appIDs": ["A"], "components": [5, {"/": "/a"}]})
    assert rule.at[-1] == 1


def test_details_as_an_object_are_one_entry_for_each_app():
    entries = apple.parse({"applinks": {"details": {"A": {"paths": ["NOT /x", "*"]}}}}).entries
    assert entries[0].app_ids == ("A",)
    assert [(rule.path, rule.exclude) for rule in entries[0].rules] == [("/x", True), ("*", False)]


def test_every_service_that_is_there_has_its_apps():
    document = {"webcredentials": {"apps": ["A", 5]}, "appclips": {}}
    assert apple.parse(document).services == (("webcredentials", ("A",)), ("appclips", ()))


@pytest.mark.parametrize("value", [None, 5, [], {}, {"applinks": []}, {"applinks": {"details": 5}}])
def test_what_is_no_document_has_no_entries(value):
    assert apple.parse(value).entries == ()


def signed(text, options):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.com")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    builder = pkcs7.PKCS7SignatureBuilder().set_data(text)
    builder = builder.add_signer(certificate, key, hashes.SHA256())
    return builder.sign(Encoding.DER, options)


def test_a_built_document_is_json_that_reads_back():
    document = apple.build([link("/a")], [app(shares=True)])
    assert json.loads(apple.render(document)) == document
