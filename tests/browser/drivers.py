"""
Firefox over WebDriver BiDi and WebKitGTK over WebDriver, as little of both as the tests need.

Debian has no geckodriver, and Firefox needs none for BiDi (https://w3c.github.io/webdriver-bidi/).
WebKitGTK's MiniBrowser wants a display: Xvfb gives it one. Both reach the stage's hosts by a proxy
that writes down who was asked for, and refuses the rest of the world.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import urllib3
import websocket

#: Seconds for anything that a browser is asked for; a busy machine starts one slowly.
PATIENCE = 60

WEBKIT_DRIVER = "WebKitWebDriver"
QUIET = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.server": "data:,",
}


def find_minibrowser() -> Path | None:
    """WebKitGTK's own browser, which is in no PATH."""
    return next(iter(sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))), None)


class Gate:
    """An HTTP proxy that knows *hosts* as this machine's *port*, and nobody else."""

    def __init__(self, hosts, port):
        self.asked = []
        self._hosts, self._port = hosts, port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        # Closing alone would not wake the thread that waits there.
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _listen(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                octets = client.recv(4096)
                if not octets:
                    return
                head += octets
            method, target, _ = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
            self.asked.append(target)
            host, _, _ = target.rpartition(":")
            if method != "CONNECT" or host not in self._hosts:
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", self._port)) as server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join(PATIENCE)


def _pump(source, sink):
    with contextlib.suppress(OSError):
        while octets := source.recv(65536):
            sink.sendall(octets)
    for side in (source, sink):
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)


def wait_for(answer, what):
    """The first truth that *answer* gives; a page on its way to another may give none at all."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(AssertionError):
            found = answer()
            if found:
                return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


@contextmanager
def running(command, **options):
    """A process of our own, ended by its own id whatever happens."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


class Firefox:
    """One Firefox; *events* are what it told since the last ``open_tab``."""

    def __init__(self, address, proxy, *, script):
        self.has_script = script
        self._socket = websocket.create_connection(
            f"{address}/session", timeout=PATIENCE, suppress_origin=True
        )
        self._number, self.events, self.tab = 0, [], None
        proxies = {"proxyType": "manual", "httpProxy": proxy, "sslProxy": proxy}
        wanted = {"acceptInsecureCerts": True, "proxy": proxies}
        self.call("session.new", capabilities={"alwaysMatch": wanted})
        self.call("session.subscribe", events=["network.beforeRequestSent", "browsingContext"])

    def call(self, method, **params):
        """The result of one command; events that come meanwhile are kept."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                assert message["type"] == "success", message
                return message["result"]
            self.events.append(message)

    def open_tab(self, user_agent, *, preload=""):
        """A new tab in a session of its own: a visitor who was never here."""
        person = self.call("browser.createUserContext")["userContext"]
        self.events.clear()
        self.tab = self.call("browsingContext.create", type="tab", userContext=person)["context"]
        # A page that is hidden when it comes makes no attempt, and a new tab is at first.
        self.call("browsingContext.activate", context=self.tab)
        if self.has_script:
            wait_for(lambda: self.run("document.visibilityState") == "visible", "a tab to be seen")
        where = {"contexts": [self.tab]}
        self.call("emulation.setUserAgentOverride", userAgent=user_agent, **where)
        if preload:
            self.call(
                "script.addPreloadScript", functionDeclaration=f"() => {{ {preload} }}", **where
            )

    def close(self):
        with contextlib.suppress(OSError, websocket.WebSocketException, AssertionError):
            self.call("browser.close")
        self._socket.close()

    def close_tab(self):
        self.call("browsingContext.close", context=self.tab)

    def go(self, url, wait="complete"):
        self.call("browsingContext.navigate", context=self.tab, url=url, wait=wait)

    def reload(self):
        self.call("browsingContext.reload", context=self.tab, wait="complete")

    def back(self):
        self.call("browsingContext.traverseHistory", context=self.tab, delta=-1)

    def run(self, expression):
        """What *expression* is in the page, by way of JSON."""
        answer = self.call(
            "script.evaluate",
            expression=f"Promise.resolve({expression}).then(JSON.stringify)",
            target={"context": self.tab},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def click(self, selector):
        """As a finger does."""
        found = self.call(
            "browsingContext.locateNodes",
            context=self.tab,
            locator={"type": "css", "value": selector},
        )["nodes"][0]
        origin = {"type": "element", "element": {"sharedId": found["sharedId"]}}
        steps = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        actions = [{"type": "pointer", "id": "finger", "actions": steps}]
        self.call("input.performActions", context=self.tab, actions=actions)

    @property
    def url(self):
        return self.call("browsingContext.getTree", root=self.tab)["contexts"][0]["url"]

    def told(self, method):
        """The parameters of the events of one kind that are this tab's."""
        self.call("session.status")  # what was sent before it has come, too
        return [
            event["params"]
            for event in self.events
            if event.get("method") == method and event["params"].get("context") == self.tab
        ]


@contextmanager
def firefox(path, folder, proxy, *, script=True):
    """Debian's Firefox without a window; *script* says whether its pages may run any."""
    wanted = {**QUIET, "javascript.enabled": script}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(wanted[name])});" for name in wanted]
    (folder / "user.js").write_text("\n".join(lines), "utf-8")
    command = [path, "--headless", "--no-remote", "--profile", folder]
    told = folder / "WebDriverBiDiServer.json"
    with running(
        [*command, "--remote-debugging-port", "0"], env={**os.environ, "HOME": str(folder)}
    ):
        wait_for(lambda: told.is_file() and told.read_text("utf-8"), "Firefox to listen")
        server = json.loads(told.read_text("utf-8"))
        browser = Firefox(f"ws://{server['ws_host']}:{server['ws_port']}", proxy, script=script)
        try:
            yield browser
        finally:
            browser.close()


class WebKit:
    """One MiniBrowser; a session has its own User-Agent and storage."""

    def __init__(self, address, user_agent, *, script=True):
        self._http = urllib3.PoolManager(timeout=PATIENCE, retries=False)
        self._address = address
        arguments = ["--automation", f"--user-agent={user_agent}"]
        arguments += [] if script else ["--enable-javascript=false"]
        options = {"binary": str(find_minibrowser()), "args": arguments}
        wanted = {"acceptInsecureCerts": True, "webkitgtk:browserOptions": options}
        session = self._call("POST", "", {"capabilities": {"alwaysMatch": wanted}})
        self._address += f"/{session['sessionId']}"

    def _call(self, method, path, body=None):
        octets = None if body is None else json.dumps(body)
        answer = self._http.request(method, self._address + path, body=octets)
        value = json.loads(answer.data)["value"]
        assert answer.status == 200, value
        return value

    def go(self, url):
        self._call("POST", "/url", {"url": url})

    def back(self):
        self._call("POST", "/back", {})

    def run(self, expression):
        """What *expression* is in the page."""
        body = {"script": f"return {expression}", "args": []}
        return self._call("POST", "/execute/sync", body)

    def click(self, selector):
        body = {"using": "css selector", "value": selector}
        element = next(iter(self._call("POST", "/element", body).values()))
        self._call("POST", f"/element/{element}/click", {})

    @property
    def url(self):
        return self._call("GET", "/url")

    def close(self):
        self._call("DELETE", "")
        self._http.clear()


@contextmanager
def webkit_driver(proxy):
    """WebKitGTK's driver with a display; gives the address where sessions are made."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    reader, writer = os.pipe()
    command = [shutil.which("Xvfb"), "-displayfd", str(writer), "-screen", "0", "800x900x24"]
    with os.fdopen(reader) as told, running([*command, "-nolisten", "tcp"], pass_fds=[writer]):
        os.close(writer)
        # MiniBrowser listens to no proxy of WebDriver's, but to the environment's, as all of GLib.
        environment = {
            **os.environ,
            "DISPLAY": f":{told.readline().strip()}",
            "http_proxy": f"http://{proxy}",
            "https_proxy": f"http://{proxy}",
            "no_proxy": "127.0.0.1,localhost",
        }
        driver = [shutil.which(WEBKIT_DRIVER), "--host=127.0.0.1", f"--port={port}"]
        with running(driver, env=environment):
            wait_for(lambda: _listens(port), "WebKitWebDriver to listen")
            yield f"http://127.0.0.1:{port}/session"


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
