"""
Logins on bad days, through the real stack: gunicorn, SQLite or Redis, the sandbox and its mischief.

    python bench/faults.py [--logins 10000] [--store sqlite,redis] [--json] [--keep FOLDER]

Each login consents at the sandbox and posts its code as an app on a bad line does: told nothing, or
to come back, it posts the same request again; told to start again, it ends. Then it refreshes in
the same way. For each fault one line says what the apps saw. It ends with 1 if a login was given
two different answers, never ended, or was lost where nothing excuses it: a loss is excused only
between the provider's commit and our write, so where the provider itself dropped the answer, where
the request's process was killed in between, or where the app dropped an answer and came back while
Redis was away: only the process that gave the answer has it then, and the repeat may meet another.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from servers import end, free_port

ROOT = Path(__file__).parents[1]
PARALLEL = 48
THREADS, WORKERS = 100, 2
TRIES = 40
#: Seconds over which logins begin while something happens to the servers.
SPREAD = 5.0
#: Seconds after Redis is back in which a process may not have asked it again: ``spare.PAUSE``, and
#: a call that timed out just then.
UNTIL_BACK = 3.5
START_AGAIN = re.compile(r"start (the login )?again|log in again", re.IGNORECASE)

#: Steps of a request at which its process is killed; at those two the provider has committed and
#: nothing is written yet.
STEPS = (
    "before_claim", "after_claim", "before_call", "after_call", "before_write", "after_write",
    "before_answer",
)  # fmt: skip
UNPROTECTED = ("after_call", "before_write")

#: What the sandbox is ordered to do, and whether each such call loses a login: it has committed
#: and its answer cannot be had again.
MISCHIEF = (
    ({"kind": "slow", "seconds": 1}, False),
    ({"kind": "trickle", "seconds": 1}, False),
    ({"kind": "timeout", "seconds": 12}, False),
    ({"kind": "drop"}, False),
    ({"kind": "server_error"}, False),
    ({"kind": "temporarily_unavailable"}, False),
    ({"kind": "malformed_json"}, False),
    ({"kind": "html"}, False),
    ({"kind": "empty"}, False),
    ({"kind": "redirect"}, False),
    ({"kind": "huge_body", "size": 1_000_000}, False),
    ({"kind": "gzip_bomb", "size": 50_000_000}, False),
    ({"kind": "drop_after_commit"}, True),
    ({"kind": "truncated"}, True),
    ({"kind": "timeout", "seconds": 12, "committed": True}, True),
    ({"kind": "html", "committed": True}, True),
)

#: What opens the breaker.
SILENT = ("timeout", "drop", "drop_after_commit", "truncated")


@dataclass
class Row:
    """What the apps saw of one fault."""

    fault: str
    logins: int = 0
    tokens: int = 0
    start_again: int = 0
    excused: int = 0
    broken: int = 0
    doubled: int = 0
    unfinished: int = 0
    tries: int = 0
    slowest: float = 0.0
    calls: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def is_fine(self) -> bool:
        unexcused = self.start_again > self.excused
        return not (self.doubled or self.unfinished or unexcused or self.notes)


@dataclass
class Login:
    """One person's login, and what became of it."""

    code: str
    verifier: str
    answers: list[dict] = field(default_factory=list)
    broken: int = 0
    tries: int = 0
    slowest: float = 0.0
    forgotten: bool = False
    end: str = ""
    #: When an answer was dropped, and when the repeat of that request was answered.
    drops: list[tuple[float, float]] = field(default_factory=list)

    @property
    def question(self) -> dict[str, str]:
        return {"code": self.code, "code_verifier": self.verifier}


class Stack:
    """The servers of one run, in *folder*; stopped with the ``with`` that it stands in."""

    def __init__(self, folder: Path, store: str, running: contextlib.ExitStack) -> None:
        self.folder, self.store, self._running = folder, store, running
        self.secrets: list[str] = []
        self.sandbox_port = free_port()
        command = ["deeplink", "sandbox", "--port", self.sandbox_port, "--auto", "--strict"]
        self._start("sandbox", command, {}, self.sandbox_port)
        self.redis_port = free_port()
        self.redis: subprocess.Popen[bytes] | None = None
        if store == "redis":
            self.start_redis()
        self.port = free_port()
        self.process = self.start_server(self.port)

    def start_server(self, port: int, **environ: str) -> subprocess.Popen[bytes]:
        config = self.folder / "deeplink.toml"
        shipped = (ROOT / "config" / "deeplink.toml").read_text("utf-8")
        none = "\n".join(f"per_{name} = 0" for name in ("address", "app", "code"))
        shipped = shipped.replace("[exchange]\n", f'[exchange]\nstore = "{self.store}"\n')
        config.write_text(shipped.replace("[limits]\n", f"[limits]\n{none}\n"), "utf-8")
        command = ["gunicorn", "-c", ROOT / "gunicorn.conf.py", "--chdir", ROOT / "bench"]
        command += ["--bind", f"127.0.0.1:{port}", "--log-level", "debug", "faults_app:app"]
        settings = {
            "DEEPLINK_CONFIG": str(config),
            "DEEPLINK_SANDBOX_URL": f"http://127.0.0.1:{self.sandbox_port}",
            "DEEPLINK_THREADS": str(THREADS),
            "LOG_LEVEL": "DEBUG",
            "PORT": str(port),
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "TMPDIR": str(self.folder),
            "WEB_CONCURRENCY": str(WORKERS),
        }
        return self._start(f"server-{port}", command, settings | environ, port)

    def start_redis(self) -> None:
        command = ["redis-server", "--port", self.redis_port, "--save", "", "--appendonly", "no"]
        self.redis = launch(command, self.folder / "redis.log", {})
        self._running.callback(end, self.redis)
        await_port(self.redis_port, self.redis)

    def stop_redis(self) -> None:
        assert self.redis
        end(self.redis)

    def workers(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text("ascii").split()]

    def await_workers(self) -> list[int]:
        """The workers, once there are all of them again."""
        for _ in range(400):
            if len(found := self.workers()) == WORKERS:
                return found
            time.sleep(0.02)
        raise SystemExit("faults: gunicorn does not start its workers again")

    def order(self, **mischief: object) -> None:
        status, _ = self.ask_sandbox("POST", "/__sandbox__/mischief", mischief)
        assert status == 200, status

    def state(self) -> dict:
        return json.loads(self.ask_sandbox("GET", "/__sandbox__/state")[1])

    def ask_sandbox(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.sandbox_port, timeout=30)
        with contextlib.closing(connection):
            encoded = None if body is None else json.dumps(body).encode()
            connection.request(method, path, encoded, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def consent(self) -> Login:
        """A person says yes; the link that comes back holds the code."""
        verifier = "CANARY-" + random.randbytes(24).hex()
        query = urllib.parse.urlencode(
            {
                "client_key": "sandbox-client-key",
                "response_type": "code",
                "scope": "user.info.basic",
                "redirect_uri": f"http://127.0.0.1:{self.port}/login-callback/",
                "state": "CANARY-state",
                "code_challenge": hashlib.sha256(verifier.encode()).hexdigest(),
                "code_challenge_method": "S256",
            }
        )
        connection = http.client.HTTPConnection("127.0.0.1", self.sandbox_port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", f"/v2/auth/authorize/?{query}")
            link = connection.getresponse().headers["Location"]
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["code"][0]
        self.secrets += [code, verifier]
        return Login(code, verifier)

    def _start(self, name, command, environ, port) -> subprocess.Popen[bytes]:
        process = launch([sys.executable, "-m", *command], self.folder / f"{name}.log", environ)
        self._running.callback(end, process)
        await_port(port, process)
        return process


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--logins", type=int, default=10_000)
    parser.add_argument("--store", default="sqlite,redis")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", type=Path, help="leave the servers' logs in this folder")
    arguments = parser.parse_args()
    stores = arguments.store.split(",")
    rows = []
    started = time.monotonic()
    for store in stores:
        with tempfile.TemporaryDirectory(prefix="deeplink-faults-") as folder:
            with contextlib.ExitStack() as running:
                stack = Stack(Path(folder), store, running)
                for row in faults(
                    stack,
                    arguments.logins // len(stores),
                    with_provider=store == "sqlite" or len(stores) == 1,
                ):
                    rows.append(row)
                    if not arguments.json:
                        show(row, is_first=len(rows) == 1)
                rows.append(look_for_canaries(stack))
            if arguments.keep:
                shutil.copytree(folder, arguments.keep / store, dirs_exist_ok=True)
    if arguments.json:
        print(json.dumps([vars(row) | {"is_fine": row.is_fine} for row in rows]))
    else:
        summarise(rows, time.monotonic() - started)
    raise SystemExit(0 if all(row.is_fine for row in rows) else 1)


def faults(stack: Stack, logins: int, *, with_provider: bool):
    """
    The faults, one after another; *logins* is about how many there are in all. What a provider
    does has nothing to do with the store, and is played where *with_provider* says so.
    """
    each = max(4, logins // 40)
    yield run(stack, "none", logins // 5, calls_each=2)
    yield run(stack, "app drops the answer", logins // 2, dropping=True, calls_each=2)
    yield slow_and_dropping(stack, each)
    if with_provider:
        for order, loses in MISCHIEF:
            yield misbehaving(stack, order, loses, each)
        yield wrong_tls(stack, min(each, 20))
    yield from killed_at_each_step(stack, max(2, logins // 300))
    many = min(max(each, 30), 400)
    yield killed_at_any_time(stack, many)
    yield told_to_end(stack, many)
    if stack.store == "redis":
        yield redis_away(stack, many, "stopped and started")
        yield redis_away(stack, many, "silent")
        yield redis_away(stack, many, "stopped and started", dropping=True)
        yield redis_away(stack, many, "silent", dropping=True)
    yield together(stack, "20 refreshes at once", 20, is_refresh=True)
    yield together(stack, "64 apps, one code", 64, is_refresh=False)
    yield junk_first(stack)


def run(
    stack: Stack,
    fault: str,
    logins: int,
    *,
    dropping=False,
    before=None,
    during=None,
    calls_each=0,
    excuses=None,
) -> Row:
    """
    *logins* logins, each with a refresh after it; *during* runs beside them, and they then begin
    one after another over some seconds. With *calls_each* the provider must have seen exactly so
    many calls a login, and repeats be answered as before. *excuses* says whose loss is excused.
    """
    row = Row(f"{stack.store}: {fault}", logins)
    people = [stack.consent() for _ in range(logins)]
    calls = token_calls(stack)
    if during:
        # Something shall be under way at any moment.
        stack.order(kind="slow", endpoint="token", calls=logins * 3, seconds=0.3)
    if before:
        before(logins)
    waits = [random.uniform(0, SPREAD if during else 0) for _ in people]
    with ThreadPoolExecutor(logins if during else PARALLEL) as apps:
        finished = [
            apps.submit(live, stack, person, dropping=dropping, wait=wait)
            for person, wait in zip(people, waits, strict=True)
        ]
        if during:
            during(lambda: sum(one.done() for one in finished) / logins)
        for one in finished:
            one.result()
    stack.ask_sandbox("DELETE", "/__sandbox__/mischief")
    account(row, people)
    lost = [person for person in people if person.end == "start again"]
    row.excused = sum(map(excuses, lost)) if excuses else 0
    row.calls = token_calls(stack) - calls
    if calls_each and row.calls != calls_each * logins:
        row.notes.append(f"{row.calls} calls for {logins} logins")
    if calls_each and any(person.forgotten for person in people):
        row.notes.append("a repeat was not answered as before")
    return row


def live(stack: Stack, person: Login, *, dropping: bool = False, wait: float = 0) -> None:
    """One app: exchange until the end, then refresh until the end."""
    time.sleep(wait)
    tokens = insist(stack, person, "exchange", person.question, dropping=dropping)
    if tokens is not None:
        body = {"refresh_token": tokens["refresh_token"]}
        insist(stack, person, "refresh", body, dropping=dropping)


def insist(
    stack: Stack, person: Login, verb: str, body: dict, *, dropping: bool = False
) -> dict | None:
    """Post *body* until there is an answer that ends it; the tokens, if it is they."""
    for attempt in range(TRIES):
        person.tries += 1
        started = time.monotonic()
        first = attempt == 0
        status, answer, pause = post(stack.port, verb, body, drop=dropping and first)
        person.slowest = max(person.slowest, time.monotonic() - started)
        if dropping and first:
            dropped = started
        elif dropping and status:
            person.drops.append((dropped, time.monotonic()))
        if status == 200:
            kept = {name: value for name, value in answer.items() if name != "request_id"}
            stack.secrets += [kept["access_token"], kept["refresh_token"]]
            person.answers.append(kept)
            person.end = "tokens"
            again, same, _ = post(stack.port, verb, body)
            person.forgotten |= again != 200
            if again == 200 and {**same, "request_id": 0} != {**answer, "request_id": 0}:
                person.end = "doubled"
            return kept
        if status and status < 500 and status != 429:
            words = answer["error_description"]
            person.end = "start again" if START_AGAIN.search(words) else f"unclear: {words}"
            return None
        person.broken += status == 0 and not (dropping and first)
        time.sleep(pause)
    person.end = f"unfinished: {verb} {status} {answer.get('error_description', '')}"
    return None


def post(
    port: int, verb: str, body: dict, *, drop: bool = False, kill_at: str = ""
) -> tuple[int, dict, float]:
    """Status (0 for a broken connection), answer, and how long to wait before the next."""
    encoded = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | ({"X-Kill-At": kill_at} if kill_at else {})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=32)
    with contextlib.closing(connection):
        try:
            connection.request("POST", f"/api/tiktok/{verb}", encoded, headers)
            if drop:
                # The phone went into a tunnel: before, or just after the answer was sent.
                time.sleep(random.choice((0, 0.003, 0.02)))
                return 0, {}, 0.0
            answer = connection.getresponse()
            told = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}, 0.1
        return answer.status, told, float(answer.headers.get("Retry-After", 0.2))


def account(row: Row, people: list[Login]) -> None:
    for person in people:
        row.tokens += person.end == "tokens"
        row.start_again += person.end == "start again"
        row.doubled += person.end == "doubled"
        row.tries += person.tries
        row.broken += person.end == "start again" and person.broken > 0
        row.slowest = max(row.slowest, person.slowest)
        if person.end not in ("tokens", "start again", "doubled"):
            row.unfinished += 1
            print(f"{row.fault}: {person.end}", file=sys.stderr)


def misbehaving(stack: Stack, order: dict, loses: bool, logins: int) -> Row:
    words = ", after its commit" if loses and order["kind"] != "drop_after_commit" else ""
    # As many as can be in flight at once: the breaker lets later ones through one at a time.
    calls = min(logins // 2, PARALLEL // 2) if order["kind"] in SILENT else logins
    row = run(stack, f"provider: {order['kind']}{words}", logins,
              before=lambda count: stack.order(**order, endpoint="token", calls=calls))  # fmt: skip
    # Each call that was played spoils one answer for good.
    row.excused = calls if loses else 0
    if stack.state()["calls"].get("followed"):
        row.notes.append("a redirect was followed")
    return row


def slow_and_dropping(stack: Stack, logins: int) -> Row:
    """The app has gone and is back before the provider has answered the first time."""

    def before(count: int) -> None:
        stack.order(kind="slow", endpoint="token", calls=count, seconds=0.4)

    fault = "provider slow, app drops"
    return run(stack, fault, logins, dropping=True, before=before, calls_each=2)


def killed_at_each_step(stack: Stack, victims: int):
    """
    Requests whose process is killed at a step, one after another, so that nobody else dies with
    them; then all of them insist at once, because some wait for the end of a lease.
    """
    groups = {step: [stack.consent() for _ in range(victims)] for step in STEPS}
    rows = {step: Row(f"{stack.store}: killed {step.replace('_', ' ')}", victims) for step in STEPS}
    survivors = kill_and_insist(
        stack, rows, [(step, one, one.question) for step in STEPS for one in groups[step]]
    )
    refreshing = [
        (step, one, {"refresh_token": tokens["refresh_token"]}) for step, one, tokens in survivors
    ]
    kill_and_insist(stack, rows, refreshing)
    for step, row in rows.items():
        account(row, groups[step])
        row.excused = victims if step in UNPROTECTED else 0
        if step in UNPROTECTED and row.start_again != victims:
            row.notes.append("it was not lost where it must be: the kill did not work")
        yield row


def kill_and_insist(stack: Stack, rows: dict[str, Row], asked: list) -> list:
    """Those who got tokens in the end, with them."""
    for step, person, body in asked:
        verb = "refresh" if "refresh_token" in body else "exchange"
        status, _, _ = post(stack.port, verb, body, kill_at=step)
        person.tries += 1
        if status:
            rows[step].notes.append(f"the kill did not work: {status}")
        stack.await_workers()
    with ThreadPoolExecutor(max(len(asked), 1)) as apps:
        ends = [
            apps.submit(
                insist, stack, person, "refresh" if "refresh_token" in body else "exchange", body
            )
            for _, person, body in asked
        ]
        answers = [one.result() for one in ends]
    return [
        (step, person, tokens)
        for (step, person, _), tokens in zip(asked, answers, strict=True)
        if tokens
    ]


def killed_at_any_time(stack: Stack, logins: int) -> Row:
    """A worker dies each second, with all that it was doing."""

    def during(done):
        while done() < 0.7:
            os.kill(random.choice(stack.await_workers()), signal.SIGKILL)
            time.sleep(1)

    row = run(stack, "a worker killed each second", logins, during=during)
    # Whose connection broke may have been in the window; nobody else may be lost.
    row.excused = row.broken
    return row


def told_to_end(stack: Stack, logins: int) -> Row:
    """Workers asked to end finish what they have begun."""

    def during(done):
        while done() < 0.7:
            os.kill(random.choice(stack.await_workers()), signal.SIGTERM)
            time.sleep(1)

    return run(stack, "worker told to end (SIGTERM)", logins, during=during)


def redis_away(stack: Stack, logins: int, how: str, *, dropping=False) -> Row:
    """
    Nobody whose line holds is lost. Who drops an answer and comes back may meet a process that has
    not seen it: that is excused only if it happened while Redis was away.
    """
    away: list[float] = []

    def during(done):
        time.sleep(0.2)
        away.append(time.monotonic())
        if how == "silent":
            stack.redis.send_signal(signal.SIGSTOP)
            time.sleep(2.5)
            stack.redis.send_signal(signal.SIGCONT)
        else:
            stack.stop_redis()
            time.sleep(1.5)
            stack.start_redis()
        away.append(time.monotonic() + UNTIL_BACK)

    def excuses(person: Login) -> bool:
        return any(start < away[1] and end > away[0] for start, end in person.drops)

    fault = f"Redis {how}" + (", app drops the answer" if dropping else "")
    return run(stack, fault, logins, dropping=dropping, during=during, excuses=excuses)


def wrong_tls(stack: Stack, logins: int) -> Row:
    """Nothing is said to a provider whose certificate does not verify; the codes stay good."""
    row = Row(f"{stack.store}: provider's certificate is wrong", logins)
    people = [stack.consent() for _ in range(logins)]
    heard: list[bytes] = []
    with impostor(heard) as impostor_port, contextlib.ExitStack() as running:
        port = free_port()
        other = Stack.__new__(Stack)
        other.__dict__.update(stack.__dict__, _running=running)
        other.start_server(port, FAULTS_PROVIDER=f"https://localhost:{impostor_port}")
        refused = Counter(post(port, "exchange", one.question)[0] for one in people)
    if set(refused) - {503, 504}:
        row.notes.append(f"answered {dict(refused)}")
    if any(heard):
        row.notes.append("something was sent to the impostor")
    with ThreadPoolExecutor(PARALLEL) as apps:
        list(apps.map(lambda person: live(stack, person), people))
    account(row, people)
    return row


@contextlib.contextmanager
def impostor(heard: list[bytes]):
    """A TLS server that nobody vouches for; what it hears after the handshake is kept."""
    sys.path.insert(0, str(ROOT / "bench"))
    from certificates import make_certificate

    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        key, certificate = make_certificate(Path(folder))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with contextlib.suppress(OSError), connection:
                    connection.settimeout(2)
                    with context.wrap_socket(connection, server_side=True) as secure:
                        heard.append(secure.recv(100))

        loop = threading.Thread(target=serve, daemon=True)
        loop.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        loop.join(5)


def together(stack: Stack, fault: str, apps: int, *, is_refresh: bool) -> Row:
    """Many ask the same at the same moment: one call, and the same answer for all."""
    row = Row(f"{stack.store}: {fault}", apps)
    person = stack.consent()
    body, verb = person.question, "exchange"
    if is_refresh:
        tokens = insist(stack, person, verb, body)
        body, verb = {"refresh_token": tokens["refresh_token"]}, "refresh"
    calls = token_calls(stack)
    stack.order(kind="slow", endpoint="token", calls=1, seconds=1)
    start = threading.Barrier(apps)
    people = [Login(person.code, person.verifier) for _ in range(apps)]

    def one(app: Login) -> None:
        start.wait(timeout=30)
        insist(stack, app, verb, body)

    with ThreadPoolExecutor(apps) as pool:
        list(pool.map(one, people))
    account(row, people)
    row.calls = token_calls(stack) - calls
    answers = {json.dumps(answer, sort_keys=True) for app in people for answer in app.answers}
    if row.calls != 1 or len(answers) != 1:
        row.notes.append(f"{row.calls} calls, {len(answers)} different answers")
    return row


def junk_first(stack: Stack) -> Row:
    """A stranger with the code and a made-up verifier is quicker: the owner gets the tokens."""
    row = Row(f"{stack.store}: junk verifier first, owner second", 1)
    person = stack.consent()
    stack.order(kind="slow", endpoint="token", calls=1, seconds=1)
    junk = {"code": person.code, "code_verifier": "j" * 43}
    with ThreadPoolExecutor(2) as pool:
        stranger = pool.submit(post, stack.port, "exchange", junk)
        time.sleep(0.3)
        live(stack, person)
        status, _, _ = stranger.result()
    account(row, [person])
    if status != 400:
        row.notes.append(f"the stranger was answered {status}")
    return row


#: Tokens and codes have shapes of their own: what was never answered is found as well.
SHAPES = re.compile(
    rb"CANARY-|sandbox-client-secret|\b(?:act|rft|clt)\.[\w-]{6}|%2A\d%21\d{4}|\*\d!\d{4}"
)


def look_for_canaries(stack: Stack) -> Row:
    """No code, verifier, token, state or secret in a log, a metric, a store or a command line."""
    row = Row(f"{stack.store}: canaries")
    say_secrets_everywhere(stack)
    places = {str(path): path.read_bytes() for path in sorted(stack.folder.rglob("*"))
              if path.is_file() and path.name != "deeplink.toml"}  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", "/metrics")
        places["/metrics"] = connection.getresponse().read()
    for pid in [stack.process.pid, *stack.workers()]:
        places[f"command line of {pid}"] = Path(f"/proc/{pid}/cmdline").read_bytes()
    if stack.store == "redis":
        places["Redis"] = everything_in_redis(stack.redis_port)
    row.notes += seen_in(places, stack.secrets)
    row.notes += missing_from(places, stack.store)
    return row


def say_secrets_everywhere(stack: Stack) -> None:
    """Each way in which a secret can reach the server, those included that end badly."""
    person = stack.consent()
    link = f"/login-callback/?code={urllib.parse.quote(person.code)}&state=CANARY-state"
    whole = {"redirect_url": f"http://127.0.0.1:{stack.port}{link}", "code_verifier": "CANARY-v"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    exchange, text = "/api/tiktok/exchange", json.dumps(person.question)
    another = json.dumps(stack.consent().question)
    for method, path, body, headers in (
        ("GET", link, "", {"Referer": f"https://www.tiktok.com{link}"}),
        ("GET", link.replace("%2A", "%zz"), "", {}),
        ("GET", exchange + link[16:], "", {"Authorization": "Bearer CANARY-token"}),
        ("POST", exchange, json.dumps(whole), {}),
        ("POST", exchange, json.dumps(whole | {"CANARY-name": "x"}), {}),
        ("POST", exchange, text[:-1], {}),
        ("POST", exchange, text, {"Content-Type": "text/CANARY-type"}),
        ("POST", exchange, urllib.parse.urlencode(person.question | {"state": "CANARY-s"}), form),
        ("POST", exchange, text, {"Origin": "https://CANARY-origin.example"}),
        ("POST", exchange, text, {"Host": "CANARY-host.example"}),
        ("POST", exchange, text, {"X-App-Key": "CANARY-key", "X-Forwarded-For": "CANARY-address"}),
        ("POST", exchange, another, {"X-Kill-At": "stumble"}),
        ("POST", "/api/tiktok/revoke", '{"token": "act.CANARY-token"}', {}),
        ("POST", "/api/nobody/exchange", text, {}),
        ("PUT", "/", text, {}),
        ("GET CANARY-line", "/", "", {}),
    ):
        connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30)
        connection._validate_method = lambda method: None
        with contextlib.closing(connection):
            sent = {"Content-Type": "application/json"} | headers
            connection.request(method, path, body, sent)
            connection.getresponse().read()


def seen_in(places: dict[str, bytes], secrets: list[str]) -> list[str]:
    """What must not stand there, cut short."""
    notes = []
    sample = random.sample(secrets, min(300, len(secrets)))
    for place, content in places.items():
        if found := SHAPES.search(content):
            notes.append(f"{place} holds {found[0][:12]!r}…")
        if any(secret.encode() in content for secret in sample):
            notes.append(f"{place} holds a secret")
    return notes


def missing_from(places: dict[str, bytes], store: str) -> list[str]:
    """What a search must have looked at, or its silence says nothing."""
    log = b"".join(content for place, content in places.items() if "/server-" in place)
    wanted = {
        "gunicorn's own log at DEBUG": b'"level": "debug", "logger": "gunicorn.error"' in log,
        "a traceback of ours": b"Stumbled" in log,
        "metrics": b"deeplink_exchanges_total" in places["/metrics"],
        "command lines": any(place.startswith("command line") for place in places),
    }
    if store == "sqlite":
        wanted["SQLite's statements with their values"] = b'"logger": "sqlite3"' in log
        wanted["SQLite's files"] = any(place.endswith("-wal") for place in places)
    else:
        wanted["what lies in Redis"] = len(places["Redis"]) > 1000
    return [f"{what}: not looked at" for what, is_there in wanted.items() if not is_there]


def everything_in_redis(port: int) -> bytes:
    import redis

    client = redis.Redis(port=port)
    with contextlib.closing(client):
        keys = list(client.scan_iter(count=1000))
        return b"\n".join([*keys, *(value for value in client.mget(keys) if value)] if keys else [])


def token_calls(stack: Stack) -> int:
    return int(stack.state()["calls"].get("token", 0))


def show(row: Row, *, is_first: bool) -> None:
    if is_first:
        print(f"{'fault':<52}{'logins':>7}{'tokens':>8}{'again':>7}{'excused':>8}{'doubled':>8}"
              f"{'tries':>8}{'slowest':>9}")  # fmt: skip
    verdict = "" if row.is_fine else f"  WRONG {'; '.join(row.notes)}"
    print(f"{row.fault:<52}{row.logins:>7}{row.tokens:>8}{row.start_again:>7}{row.excused:>8}"
          f"{row.doubled:>8}{row.tries:>8}{row.slowest:>7.1f} s{verdict}", flush=True)  # fmt: skip


def summarise(rows: list[Row], seconds: float) -> None:
    for row in rows:
        if row.fault.endswith("canaries"):
            print(f"{row.fault}: {'; '.join(row.notes) or 'none seen'}")
    logins, lost = sum(row.logins for row in rows), sum(row.start_again for row in rows)
    doubled = sum(row.doubled for row in rows)
    unfinished = sum(row.unfinished for row in rows)
    if not all(row.is_fine for row in rows):
        print("SOMETHING IS WRONG, see above")
        return
    print(
        f"{logins} logins in {seconds:.0f} s: {doubled} doubled, {unfinished} without an end, "
        f"{lost} told to start again, all in the window between the provider's commit and our "
        "write, or with an answer dropped while Redis was away"
    )


def launch(command: list[object], log: Path, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            list(map(str, command)),
            cwd=ROOT,
            env={**os.environ, **environ},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(400):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise SystemExit(f"faults: {process.args} did not start")


if __name__ == "__main__":
    main()
