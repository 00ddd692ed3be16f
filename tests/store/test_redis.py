"""What only a server elsewhere can do: be stopped, ask for a password, show a certificate."""

from __future__ import annotations

import datetime
import ipaddress
import subprocess
import sys
import traceback

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deeplink.errors import StoreUnavailable
from deeplink.secret import Secret
from deeplink.store import open_store
from deeplink.store.redis import RedisStore


@pytest.fixture
def open_redis():
    """Open stores that the end of the test closes."""
    stores = []

    def open_one(url, **options):
        stores.append(RedisStore(Secret(url), **options))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that its own key signed, as hosted Redis shows one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "certificate.pem").write_bytes(
        made.public_bytes(serialization.Encoding.PEM),
    )
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return tmp_path / "certificate.pem"


@pytest.fixture
def tls_server(start_redis, certificate):
    return start_redis(
        "--tls-cert-file",
        str(certificate),
        "--tls-key-file",
        str(certificate.parent / "key.pem"),
        "--tls-ca-cert-file",
        str(certificate),
        "--tls-auth-clients",
        "no",
        tls=True,
    )


def told(error):
    """Everything that a log could show of *error*, its causes included."""
    return "".join(traceback.format_exception(error))


def test_a_server_that_was_stopped_and_started_is_found_again(start_redis, open_redis):
    server = start_redis()
    store = open_redis(server.url)
    store.put("key", b"value", 60)
    server.stop()
    with pytest.raises(StoreUnavailable, match="cannot be reached; see whether it runs"):
        store.get("key")
    server.start()
    assert store.get("key") is None
    assert store.put("key", b"again", 60) is True


def test_a_restart_between_two_commands_is_not_even_noticed(start_redis, open_redis):
    server = start_redis()
    store = open_redis(server.url)
    store.put("key", b"value", 60)
    server.stop()
    server.start()
    assert store.put("key", b"again", 60, only_if_absent=True) is True


def test_a_server_that_gives_no_answer_does_not_hold_us(start_redis, open_redis):
    server = start_redis()
    store = open_redis(server.url, timeout=0.2)
    store.ping()
    client = redis.Redis(port=server.port)
    client.client_pause(5000)
    client.close()
    with pytest.raises(StoreUnavailable, match="no answer within"):
        store.get("key")


def test_a_wrong_password_is_named_and_not_shown(start_redis, open_redis):
    server = start_redis("--requirepass", "SECRET-right")
    store = open_redis(f"redis://:SECRET-wrong@127.0.0.1:{server.port}/0")
    with pytest.raises(StoreUnavailable, match="refuses the name or password") as refused:
        store.ping()
    assert "SECRET-" not in told(refused.value)


def test_the_right_password_opens(start_redis, open_redis):
    server = start_redis("--requirepass", "SECRET-right/@:#?%")
    escaped = "SECRET-right%2F%40%3A%23%3F%25"
    store = open_redis(f"redis://:{escaped}@127.0.0.1:{server.port}/0")
    assert store.put("key", b"value", 60) is True


def test_a_server_that_is_not_there_is_named_without_its_password(open_redis):
    store = open_redis("redis://user:SECRET-password@127.0.0.1:1/0")
    with pytest.raises(StoreUnavailable, match="cannot be reached") as refused:
        store.get("key")
    assert "SECRET-" not in told(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:SECRET-password@host",
        "redis://:SECRET-with/slash@host:6379",
        "redis://:SECRET-@host:SECRET-port",
        "redis://:SECRET-with]bracket[@host",
        "SECRET-only-the-password",
    ],
)
def test_an_address_that_is_none_is_refused_without_quoting_it(open_redis, url):
    with pytest.raises(StoreUnavailable, match="write rediss://:PASSWORD@HOST:PORT") as refused:
        open_redis(url)
    assert "SECRET-" not in told(refused.value)


def test_a_full_redis_is_named_by_every_verb_that_writes(start_redis, open_redis):
    server = start_redis("--maxmemory", "1", "--maxmemory-policy", "noeviction")
    store = open_redis(server.url)
    with pytest.raises(StoreUnavailable, match="Redis is full; give it more memory"):
        store.put("key", b"value", 60)
    with pytest.raises(StoreUnavailable, match="Redis is full"):
        store.bump("key", 60)
    with pytest.raises(StoreUnavailable, match="Redis is full"):
        store.ping()


def test_encrypt_takes_a_certificate_that_nobody_vouches_for(tls_server, open_redis):
    store = open_redis(f"rediss://127.0.0.1:{tls_server.port}/0", tls="encrypt")
    store.put("key", b"value", 60)
    assert store.get("key") == b"value"


def test_verify_refuses_a_certificate_that_nobody_vouches_for(tls_server, open_redis):
    store = open_redis(f"rediss://127.0.0.1:{tls_server.port}/0", tls="verify")
    with pytest.raises(StoreUnavailable, match="certificate"):
        store.get("key")


def test_verify_takes_a_certificate_that_the_machine_trusts(
    tls_server, open_redis, certificate, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    store = open_redis(f"rediss://127.0.0.1:{tls_server.port}/0", tls="verify")
    assert store.put("key", b"value", 60) is True


def test_verify_refuses_a_trusted_certificate_for_another_name(
    tls_server, open_redis, certificate, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    store = open_redis(f"rediss://localhost:{tls_server.port}/0", tls="verify")
    with pytest.raises(StoreUnavailable, match="certificate"):
        store.get("key")


def test_every_entry_has_an_end_and_our_name(start_redis, open_redis):
    """Others may use the same Redis, and a full one drops what has an end (volatile-ttl)."""
    server = start_redis()
    store = open_redis(server.url)
    store.put("key", b"value", 60)
    store.bump("key", 60)
    client = redis.Redis(port=server.port)
    entries = {key: client.ttl(key) for key in client.scan_iter()}
    client.close()
    assert set(entries) == {b"deeplink:v:key", b"deeplink:n:key"}
    assert all(50 < ttl <= 60 for ttl in entries.values())


def test_a_count_that_lost_its_end_gets_one(start_redis, open_redis):
    """A counter without an end would lock somebody out for ever."""
    server = start_redis()
    client = redis.Redis(port=server.port)
    client.set("deeplink:n:key", 41)
    assert open_redis(server.url).bump("key", 60) == 42
    assert 50 < client.ttl("deeplink:n:key") <= 60
    client.close()


def test_threads_share_a_few_connections(start_redis, open_redis):
    """Small plans of hosted Redis have twenty for all processes together."""
    import threading

    server = start_redis()
    store = open_redis(server.url)
    threads = [
        threading.Thread(target=lambda: [store.bump("key", 60) for _ in range(20)])
        for _ in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    client = redis.Redis(port=server.port)
    connected = client.info("clients")["connected_clients"]
    client.close()
    assert store.bump("key", 60) == 801
    assert connected <= 9


def test_redis_is_imported_only_where_it_is_chosen(root):
    script = (
        "import sys; from deeplink.store import open_store; open_store('memory'); "
        "print('redis' in sys.modules, 'sqlite3' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=20
    )
    assert done.stdout == "False False\n"


def test_the_config_s_word_opens_it(redis_server):
    store = open_store("redis", redis_url=Secret(redis_server.url))
    store.ping()
    store.close()
