"""``deeplink serve``: the server and, where the config asks for one, the sandbox beside it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import click

from deeplink import config as configuration
from deeplink.cli import folders
from deeplink.errors import ConfigError

if TYPE_CHECKING:
    from types import FrameType


_SANDBOX_PORT = 8001


@click.command()
@click.option("--port", default=8000, envvar="PORT", show_default=True, help="Port to serve on.")
@click.option(
    "--config",
    "config_path",
    envvar="DEEPLINK_CONFIG",
    type=click.Path(path_type=Path),
    default=folders.CONFIG,
    help="Config file.  [default: config/deeplink.toml]",
)
def serve(port: int, config_path: Path) -> None:
    """
    Serve on this machine, with the sandbox beside it where the config asks for one.

    \b
    deeplink serve
    deeplink serve --port 9000 --config staging.toml

    Listens on 127.0.0.1 only. On a real host run gunicorn itself: gunicorn app:app
    """
    if not (folders.HOME / "app.py").exists():
        raise click.UsageError("the server runs from a checkout of the project, not from a wheel")
    _refuse_taken_port(port)
    sandbox_url = f"http://127.0.0.1:{_free_port(_SANDBOX_PORT)}"
    environ = {
        **os.environ,
        "PORT": str(port),
        "DEEPLINK_CONFIG": str(config_path.absolute()),
        "DEEPLINK_SANDBOX_URL": sandbox_url,
    }
    try:
        config = configuration.load(config_path, environ, well_known=folders.WELL_KNOWN)
    except ConfigError as error:
        click.echo(str(error), err=True)
        click.echo("deeplink: the server does not start on a config with errors", err=True)
        raise SystemExit(3) from None
    children: list[subprocess.Popen[bytes]] = []
    _end_with(children)
    try:
        if config.sandbox_url:
            children.append(_start_sandbox(sandbox_url, environ))
        server = _start_server(port, environ)
        children.insert(0, server)
        _announce(port, server, bool(config.sandbox_url))
        code = server.wait()
    finally:
        _stop(children)
    raise SystemExit(code)


def _refuse_taken_port(port: int) -> None:
    if not _is_free(port):
        click.echo(
            f"deeplink: port {port} is taken by another program; stop it, or choose another "
            f"port: make run PORT={port + 1000}",
            err=True,
        )
        raise SystemExit(2)


def _free_port(wanted: int) -> int:
    """*wanted*, or any other free port: the address reaches everyone who has to know it."""
    if _is_free(wanted):
        return wanted
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As gunicorn does, so that the last run's closing connections do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _start_sandbox(url: str, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    port = url.rpartition(":")[2]
    return subprocess.Popen(
        [sys.executable, "-m", "deeplink", "sandbox", "--port", port], env=environ, cwd=folders.HOME
    )


def _start_server(port: int, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "app:app", "--bind", f"127.0.0.1:{port}"],
        env=environ,
        cwd=folders.HOME,
    )


def _announce(port: int, server: subprocess.Popen[bytes], with_sandbox: bool) -> None:
    """Say where to look once there is something to see; a server that ended says why itself."""
    for _ in range(200):
        if server.poll() is not None:
            return
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                break
        except OSError:
            time.sleep(0.05)
    beside = ", a pretend TikTok beside it" if with_sandbox else ""
    click.echo(f"deeplink: ready at http://127.0.0.1:{port}{beside}; stop with Ctrl+C")


def _end_with(children: list[subprocess.Popen[bytes]]) -> None:
    """Let SIGTERM and SIGINT end the children first; the wait for the server then returns."""

    def end(number: int, frame: FrameType | None) -> None:
        for child in children:
            child.terminate()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(timeout=30)
        except subprocess.TimeoutExpired:
            child.kill()
