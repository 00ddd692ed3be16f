"""``deeplink sandbox``: a pretend TikTok on this machine."""

from __future__ import annotations

import errno
import logging
import sys

import click

from deeplink.cli import folders
from deeplink.sandbox import DEFAULT_CLIENT_KEY, DEFAULT_CLIENT_SECRET


class _PortFault(click.ClickException):
    """The port cannot be had; not a mistake in the command, so its usage is not shown."""

    exit_code = 2


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8001,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes a free one and prints it.",
)
@click.option(
    "--client",
    "clients",
    multiple=True,
    metavar="KEY:SECRET",
    help=f"A client, repeatable. [default: {DEFAULT_CLIENT_KEY}:{DEFAULT_CLIENT_SECRET}]",
)
@click.option(
    "--redirect-uri",
    "redirect_uris",
    multiple=True,
    metavar="URI",
    help="A registered redirect URI, repeatable; http://127.0.0.1:*/path takes any port. "
    "Without one: any https URI, and any http URI of this machine.",
)
@click.option("--auto", is_flag=True, help="Consent without showing the page.")
@click.option(
    "--strict",
    is_flag=True,
    help="Refuse what TikTok would probably refuse, instead of only saying so.",
)
@click.option(
    "--error-status",
    type=click.Choice(["200", "rfc"]),
    default="200",
    show_default=True,
    help="HTTP status of OAuth errors: 200 as observed at TikTok, or RFC 6749's 4xx.",
)
@click.option(
    "--lifetimes",
    type=click.Choice(["2026", "legacy"]),
    default="2026",
    show_default=True,
    help="Tokens for 2 hours and 180 days, or as before 2026 for 24 hours and 365 days.",
)
def sandbox(
    port: int,
    clients: tuple[str, ...],
    redirect_uris: tuple[str, ...],
    auto: bool,
    strict: bool,
    error_status: str,
    lifetimes: str,
) -> None:
    """
    A pretend TikTok on 127.0.0.1, for logins without network, account or portal.

    \b
    Examples:
      deeplink sandbox
      deeplink sandbox --auto --strict
      deeplink sandbox --client mykey:mysecret --redirect-uri 'http://127.0.0.1:*/callback/'
      curl http://127.0.0.1:8001/__sandbox__/mischief --json '{"kind": "drop_after_commit"}'

    It serves TikTok's own paths at its root: /v2/auth/authorize/, /v2/oauth/token/,
    /v2/oauth/revoke/, /v2/user/info/ and the QR login. /google, /github and /apple play those
    providers, each with its own paths behind it. /__sandbox__/ shows what happened and takes
    orders for misbehaviour. It answers this machine only.
    """
    # Flask is imported here so that `deeplink --help` does not wait for it.
    from deeplink.sandbox.server import open_socket, serve
    from deeplink.sandbox.tiktok import create_sandbox

    try:
        app = create_sandbox(
            _parse_clients(clients),
            redirect_uris,
            auto=auto,
            strict=strict,
            error_status=error_status,
            lifetimes=lifetimes,
            templates=folders.TEMPLATES,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        listener = open_socket(port)
    except OSError as error:
        raise _PortFault(_port_fault(port, error)) from error
    logging.basicConfig(level=logging.INFO, format="sandbox: %(message)s", stream=sys.stderr)
    serve(app, listener, _announce)


def _parse_clients(pairs: tuple[str, ...]) -> dict[str, str]:
    clients: dict[str, str] = {}
    for pair in pairs:
        key, colon, secret = pair.partition(":")
        if not key or not colon or not secret:
            # The pair itself is not shown: half of it may be a real secret.
            raise ValueError("--client wants KEY:SECRET, both not empty, with a colon between")
        if key in clients:
            raise ValueError(f"--client {key}: this key is there twice; each needs its own")
        clients[key] = secret
    return clients or {DEFAULT_CLIENT_KEY: DEFAULT_CLIENT_SECRET}


def _port_fault(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        what = f"port {port} is taken by another program; stop it, or"
    else:
        what = f"port {port} cannot be opened ({error.strerror});"
    return f"{what} choose another with --port (0 takes a free one)"


def _announce(address: str) -> None:
    click.echo(f"Pretend TikTok at {address} (what happens: {address}/__sandbox__/)")
    click.echo("Press Ctrl-C to end it.")
    sys.stdout.flush()
