"""The config: what it becomes, what is said about a broken one, and where that is documented."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink import places, schema
from deeplink.association.verdict import AndroidApp, App, IosApp, Link
from deeplink.cli import check
from deeplink.config import Callback, Config, is_loopback, load
from deeplink.errors import ConfigError
from deeplink.limits import Limits
from deeplink.oauth.providers import PRESETS, TIKTOK, Provider, SigningKey
from deeplink.rules.exchange import ExchangeRules
from deeplink.rules.paths import covers
from deeplink.rules.report import CODES
from deeplink.sandbox.vendor_keys import default_signing_key

HERE = Path(__file__).parent
SHIPPED = HERE.parent / "config" / "deeplink.toml"
README = HERE.parent / "config" / "README.md"
BROKEN = sorted((HERE / "config").glob("*.toml"))

GOOD = (HERE / "config" / "good.toml").read_text("utf-8")
ENVIRON = {"TIKTOK_CLIENT_SECRET": "SECRET-tiktok"}


def findings_of(path, environ):
    try:
        return load(path, environ).findings
    except ConfigError as error:
        return error.findings


def load_text(folder, text, environ=ENVIRON):
    path = folder / "deeplink.toml"
    path.write_text(text, "utf-8")
    return load(path, environ)


def codes_of(folder, text, environ=ENVIRON):
    path = folder / "deeplink.toml"
    path.write_text(text, "utf-8")
    return [finding.code for finding in findings_of(path, environ)]


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_config_gives_exactly_the_findings_in_its_header(path, monkeypatch):
    """``#>`` is a line of output, ``#$`` a variable of the environment."""
    monkeypatch.chdir(path.parent)
    lines = path.read_text("utf-8").splitlines()
    expected = [line.removeprefix("#> ") for line in lines if line.startswith("#> ")]
    variables = [line.removeprefix("#$ ") for line in lines if line.startswith("#$ ")]
    given = dict(line.replace("\\n", "\n").split("=", 1) for line in variables)
    found = findings_of(Path(path.name), {**ENVIRON, **given})
    assert [str(finding) for finding in found] == expected


def test_every_code_has_a_config_that_shows_it():
    headers = " ".join(path.read_text("utf-8") for path in BROKEN)
    # CFG002 and CFG003 are about files that are no text; they have tests of their own below.
    assert {code for code in CODES if f" {code}: " not in headers} == {"CFG002", "CFG003"}


def test_the_shipped_config_boots_as_it_is_without_a_finding():
    config = load(SHIPPED, {})
    assert config.findings == ()
    assert config.hosts == ("127.0.0.1", "localhost")
    assert config.is_local
    assert [app.key for app in config.apps] == ["production", "staging"]
    assert [link.path for link in config.links] == ["/invite/*", "/product/*"]
    assert [row.path for row in config.callbacks] == ["/login-callback/"]


def test_a_config_without_faults_does_not_pay_for_places(root):
    """Places cost 26 ms of import; the start of a server in order needs none."""
    script = (
        "import sys; from pathlib import Path; from deeplink.config import load; "
        "load(Path('config/deeplink.toml'), {}); print('tree_sitter' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_sandbox_brings_key_secret_and_endpoints():
    provider = load(SHIPPED, {}).providers["tiktok"]
    assert provider.sandbox
    assert provider.client_key == "sandbox-client-key"
    assert provider.client_secret.reveal() == "sandbox-client-secret"
    assert provider.preset.token_url == "http://127.0.0.1:8001/v2/oauth/token/"
    assert provider.redirect_uri == "http://127.0.0.1:8000/login-callback/"


def test_the_sandbox_follows_the_environment():
    environ = {"PORT": "9000", "DEEPLINK_SANDBOX_URL": "http://127.0.0.1:9001/"}
    config = load(SHIPPED, environ)
    assert config.sandbox_url == "http://127.0.0.1:9001"
    assert config.providers["tiktok"].redirect_uri == "http://127.0.0.1:9000/login-callback/"
    assert config.providers["tiktok"].preset.revoke_url == "http://127.0.0.1:9001/v2/oauth/revoke/"


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1:8001", "http://localhost:8001", "http://10.0.0.1", "x", "http://[::1"],
)
def test_the_sandbox_is_this_machine_or_nothing(url):
    with pytest.raises(ConfigError) as refused:
        load(SHIPPED, {"DEEPLINK_SANDBOX_URL": url})
    assert [finding.code for finding in refused.value.findings] == ["CFG071"]


def test_a_public_config_has_the_real_endpoints(tmp_path):
    config = load_text(tmp_path, GOOD)
    provider = config.providers["tiktok"]
    assert provider.preset == TIKTOK
    assert provider.client_secret.reveal() == "SECRET-tiktok"
    assert provider.apps == ("shop",)
    assert config.sandbox_url is None
    assert not config.is_local


def test_the_port_moves_only_the_redirect_uri_of_the_sandbox(tmp_path):
    config = load_text(tmp_path, GOOD, {**ENVIRON, "PORT": "5000"})
    assert config.providers["tiktok"].redirect_uri == "https://links.acme.com/login-callback/"


def test_hosts_come_from_the_environment_too(tmp_path):
    text = GOOD.replace('["links.acme.com"]', '["links.acme.com", { env = "DEEPLINK_HOST" }]')
    environ = {**ENVIRON, "DEEPLINK_HOST": "acme.herokuapp.com, links.acme.com,go.acme.com"}
    config = load_text(tmp_path, text, environ)
    assert config.hosts == ("links.acme.com", "acme.herokuapp.com", "go.acme.com")
    assert config.links[0].hosts == config.hosts
    assert load_text(tmp_path, text).hosts == ("links.acme.com",)


def test_a_shipped_config_on_a_public_host_is_refused():
    with pytest.raises(ConfigError) as refused:
        load(SHIPPED, {"DEEPLINK_HOST": "acme.herokuapp.com"})
    codes = [finding.code for finding in refused.value.findings]
    assert codes == ["CFG034", "CFG034", "CFG034", "CFG034", "CFG066"]


def test_the_alternate_host_has_links_only_where_it_is_named(tmp_path):
    text = 'alternate_host = "login.acme.net"\n' + GOOD
    assert load_text(tmp_path, text).links_at("login.acme.net") == ()
    named = text.replace('path = "/product/*"', 'path = "/product/*"\nhosts = ["login.acme.net"]')
    assert [row.path for row in load_text(tmp_path, named).links_at("login.acme.net")] == [
        "/product/*"
    ]


def test_a_callback_is_a_path_with_a_slash_however_it_is_written(tmp_path):
    text = GOOD.replace('path = "/login-callback/"', 'path = "/login-callback"')
    config = load_text(tmp_path, text)
    assert config.callbacks[0].path == "/login-callback/"
    assert [finding.code for finding in config.findings] == ["CFG063"]


KEY = "SECRET-" + "k" * 32


def test_answers_are_kept_where_the_machine_has_room_for_them(tmp_path):
    assert load_text(tmp_path, GOOD).exchange.store == "sqlite"
    attached = {**ENVIRON, "REDIS_URL": "redis://:SECRET-pw@127.0.0.1:6379/0"}
    rules = load_text(tmp_path, GOOD, attached).exchange
    assert (rules.store, rules.redis_url.reveal()) == ("redis", attached["REDIS_URL"])
    named = f'{GOOD}\n[exchange]\nstore = "sqlite"\n'
    assert load_text(tmp_path, named, attached).exchange.redis_url is None


def test_keys_keep_their_order(tmp_path):
    text = f'{GOOD}\n[exchange]\nkeys = [{{ env = "NEW" }}, {{ env = "OLD" }}]\n'
    keys = load_text(tmp_path, text, {**ENVIRON, "NEW": KEY + "2", "OLD": KEY + "1"}).exchange.keys
    assert [key.reveal() for key in keys] == [KEY + "2", KEY + "1"]


def test_one_process_may_remember_in_its_memory(tmp_path):
    text = f'{GOOD}\n[exchange]\nstore = "memory"\n'
    assert load_text(tmp_path, text, {**ENVIRON, "WEB_CONCURRENCY": "1"}).findings == ()


@pytest.mark.parametrize(
    ("dyno", "expected"),
    [("web.1", False), ("web.2", True), ("web.10", True), ("release.7", False), ("web.²", False)],
)
def test_heroku_tells_of_other_machines_by_the_number_of_this_one(tmp_path, dyno, expected):
    config = load_text(tmp_path, GOOD, {**ENVIRON, "DYNO": dyno})
    assert config.exchange.has_other_machines is expected


def test_a_config_without_redis_does_not_pay_for_its_client(root):
    """redis-py takes 0.3 s to import."""
    script = (
        "import sys; from pathlib import Path; from deeplink.config import load; "
        "load(Path('config/deeplink.toml'), {}); print('redis' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_a_secret_may_lie_in_a_file(tmp_path):
    (tmp_path / "secret").write_text("SECRET-in-a-file\n", "utf-8")
    text = GOOD.replace('{ env = "TIKTOK_CLIENT_SECRET" }', f'{{ file = "{tmp_path}/secret" }}')
    provider = load_text(tmp_path, text).providers["tiktok"]
    assert provider.client_secret.reveal() == "SECRET-in-a-file"


@pytest.mark.parametrize("octets", [b"", b"\n", b"\xff\xfe", b"SECRET-a\0b", b"SECRET-" * 20_000])
def test_a_secret_file_holds_a_secret_and_nothing_else(tmp_path, octets):
    (tmp_path / "secret").write_bytes(octets)
    text = GOOD.replace('{ env = "TIKTOK_CLIENT_SECRET" }', f'{{ file = "{tmp_path}/secret" }}')
    assert codes_of(tmp_path, text) == ["CFG018"]


def test_a_pipe_in_place_of_a_secret_file_does_not_hang_the_start(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    text = GOOD.replace('{ env = "TIKTOK_CLIENT_SECRET" }', f'{{ file = "{tmp_path}/pipe" }}')
    assert codes_of(tmp_path, text) == ["CFG018"]


def test_tokens_may_be_unset_on_this_machine_alone(tmp_path):
    text = 'admin_token = { env = "UNSET" }\n'
    assert load_text(tmp_path, text + SHIPPED.read_text("utf-8"), {}).admin_token is None
    assert codes_of(tmp_path, text + GOOD) == ["CFG016"]


def test_an_ownership_file_is_exactly_what_tiktok_offers_for_download(tmp_path):
    row = '\n[[providers.tiktok.url_verification]]\ntoken = "AbCdEfGhIjKlMnOpQrStUvWxYz012345"\n'
    (drop_in,) = load_text(tmp_path, GOOD + row).drop_ins
    assert drop_in.paths == ("/tiktokAbCdEfGhIjKlMnOpQrStUvWxYz012345.txt",)
    assert drop_in.body == b"tiktok-developers-site-verification=AbCdEfGhIjKlMnOpQrStUvWxYz012345"


def test_drop_ins_and_their_findings_are_part_of_the_config(tmp_path):
    folder = tmp_path / "well_known"
    folder.mkdir()
    (folder / "security.txt").write_text("Contact: mailto:security@acme.com\n", "utf-8")
    path = tmp_path / "deeplink.toml"
    path.write_text(GOOD, "utf-8")
    (drop_in,) = load(path, ENVIRON, well_known=folder).drop_ins
    assert drop_in.paths == ("/.well-known/security.txt",)
    (folder / "assetlinks.json").write_text("[,]", "utf-8")
    with pytest.raises(ConfigError) as refused:
        load(path, ENVIRON, well_known=folder)
    assert "JSON001" in [finding.code for finding in refused.value.findings]


def test_a_drop_in_with_the_name_of_a_generated_file_stops_the_start(tmp_path):
    folder = tmp_path / "well_known"
    folder.mkdir()
    statement = {
        "relation": ["delegate_permission/common.handle_all_urls"],
        "target": {
            "namespace": "android_app",
            "package_name": "com.acme.other",
            "sha256_cert_fingerprints": [
                "9E:21:5A:F8:0B:6C:44:D3:17:8E:B2:60:CA:75:39:FE"
                ":14:A9:82:5D:E7:30:4B:96:C1:68:0F:BD:23:74:DA:8C"
            ],
        },
    }
    (folder / "assetlinks.json").write_text(json.dumps([statement]), "utf-8")
    path = tmp_path / "deeplink.toml"
    path.write_text(GOOD, "utf-8")
    with pytest.raises(ConfigError) as refused:
        load(path, ENVIRON, well_known=folder)
    assert "DRP013" in [finding.code for finding in refused.value.findings]


@pytest.mark.parametrize(
    ("octets", "line", "code"),
    [(None, 0, "CFG002"), (b'hosts = [\n "\xe9"]', 2, "CFG003"), (b"\xff\xfeh\0", 1, "CFG003")],
)
def test_a_file_that_cannot_be_read_as_text_is_one_finding(tmp_path, octets, line, code):
    path = tmp_path / "deeplink.toml"
    if octets is not None:
        path.write_bytes(octets)
    (finding,) = findings_of(path, {})
    assert (finding.code, finding.place.line) == (code, line)
    assert finding.hint


def test_a_folder_in_place_of_the_file_is_one_finding(tmp_path):
    (finding,) = findings_of(tmp_path, {})
    assert finding.code == "CFG002"


def test_all_faults_are_told_at_once_in_the_order_of_the_file(tmp_path):
    path = HERE / "config" / "several-at-once.toml"
    lines = [finding.place.line for finding in findings_of(path, ENVIRON)]
    assert len(lines) == 4
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("app.localhost", True),
        ("localhost.acme.com", False),
        ("notlocalhost", False),
        ("10.0.0.1", False),
        ("127.0.0.1.acme.com", False),
    ],
)
def test_only_this_machine_is_loopback(host, expected):
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("wider", "narrower", "expected"),
    [
        ("/a/*", "/a/b", True),
        ("/a/*", "/a/*/c", True),
        ("/a/*", "/a*", False),
        ("/*/c", "/a/b/c", True),
        ("/*b*c", "/abac", True),
        ("/*b*c", "/*c", False),
        ("/a", "/a", True),
        ("/a", "/ab", False),
        ("/a*a", "/a", False),
        ("*", "", True),
        ("/a**", "/a*", True),
    ],
)
def test_a_pattern_covers_another_when_it_matches_all_that_the_other_does(
    wider, narrower, expected
):
    assert covers(wider, narrower) is expected


patterns = st.text("ab*", max_size=6)


@settings(max_examples=300, deadline=None)
@given(patterns, patterns)
def test_covering_is_right_for_every_text_that_can_tell_two_patterns_apart(wider, narrower):
    """Texts over the patterns' letters and one more, in place of each star: what a star may be."""

    def matches(pattern, text):
        return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None

    witnesses = [narrower.replace("*", filling) for filling in ("", "a", "b", "c", "cc", "abc")]
    if covers(wider, narrower):
        assert all(matches(wider, text) for text in witnesses)
    else:
        assert not matches(wider, narrower.replace("*", "c"))


SEEDS = [SHIPPED.read_text("utf-8").splitlines(), GOOD.splitlines()]
JUNK = st.sampled_from(
    """
[apps]
[[apps]]
[links]
[providers.tiktok]
[[callbacks.x]]
x
=
"
{
]
hosts = 1
hosts = [[]]
hosts = ["\\u0000", "é", "[::1]"]
path = "*"
path = []
app = 7
sandbox = false
client_secret = "SECRET-here"
client_secret = [{}]
[exchange]
[limits]
keys = ["SECRET-here"]
redis_url = { env = "TIKTOK_CLIENT_SECRET" }
allowed_origins = [1, "\\u001b", {}]
per_code = 1e999
trusted_hops = 2.0
redirect_uri = { env = 1 }
redirect_uri = "http://[::1"
query = { a = [1] }
apps = { a = 1, b = { ios = [] } }
callbacks = [1, {}]
links = [{ query = 1 }]
""".strip().splitlines()
)
edits = st.lists(
    st.tuples(st.sampled_from(["delete", "double", "replace", "swap"]), st.integers(0, 99), JUNK),
    min_size=1,
    max_size=4,
)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(SEEDS), edits)
def test_no_edit_of_a_config_raises_anything_but_a_config_error(tmp_path_factory, seed, edits):
    lines = list(seed)
    for kind, number, junk in edits:
        at = number % len(lines)
        if kind == "delete":
            del lines[at]
        elif kind == "double":
            lines.insert(at, lines[at])
        elif kind == "replace":
            lines[at] = junk
        else:
            lines[at], lines[at - 1] = lines[at - 1], lines[at]
    path = tmp_path_factory.getbasetemp() / "edited.toml"
    path.write_text("\n".join(lines), "utf-8")
    for finding in findings_of(path, ENVIRON):
        assert "\n" not in str(finding)
        assert "SECRET-" not in json.dumps(finding.as_json())
        assert finding.place.line <= len(lines)


@pytest.mark.parametrize(
    "line",
    [
        'client_secret = "SECRET-here"',
        "client_secret = SECRET-here",
        'client_secret: "SECRET-here"',
        'client_secret = "SECRET-here',
        'client_secret = { env = "SECRET-here" }',
        'client_secret = { file = "SECRET-here" }',
        'client_secret = { value = "SECRET-here" }',
        'client_secret = ["SECRET-here"]',
        'client_secret = { env = ["SECRET-here"] }',
        "SECRET-here",
        'redirect_uri = "https://me:SECRET-here@links.acme.com/"',
        'redirect_uri = "http://me:SECRET-here@links.acme.com/?a#b"',
        'client_key = "SECRET-here and a space"',
        '[[providers.tiktok.url_verification]]\ntoken = "SECRET-here"',
    ],
)
def test_no_finding_shows_a_secret_in_a_wrong_place(tmp_path, line):
    text = re.sub(r"(?m)^client_secret.*$", "", GOOD)
    if line.startswith(("redirect_uri", "client_key")):
        text = re.sub(rf"(?m)^{line.split(' ')[0]} .*$", "", text)
    path = tmp_path / "deeplink.toml"
    path.write_text(f"{text}{line}\n", "utf-8")
    found = findings_of(path, ENVIRON)
    assert found
    assert all("SECRET-" not in json.dumps(finding.as_json()) for finding in found)


def test_a_host_with_a_password_before_it_is_named_without(tmp_path):
    text = GOOD.replace('["links.acme.com"]', '["https://me:SECRET-x@links.acme.com"]')
    path = tmp_path / "deeplink.toml"
    path.write_text(text, "utf-8")
    assert all("SECRET-" not in str(finding) for finding in findings_of(path, ENVIRON))


def test_no_value_of_the_config_prints_a_secret(tmp_path):
    assert "SECRET-" not in repr(load_text(tmp_path, GOOD))


def names_of(cls):
    return {field.name for field in dataclasses.fields(cls)}


def test_the_schema_and_the_values_have_the_same_keys():
    shape = schema.schema()
    rules = shape["$defs"]
    app = rules["app"]["properties"]
    assert set(shape["properties"]) == names_of(Config) - {"drop_ins", "sandbox_url", "findings"}
    assert set(app) == names_of(App) - {"key"}
    assert set(app["android"]["properties"]) == names_of(AndroidApp)
    assert set(app["ios"]["properties"]) == names_of(IosApp)
    assert set(rules["link"]["properties"]) == names_of(Link)
    assert set(rules["callback"]["properties"]) == names_of(Callback) | {"app"}
    exchange = shape["properties"]["exchange"]["properties"]
    assert set(exchange) == names_of(ExchangeRules) - {"has_other_machines"}
    assert set(shape["properties"]["limits"]["properties"]) == names_of(Limits)
    # What the rows of callbacks say about a provider's apps is not said again in its table.
    derived = {"key", "apps", "custom_schemes"}
    assert set(rules["provider"]["properties"]) == names_of(Provider) - derived | {
        "url_verification"
    }


def test_every_table_of_the_schema_is_closed_and_every_key_says_what_it_means():
    open_tables = []

    def walk(rule, where):
        if not isinstance(rule, dict):
            return
        if "properties" in rule and rule.get("additionalProperties") is not False:
            open_tables.append(where)
        for name, inner in rule.items():
            walk(inner, f"{where}/{name}")

    walk(schema.schema(), "")
    assert open_tables == []
    assert [key for key, rule in schema.documented() if not rule.get("description")] == []


def test_the_schema_is_a_right_schema():
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(schema.schema())


def test_every_key_has_its_meaning_and_default_in_the_readme():
    readme = README.read_text("utf-8")
    for key, rule in schema.documented():
        default = f" Default: `{json.dumps(rule['default'])}`." if "default" in rule else ""
        assert f"### `{key}`\n\n{rule['description']}{default}\n" in readme


def test_the_readme_has_no_key_that_does_not_exist():
    headings = re.findall(r"^### `(.+)`$", README.read_text("utf-8"), re.MULTILINE)
    assert headings == [key for key, _ in schema.documented()]


def test_every_code_of_a_finding_is_in_the_readme_with_its_meaning():
    rows = re.findall(r"^\| ([A-Z]+[0-9]{3}) \| (.+) \|$", README.read_text("utf-8"), re.MULTILINE)
    assert dict(rows) == {**CODES, **places.CODES, **check.CODES}


def test_the_example_of_the_readme_is_a_config_without_findings(tmp_path):
    example = re.search(r"```toml\n(.+?)```", README.read_text("utf-8"), re.DOTALL)[1]
    environ = {**ENVIRON, "DEEPLINK_ADMIN_TOKEN": "SECRET-of-the-admin"}
    config = load_text(tmp_path, example, environ)
    assert config.findings == ()
    assert [link.exclude for link in config.links] == [True, False, False]


def test_every_commented_key_of_the_shipped_config_may_be_used(tmp_path):
    """The comments are examples: with their # taken away the file still has the right shape."""
    text = SHIPPED.read_text("utf-8")
    used = re.sub(r"(?m)^# (?=(\[\[|\w+ = |hosts = ))", "", text)
    assert used.count("\n# ") < text.count("\n# ")
    codes = codes_of(tmp_path, used, {})
    assert not {"CFG001", "CFG010", "CFG011", "CFG012"} & set(codes)


APPLE = (
    GOOD.partition("[providers.tiktok]")[0].replace('provider = "tiktok"', 'provider = "apple"')
    + """
[providers.apple]
client_key = "com.acme.shop.web"
redirect_uri = "https://links.acme.com/login-callback/"
accept_code_without_pkce = true

[providers.apple.signing_key]
team_id = "ABCDE12345"
key_id = "ABC123DEFG"
private_key = POINTER
"""
)


@pytest.mark.parametrize("spelling", ["as it is", "on one line", "in a file"])
def test_apples_key_is_read_from_where_it_lies(tmp_path, spelling):
    """Several hosts take only one line for a variable; the portal's file has six."""
    pem = default_signing_key()
    environ = {"APPLE_KEY": pem.replace("\n", "\\n") if spelling == "on one line" else pem}
    pointer = '{ env = "APPLE_KEY" }'
    if spelling == "in a file":
        (tmp_path / "key.p8").write_text(pem, "ascii")
        pointer = f'{{ file = "{tmp_path}/key.p8" }}'
    config = load_text(tmp_path, APPLE.replace("POINTER", pointer), environ)
    provider = config.providers["apple"]
    assert config.findings == ()
    assert provider.signing_key == SigningKey("ABCDE12345", "ABC123DEFG")
    assert provider.client_secret.reveal().strip() == pem.strip()
    assert "PRIVATE" not in repr(config)


@pytest.mark.parametrize("name", ["google", "github"])
def test_a_provider_is_a_row_of_facts_and_a_pair(tmp_path, name):
    environ = {"TIKTOK_CLIENT_SECRET": "SECRET-of-another"}
    provider = load_text(tmp_path, GOOD.replace("tiktok", name), environ).providers[name]
    assert provider.preset == PRESETS[name]
    assert provider.client_secret.reveal() == "SECRET-of-another"
    assert provider.signing_key is None
