"""The door outwards: what leaves byte for byte, and what no server can do to us."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import ipaddress
import logging
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deeplink.errors import Unanswered
from deeplink.outbound import MAX_ANSWER, PATIENCE, Fault, Outbound, Patience

FIELDS = [("client_key", "k"), ("client_secret", "SECRET-s"), ("code", "a+b*0!6410")]
QUICK = Patience(connect=1.0, silence=0.5, answer=1.0)


class Server:
    """A listener on loopback that plays *script* on each call."""

    def __init__(self, script, tls=None):
        self.script, self.tls = script, tls
        self.requests, self.connections = [], 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open, self.stopped = [], threading.Event()
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()

    def url(self, scheme="http", path="/v2/oauth/token/"):
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            worker = threading.Thread(target=self._serve, args=(connection,))
            self.open.append((connection, worker))
            worker.start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.settimeout(10)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with contextlib.closing(connection):
                while request := self._read(connection):
                    self.requests.append(request)
                    if self.script(connection, self.stopped) is not True:
                        return

    @staticmethod
    def _read(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = connection.recv(65536)
            if not chunk:
                return b""
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self):
        self.stopped.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection, _ in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for _, worker in self.open:
            worker.join(5)
        self.thread.join(5)


@pytest.fixture
def serve():
    with contextlib.ExitStack() as stack:

        def start(script, tls=None):
            server = Server(script, tls)
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture
def outbound():
    client = Outbound(4)
    yield client
    client.close()


def answer(body, head=b"HTTP/1.1 200 OK", extra=b""):
    return head + b"\r\n" + extra + b"Content-Length: %d\r\n\r\n" % len(body) + body


def says(*parts, pause=0.0, keep=False):
    def script(connection, stopped):
        for part in parts:
            connection.sendall(part)
            stopped.wait(pause)
        return keep

    return script


def fault_of(outbound, server, **options):
    options = {"insecure_loopback": True, "patience": QUICK} | options
    with pytest.raises(Unanswered) as caught:
        outbound.send(server.url(), FIELDS, **options)
    return caught.value.fault, caught.value.sent


def test_the_request_is_what_tiktok_documents_byte_for_byte(outbound, serve):
    """The content type bare: with a charset TikTok calls the request malformed."""
    server = serve(says(answer(b"{}")))
    outbound.send(server.url(), FIELDS, insecure_loopback=True)
    expected = (
        "POST /v2/oauth/token/ HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{server.port}\r\n"
        "Accept-Encoding: identity\r\n"
        "Content-Length: 66\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        "Accept: application/json\r\n"
        "Cache-Control: no-cache\r\n"
        "User-Agent: deeplink\r\n"
        "\r\n"
        "client_key=k&client_secret=SECRET-s&code=a%2Bb%2A0%216410"
    )
    sent = server.requests[0].decode()
    head, _, body = sent.partition("\r\n\r\n")
    wanted_head, _, wanted_body = expected.partition("\r\n\r\n")
    assert body == wanted_body
    wanted_head = wanted_head.replace("Content-Length: 66", f"Content-Length: {len(wanted_body)}")
    assert sorted(head.split("\r\n")) == sorted(wanted_head.split("\r\n"))


def test_a_provider_may_want_another_manner(outbound, serve):
    """GitHub revokes by DELETE, with a JSON body and RFC 7617's Basic."""
    server = serve(says(answer(b"{}")))
    outbound.send(
        server.url(path="/applications/Ov23/token"),
        [("access_token", "gho_1")],
        insecure_loopback=True,
        method="DELETE",
        as_json=True,
        authorization="Basic QWxhZGRpbjpvcGVu",
    )
    head, _, body = server.requests[0].decode().partition("\r\n\r\n")
    lines = head.split("\r\n")
    assert lines[0] == "DELETE /applications/Ov23/token HTTP/1.1"
    assert {"Content-Type: application/json", "Authorization: Basic QWxhZGRpbjpvcGVu"} <= set(lines)
    assert body == '{"access_token": "gho_1"}'


def test_an_error_status_is_an_answer_like_any_other(outbound, serve):
    extra = b"Content-Type: application/json\r\nX-Tt-Logid: 1\r\nSet-Cookie: a=b\r\n"
    server = serve(says(answer(b'{"error":1}', b"HTTP/1.1 401 No", extra)))
    reply = outbound.send(server.url(), FIELDS, insecure_loopback=True)
    assert (reply.status, reply.body) == (401, b'{"error":1}')
    assert reply.headers == {"content-type": "application/json", "x-tt-logid": "1"}


def test_a_connection_is_kept_for_the_next_call(outbound, serve):
    server = serve(says(answer(b"{}"), keep=True))
    for _ in range(3):
        outbound.send(server.url(), FIELDS, insecure_loopback=True)
    assert (server.connections, len(server.requests)) == (1, 3)


def test_a_connection_that_the_server_closed_is_not_used_again(outbound, serve):
    server = serve(says(answer(b"{}"), keep=False))
    for _ in range(3):
        outbound.send(server.url(), FIELDS, insecure_loopback=True)
        time.sleep(0.05)
    assert (server.connections, len(server.requests)) == (3, 3)


def test_a_connection_idle_for_too_long_is_not_used_again(serve):
    """Its server may be closing it in this moment, and a code must not be sent into that."""
    outbound = Outbound(4, idle_limit=0.0)
    server = serve(says(answer(b"{}"), keep=True))
    for _ in range(2):
        outbound.send(server.url(), FIELDS, insecure_loopback=True)
    outbound.close()
    assert server.connections == 2


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        (says(answer(b"", b"HTTP/1.1 302 Found", b"Location: /elsewhere\r\n")), Fault.REDIRECT),
        (says(answer(b"", b"HTTP/1.1 307 Go", b"Location: http://127.0.0.1/\r\n")), Fault.REDIRECT),
        (says(answer(b"x" * (MAX_ANSWER + 1))), Fault.TOO_LARGE),
        (says(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_ANSWER + 1)), Fault.TOO_LARGE),
        (
            says(answer(gzip.compress(b"x" * 10**7), extra=b"Content-Encoding: gzip\r\n")),
            Fault.TOO_LARGE,
        ),
        (says(answer(b"no gzip", extra=b"Content-Encoding: gzip\r\n")), Fault.UNDECODABLE),
        (
            says(answer(gzip.compress(b"{}")[:-9], extra=b"Content-Encoding: gzip\r\n")),
            Fault.UNDECODABLE,
        ),
        (says(answer(b"{}", extra=b"Content-Encoding: br\r\n")), Fault.UNDECODABLE),
        (says(b""), Fault.BROKEN),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"), Fault.BROKEN),
        (says(b'{"access_token":"SECRET-token"}\r\n\r\n'), Fault.MALFORMED),
        (says(answer(b"{}", extra=b"SECRET-token without colon\r\n")), Fault.MALFORMED),
        (says(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"), Fault.MALFORMED),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), Fault.MALFORMED),
    ],
    ids=[
        "302", "307", "huge", "huge, length unknown", "gzip bomb", "no gzip", "half a gzip",
        "brotli", "closed", "half a body", "no head", "bad header", "many headers", "bad chunk",
    ],
)  # fmt: skip
def test_s21_a_server_at_fault_gives_a_named_fault(outbound, serve, caplog, script, fault):
    caplog.set_level(logging.DEBUG)
    server = serve(script)
    assert fault_of(outbound, server) == (fault, True)
    assert len(server.requests) == 1
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize(
    "parts",
    [
        [b""],
        [b"H"] + [b"T"] * 40,
        [b"HTTP/1.1 200 OK\r\n"] + [b"X-A: b\r\n"] * 40,
        [b"HTTP/1.1 100 Continue\r\n\r\n"] * 40,
        [b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"] + [b"x"] * 40,
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"] + [b"1\r\nx\r\n"] * 40,
    ],
    ids=["silent", "drips its first line", "drips headers", "continues", "drips", "drips chunks"],
)
def test_s21_a_server_that_drips_cannot_hold_a_thread(outbound, serve, parts):
    """
    Each byte comes well within the read time-out; only a deadline for the whole helps.

    A client without one would wait for the end, 6 s away, and call the connection broken.
    """
    server = serve(says(*parts, pause=0.15 if len(parts) > 1 else 5))
    assert fault_of(outbound, server) == (Fault.TIMEOUT, True)


def test_the_deadlines_stay_below_the_routers_thirty_seconds():
    assert (PATIENCE.connect, PATIENCE.silence) == (2.5, 8)
    assert PATIENCE.total < 25


def test_a_gzip_answer_that_we_did_not_ask_for_is_read(outbound, serve):
    body = answer(gzip.compress(b'{"a":1}'), extra=b"Content-Encoding: gzip\r\n")
    reply = outbound.send(serve(says(body)).url(), FIELDS, insecure_loopback=True)
    assert reply.body == b'{"a":1}'


def test_a_refused_connection_says_that_nothing_was_sent(outbound):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unanswered) as caught:
        outbound.send(f"http://127.0.0.1:{port}/", FIELDS, insecure_loopback=True)
    assert (caught.value.fault, caught.value.sent) == (Fault.CONNECT, False)


def test_a_server_that_never_accepts_is_a_time_out_before_sending(outbound):
    """A full backlog: the handshake of TCP does not end."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = listener.getsockname()
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        with pytest.raises(Unanswered) as caught:
            outbound.send(
                f"http://127.0.0.1:{address[1]}/",
                FIELDS,
                insecure_loopback=True,
                patience=Patience(connect=0.3, silence=0.3, answer=0.3),
            )
    assert (caught.value.fault, caught.value.sent) == (Fault.TIMEOUT, False)


def test_a_name_that_does_not_exist_says_that_nothing_was_sent(outbound):
    with pytest.raises(Unanswered) as caught:
        outbound.send("https://no-such-name.localhost:1/", FIELDS, patience=QUICK)
    assert caught.value.sent is False
    assert caught.value.fault in (Fault.NAME, Fault.CONNECT)


@pytest.mark.parametrize(
    ("url", "insecure_loopback"),
    [
        ("http://127.0.0.1:1/", False),
        ("http://localhost:1/", True),
        ("http://192.0.2.1/", True),
        ("http://127.0.0.1.example.com/", True),
        ("ftp://127.0.0.1/", True),
        ("https://user@127.0.0.1:1/", False),
        ("https:///path", False),
    ],
)
def test_s21_only_https_leaves_but_for_a_loopback_literal(outbound, url, insecure_loopback):
    with pytest.raises(Unanswered) as caught:
        outbound.send(url, FIELDS, insecure_loopback=insecure_loopback)
    assert (caught.value.fault, caught.value.sent) == (Fault.NOT_ALLOWED, False)


def test_s21_no_proxy_is_taken_from_the_environment(outbound, serve, monkeypatch):
    proxy, server = serve(says(answer(b"proxy"))), serve(says(answer(b"direct")))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url(path=""))
    reply = outbound.send(server.url(), FIELDS, insecure_loopback=True)
    assert (reply.body, proxy.connections) == (b"direct", 0)


def test_an_ipv6_literal_may_be_called(outbound):
    with pytest.raises(Unanswered) as caught:
        outbound.send("http://[::1]:1/", FIELDS, insecure_loopback=True, patience=QUICK)
    assert caught.value.sent is False
    assert caught.value.fault is not Fault.NOT_ALLOWED


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-made certificate for 127.0.0.1: (file with certificate and key, certificate)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "self-made.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def server_side(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_s21_a_certificate_that_nobody_vouches_for_gets_nothing(outbound, serve, server_side):
    server = serve(says(answer(b"{}")), server_side)
    with pytest.raises(Unanswered) as caught:
        outbound.send(server.url("https"), FIELDS, patience=QUICK)
    assert (caught.value.fault, caught.value.sent) == (Fault.TLS, False)
    assert server.requests == []


def test_s21_a_certificate_for_another_host_gets_nothing(serve, server_side, certificate):
    outbound = Outbound(2, tls=ssl.create_default_context(cafile=certificate))
    server = serve(says(answer(b"{}")), server_side)
    with pytest.raises(Unanswered) as caught:
        outbound.send(f"https://localhost:{server.port}/", FIELDS, patience=QUICK)
    assert (caught.value.fault, caught.value.sent) == (Fault.TLS, False)
    assert server.requests == []


def test_a_trusted_certificate_gets_the_form_and_the_connection_is_kept(
    serve, server_side, certificate
):
    outbound = Outbound(2, tls=ssl.create_default_context(cafile=certificate))
    server = serve(says(answer(b'{"ok":1}'), keep=True), server_side)
    replies = [outbound.send(server.url("https"), FIELDS).body for _ in range(2)]
    assert (replies, server.connections) == ([b'{"ok":1}', b'{"ok":1}'], 1)
    outbound.close()


def test_a_drip_over_tls_ends_at_the_deadline_too(serve, server_side, certificate):
    outbound = Outbound(2, tls=ssl.create_default_context(cafile=certificate))
    server = serve(says(*[b"H"] * 40, pause=0.15), server_side)
    with pytest.raises(Unanswered) as caught:
        outbound.send(server.url("https"), FIELDS, patience=QUICK)
    assert (caught.value.fault, caught.value.sent) == (Fault.TIMEOUT, True)


def test_a_handshake_that_never_ends_is_a_time_out_before_sending(outbound):
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(Unanswered) as caught,
    ):
        outbound.send(
            f"https://127.0.0.1:{listener.getsockname()[1]}/",
            FIELDS,
            patience=Patience(connect=0.4, silence=5, answer=5),
        )
    assert (caught.value.fault, caught.value.sent) == (Fault.TIMEOUT, False)


def test_session_keys_are_not_written_where_the_environment_says(
    outbound, serve, server_side, monkeypatch, tmp_path
):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    with pytest.raises(Unanswered):
        outbound.send(serve(says(b""), server_side).url("https"), FIELDS, patience=QUICK)
    assert list(tmp_path.iterdir()) == []


def test_s12_the_log_says_host_time_and_status_and_nothing_else(outbound, serve, caplog):
    caplog.set_level(logging.DEBUG)
    server = serve(says(answer(b'{"access_token":"SECRET-token"}')))
    reply = outbound.send(server.url(), FIELDS, insecure_loopback=True)
    ours = [record for record in caplog.records if record.name == "deeplink"]
    assert [set(record.fields) for record in ours] == [{"host", "ms", "status"}]
    assert "SECRET" not in caplog.text + repr(reply)


def test_a_fault_carries_no_text_of_the_other_side(outbound, serve):
    """http.client quotes the first line that it could not read."""
    server = serve(says(b'{"access_token":"SECRET-token"}\r\n\r\n'))
    with pytest.raises(Unanswered) as caught:
        outbound.send(server.url(), FIELDS, insecure_loopback=True)
    assert str(caught.value) == "no usable answer: malformed_http"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_threads_share_the_pool(outbound, serve):
    server = serve(says(answer(b"{}"), keep=True))
    together = threading.Barrier(8)
    statuses = []

    def call():
        together.wait(5)
        statuses.append(outbound.send(server.url(), FIELDS, insecure_loopback=True).status)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert statuses == [200] * 8


def test_importing_the_door_does_not_import_urllib3(root):
    """130 ms that a server which only serves files never pays."""
    script = (
        "import sys; import deeplink.outbound as o; o.Outbound(4); print('urllib3' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
