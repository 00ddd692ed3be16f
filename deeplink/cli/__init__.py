"""
The command line: one module a command, imported only when that command runs.

``say`` is the voice of all of them. Exit codes: 0 fine, 1 findings of severity error, 2 misuse.
"""

from __future__ import annotations

from importlib import import_module

import click

#: Each command and its line in ``deeplink --help``; its module has the same name.
COMMANDS = {
    "check": "Check the config, or association files, and say what is wrong and where.",
    "conform": "Answer one JSON question a line with one JSON answer a line.",
    "convert": "Turn Apple's rules into Android's dynamic rules or back, and say what is lost.",
    "diff": "Say what two versions of a config or an association file mean differently.",
    "match": "Say which app opens a URL on each system, or why none does.",
    "render": "Print a published file, byte for byte; without a name, list what is published.",
    "sandbox": "A pretend TikTok on 127.0.0.1, for logins without network, account or portal.",
    "serve": "Serve on this machine, with the sandbox beside it where the config asks for one.",
}


class _Commands(click.Group):
    """The commands by name: ``--help`` reads the table and imports none of them."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"deeplink.cli.{name}"), name)
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
            from deeplink.findings import did_you_mean

            hint = did_you_mean(arguments[0], COMMANDS)
            context.fail(f'"{arguments[0]}" is not a command; {hint}')
        return super().resolve_command(context, arguments)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    help="Show the version.",
    callback=lambda context, option, is_asked: _show_version(context) if is_asked else None,
)
def main() -> None:
    """Association files, the login callback page and the token exchange: one small server."""


def _show_version(context: click.Context) -> None:
    import tomllib
    from importlib.metadata import PackageNotFoundError, version
    from pathlib import Path

    try:
        number = version("deeplink")
    except PackageNotFoundError:
        # A checkout where only the requirements are installed: the number has one home there.
        pyproject = Path(__file__).parents[2] / "pyproject.toml"
        number = tomllib.loads(pyproject.read_text("utf-8"))["project"]["version"]
    click.echo(f"deeplink {number}")
    context.exit()
