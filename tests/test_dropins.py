"""Which files of ``well_known/`` are served, where, as what – and what is said about the rest."""

import datetime
import os
import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7

from deeplink import dropins
from deeplink.association.verdict import AndroidApp, App, IosApp, Link
from deeplink.dropins import DropIn, load_drop_ins
from deeplink.findings import Severity

ROOT = Path(__file__).parents[1]
HOSTS = ("app.example.com", "www.example.com")
TOKEN = "Ab3" * 10 + "zZ"
EXAMPLE_APP = App(
    key="demo",
    name="Demo",
    android=AndroidApp("com.example.app", (":".join(["4F", "5E"] * 16),)),
    ios=IosApp(("ABCDE12345.com.example.app",), None, None, legacy_paths=False),
    share_credentials=False,
)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "well_known"
    folder.mkdir()
    return folder


def put(folder, name, content=b"x"):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def load(folder, hosts=HOSTS, callback_paths=("/login-callback/",)):
    return load_drop_ins(folder, hosts, callback_paths)


def lines(findings):
    return [str(finding) for finding in findings]


def test_a_file_is_served_by_all_hosts_and_one_in_a_hosts_folder_by_that_host(folder):
    put(folder, "security.txt", b"Contact: mailto:a@example.com\r\n")
    put(folder, "www.example.com/webauthn", b"{}")
    drop_ins, findings = load(folder)
    assert findings == []
    assert drop_ins == (
        DropIn(
            source="well_known/security.txt",
            host=None,
            paths=("/.well-known/security.txt",),
            content_type="text/plain; charset=utf-8",
            body=b"Contact: mailto:a@example.com\r\n",
        ),
        DropIn(
            source="well_known/www.example.com/webauthn",
            host="www.example.com",
            paths=("/.well-known/webauthn",),
            content_type="application/json",
            body=b"{}",
        ),
    )


def test_bytes_are_kept_whatever_they_are(folder):
    put(folder, "odd.json", b"\xef\xbb\xbf\r\n\x00\xff")
    assert load(folder)[0][0].body == b"\xef\xbb\xbf\r\n\x00\xff"


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("microsoft-identity-association.json", "application/json"),
        ("applinking.json", "application/json"),
        ("anything.JSON", "application/json"),
        ("webauthn", "application/json"),
        ("passkey-endpoints", "application/json"),
        ("windows-app-web-link", "application/json"),
        ("web-app-origin-association", "application/json"),
        ("security.txt", "text/plain; charset=utf-8"),
        ("apple-developer-domain-association.txt", "text/plain; charset=utf-8"),
        ("apple-developer-merchantid-domain-association", "text/plain; charset=utf-8"),
        ("atproto-did", "text/plain; charset=utf-8"),
        ("unheard-of", "application/octet-stream"),
        ("key.pem", "application/octet-stream"),
    ],
)
def test_the_type_comes_from_a_table_then_from_the_suffix(folder, name, content_type):
    put(folder, name)
    assert load(folder)[0][0].content_type == content_type


def test_a_file_of_unknown_type_is_served_and_that_is_said(folder):
    put(folder, "unheard-of")
    drop_ins, findings = load(folder)
    assert len(drop_ins) == 1
    assert lines(findings) == [
        "well_known/unheard-of: info DRP011: is of a type that this program does not know; it is "
        "served as application/octet-stream; if that is not right, give it the suffix .json or .txt"
    ]


def test_dot_files_and_the_readme_are_passed_over_in_silence(folder):
    for name in (".gitkeep", ".DS_Store", "README.md", "www.example.com/README.md"):
        put(folder, name)
    put(folder, "www.example.com/.hidden")
    put(folder, ".git/config")
    assert load(folder) == ((), [])


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert load(tmp_path / "absent") == ((), [])


def test_a_folder_of_no_configured_host_is_named_with_the_nearest_host(folder):
    put(folder, "ap.example.com/security.txt")
    drop_ins, findings = load(folder)
    assert drop_ins == ()
    assert lines(findings) == [
        "well_known/ap.example.com: warning DRP002: is not a configured host; its files are served "
        'by no host; did you mean "app.example.com"?'
    ]


def test_a_host_folder_in_capitals_is_not_taken_for_the_host(folder):
    """Beside the same folder in small letters it would be a second, silent voice."""
    put(folder, "WWW.example.com/security.txt")
    assert 'did you mean "www.example.com"?' in lines(load(folder)[1])[0]


def test_a_folder_in_a_hosts_folder_is_said_not_to_be_served(folder):
    (folder / "app.example.com" / "acme-challenge").mkdir(parents=True)
    drop_ins, findings = load(folder)
    assert drop_ins == ()
    assert lines(findings) == [
        "well_known/app.example.com/acme-challenge: warning DRP003: is a folder in a host's "
        "folder, and is not served; put its files into well_known/app.example.com itself"
    ]


def test_a_symbolic_link_is_refused_even_to_a_file_beside_it(folder):
    put(folder, "security.txt")
    (folder / "copy.txt").symlink_to("security.txt")
    drop_ins, findings = load(folder)
    assert [drop_in.name for drop_in in drop_ins] == ["security.txt"]
    assert lines(findings) == [
        "well_known/copy.txt: error DRP004: is a symbolic link, not a file; put a copy of the file "
        "itself here"
    ]


def test_a_host_folder_that_is_a_symbolic_link_is_not_followed(folder, tmp_path):
    put(tmp_path, "elsewhere/security.txt")
    (folder / "app.example.com").symlink_to(tmp_path / "elsewhere")
    drop_ins, findings = load(folder)
    assert drop_ins == ()
    assert [finding.code for finding in findings] == ["DRP004"]


def test_a_pipe_is_refused_and_not_waited_for(folder):
    os.mkfifo(folder / "security.txt")
    drop_ins, findings = load(folder)
    assert drop_ins == ()
    assert [finding.code for finding in findings] == ["DRP004"]


@pytest.mark.parametrize(
    "name",
    [
        "my file.txt",
        "security.txt~",
        "#security.txt#",
        "a%2fb",
        "a?b",
        "<x>",
        "bücher.txt",
        "a\nb.txt",
        "-rf",
        "a\\b",
        "a:b",
        "x" * 129,
    ],
)
def test_a_name_with_odd_characters_is_refused(folder, name):
    put(folder, name)
    drop_ins, findings = load(folder)
    assert drop_ins == ()
    assert [(finding.code, finding.severity) for finding in findings] == [("DRP005", "error")]


def test_a_mebibyte_is_served_and_one_byte_more_is_not(folder):
    put(folder, "most.txt", b"x" * 1024 * 1024)
    put(folder, "more.txt", b"x" * (1024 * 1024 + 1))
    drop_ins, findings = load(folder)
    assert [drop_in.name for drop_in in drop_ins] == ["most.txt"]
    assert lines(findings) == [
        "well_known/more.txt: error DRP006: is larger than 1048576 bytes; serve large files from "
        "somewhere else"
    ]


def test_more_than_256_files_are_refused(folder):
    for number in range(257):
        put(folder, f"{number}.txt")
    drop_ins, findings = load(folder)
    assert drop_ins == ()
    assert lines(findings) == [
        "well_known: error DRP007: holds 257 files; keep at most 256: all of them stay in memory"
    ]
    (folder / "0.txt").unlink()
    assert len(load(folder)[0]) == 256


def test_a_folder_that_is_a_file_is_said_to_be_unreadable(tmp_path):
    put(tmp_path, "well_known")
    drop_ins, findings = load(tmp_path / "well_known")
    assert drop_ins == ()
    assert lines(findings) == [
        "well_known: error DRP001: cannot be read (Not a directory); let the user that runs the "
        "server read it"
    ]


def test_apples_file_is_served_at_the_root_too(folder):
    put(folder, "apple-app-site-association", b'{"webcredentials": {"apps": []}}')
    (drop_in,), _ = load(folder)
    assert drop_in.content_type == "application/json"
    assert drop_in.paths == (
        "/.well-known/apple-app-site-association",
        "/apple-app-site-association",
    )


def signed(content):
    """*content* in the envelope that ``openssl cms -sign -nodetach -outform DER`` makes."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app.example.com")])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = x509.CertificateBuilder(
        name, name, key.public_key(), 1, day, day + datetime.timedelta(days=30)
    ).sign(key, hashes.SHA256())
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    return builder.add_signer(certificate, key, hashes.SHA256()).sign(
        serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary]
    )


def test_a_signed_apple_file_keeps_bytes_and_type_and_its_signature_is_said_unchecked(folder):
    envelope = signed(b'{"webcredentials": {"apps": ["Q7R2M9K4TZ.com.acme.shop"]}}')
    put(folder, "apple-app-site-association", envelope)
    (drop_in,), findings = load(folder)
    assert (drop_in.content_type, drop_in.body) == ("application/pkcs7-mime", envelope)
    assert "AASA004" in [finding.code for finding in findings]


def test_an_apple_file_with_a_byte_order_mark_is_served_and_warned_of(folder):
    content = b'\xef\xbb\xbf{"webcredentials": {"apps": ["Q7R2M9K4TZ.com.acme.shop"]}}'
    put(folder, "apple-app-site-association", content)
    (drop_in,), findings = load(folder)
    assert drop_in.body == content
    assert "AASA005" in [finding.code for finding in findings]


@pytest.mark.parametrize("content", [b"{,}", b"[]", b'{"applinks": 1}'])
def test_what_a_signed_apple_file_says_is_checked(folder, content):
    put(folder, "apple-app-site-association", signed(content))
    drop_ins, findings = load(folder)
    assert drop_ins == ()
    assert Severity.ERROR in {finding.severity for finding in findings}
    assert {finding.place.file for finding in findings} == {"well_known/apple-app-site-association"}


def test_an_apple_file_of_more_than_128_kilobytes_is_an_error(folder):
    put(folder, "apple-app-site-association", b"{}" + b" " * 131_071)
    drop_ins, findings = load(folder)
    assert drop_ins == ()
    assert "131,072" in lines(findings)[0]


@pytest.mark.parametrize("name", ["assetlinks.json", "apple-app-site-association"])
def test_a_hand_written_document_that_is_not_json_is_an_error_with_its_place(folder, name):
    put(folder, name, b'{\n  "a": 1,,\n}')
    drop_ins, findings = load(folder)
    assert drop_ins == ()
    (finding,) = findings
    assert (finding.code, finding.severity) == ("JSON001", "error")
    assert (finding.place.file, finding.place.line) == (f"well_known/{name}", 2)


@pytest.mark.parametrize(
    ("name", "content"),
    [("assetlinks.json", b"{}"), ("apple-app-site-association", b"[]")],
)
def test_a_hand_written_document_is_linted(folder, name, content):
    put(folder, f"app.example.com/{name}", content)
    drop_ins, findings = load(folder)
    assert drop_ins == ()
    assert {finding.place.file for finding in findings} == {f"well_known/app.example.com/{name}"}
    assert Severity.ERROR in {finding.severity for finding in findings}


def test_a_key_that_stands_twice_is_said_with_its_line(folder):
    put(folder, "apple-app-site-association", b'{"webcredentials": {"apps": [],\n"apps": []}}')
    findings = [finding for finding in load(folder)[1] if finding.code == "JSON003"]
    assert lines(findings) == [
        "well_known/apple-app-site-association:2: warning JSON003: webcredentials.apps stands "
        "twice in one object, and most readers see only the last; keep one of the two"
    ]


def test_tiktoks_file_is_served_under_every_prefix_of_every_callback(folder):
    put(folder, f"tiktok{TOKEN}.txt", f"tiktok-developers-site-verification={TOKEN}".encode())
    (drop_in,), findings = load(folder, callback_paths=("/login-callback/", "/auth/tiktok/back"))
    assert findings == []
    assert drop_in.content_type == "text/plain; charset=utf-8"
    assert drop_in.paths == (
        f"/.well-known/tiktok{TOKEN}.txt",
        f"/tiktok{TOKEN}.txt",
        f"/login-callback/tiktok{TOKEN}.txt",
        f"/auth/tiktok{TOKEN}.txt",
        f"/auth/tiktok/tiktok{TOKEN}.txt",
        f"/auth/tiktok/back/tiktok{TOKEN}.txt",
    )


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_an_editors_line_ending_in_tiktoks_file_is_served_as_it_is(folder, ending):
    content = f"tiktok-developers-site-verification={TOKEN}".encode() + ending
    put(folder, f"tiktok{TOKEN}.txt", content)
    drop_ins, findings = load(folder)
    assert (drop_ins[0].body, findings) == (content, [])


@pytest.mark.parametrize(
    "content",
    [
        "",
        TOKEN,
        f"tiktok-developers-site-verification={TOKEN.lower()}",
        f"tiktok-developers-site-verification={TOKEN} ",
        f"tiktok-developers-site-verification={TOKEN}\nmore",
    ],
)
def test_a_tiktok_file_that_does_not_hold_its_own_token_is_an_error(folder, content):
    put(folder, f"tiktok{TOKEN}.txt", content.encode())
    drop_ins, findings = load(folder)
    assert drop_ins == ()
    assert lines(findings) == [
        f"well_known/tiktok{TOKEN}.txt: error DRP008: does not prove what its name says; its "
        f"content must be tiktok-developers-site-verification={TOKEN}"
    ]


@pytest.mark.parametrize("name", [f"tiktok{TOKEN}x.txt", "tiktok.txt", f"TikTok{TOKEN}.txt"])
def test_nearly_a_tiktok_file_is_served_as_any_other_and_that_is_said(folder, name):
    put(folder, name)
    (drop_in,), findings = load(folder)
    assert drop_in.paths == (f"/.well-known/{name}",)
    assert [finding.code for finding in findings] == ["DRP009"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("apple-app-site-association.json", "apple-app-site-association"),
        ("AssetLinks.json", "assetlinks.json"),
        ("assetlink.json", "assetlinks.json"),
        ("security.text", "security.txt"),
    ],
)
def test_nearly_a_known_name_is_said(folder, name, meant):
    put(folder, name)
    drop_ins, findings = load(folder)
    assert len(drop_ins) == 1
    assert lines(findings) == [
        f"well_known/{name}: warning DRP010: is not a name that anybody asks for; {meant} is; "
        f'rename it to "{meant}"'
    ]


def test_one_hosts_file_before_that_for_all_is_said(folder):
    put(folder, "security.txt")
    put(folder, "app.example.com/security.txt")
    assert lines(load(folder)[1]) == [
        "well_known/app.example.com/security.txt: info DRP012: takes the place of "
        "well_known/security.txt on app.example.com; nothing to do if that is meant"
    ]


def test_all_faults_are_found_at_once(folder):
    put(folder, "a b")
    put(folder, "nowhere.example/x")
    (folder / "z.txt").symlink_to("a b")
    assert [finding.code for finding in load(folder)[1]] == ["DRP002", "DRP005", "DRP004"]


def test_the_documents_say_something_only_if_there_is_an_app_to_name():
    link = Link(EXAMPLE_APP, ("app.example.com",), "/invite/*")
    assert dropins.generated((), ()) == {
        "assetlinks.json": False,
        "apple-app-site-association": False,
    }
    assert dropins.generated((link,), (EXAMPLE_APP,)) == {
        "assetlinks.json": True,
        "apple-app-site-association": True,
    }


def drop_in(source, host=None):
    return DropIn(source, host, (), "application/json", b"[]")


FULL = {"assetlinks.json": True, "apple-app-site-association": True}
EMPTY = {"assetlinks.json": False, "apple-app-site-association": False}


def test_a_file_that_the_config_makes_too_is_an_error_that_names_both():
    findings = dropins.conflicts(
        [drop_in("well_known/assetlinks.json")],
        {"a.example": FULL, "b.example": FULL, "c.example": EMPTY},
    )
    assert lines(findings) == [
        "well_known/assetlinks.json: error DRP013: has the name of the assetlinks.json made from "
        "the config for a.example and b.example; delete well_known/assetlinks.json, or take those "
        "hosts' apps and links out of the config"
    ]


def test_one_hosts_file_is_in_conflict_with_that_hosts_document_only():
    own = drop_in("well_known/b.example/assetlinks.json", "b.example")
    assert dropins.conflicts([own], {"a.example": FULL, "b.example": EMPTY}) == []
    assert len(dropins.conflicts([own], {"a.example": EMPTY, "b.example": FULL})) == 1


def test_files_of_other_names_are_in_no_conflict():
    assert dropins.conflicts([drop_in("well_known/security.txt")], {"a.example": FULL}) == []


def test_every_code_stands_in_the_readme_with_its_weight():
    rows = re.findall(
        r"^\| `(DRP\d{3})` \| (\w+) \|", (ROOT / "well_known/README.md").read_text(), re.MULTILINE
    )
    assert dict(rows) == {code: weight for code, (weight, _) in dropins.CODES.items()}


def test_every_type_that_a_suffix_does_not_give_stands_in_the_readme():
    readme = (ROOT / "well_known/README.md").read_text()
    table = readme.partition("## Types")[2].partition("## Findings")[0]
    names = [name for name in dropins.TYPES if not name.endswith((".json", ".txt"))]
    assert [name for name in names if f"`{name}`" not in table] == []


def test_the_shipped_folder_is_in_order():
    assert load_drop_ins(ROOT / "well_known", HOSTS, ()) == ((), [])
