"""The `meshctl` command: every subcommand by hand, and one place where an error becomes an exit code."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated

import typer

from meshctl import __version__
from meshctl.cli import certs, lab, output
from meshctl.cli.endpoints import endpoints
from meshctl.cli.exec import execute
from meshctl.cli.fail import fail, heal
from meshctl.cli.init import init
from meshctl.cli.kubeconfig import kubeconfig
from meshctl.cli.logs import logs
from meshctl.cli.open import open_page
from meshctl.cli.predict import predict
from meshctl.cli.proxy_config import proxy_config
from meshctl.cli.render import render
from meshctl.cli.reset import reset
from meshctl.cli.shell import shell
from meshctl.cli.status import status
from meshctl.cli.traffic import traffic
from meshctl.cli.up import down, plan, up
from meshctl.cli.validate import validate
from meshctl.errors import MeshctlError

app = typer.Typer(
    name="meshctl",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: meshctl init && meshctl validate",
)


def _version(wanted: bool) -> None:
    if wanted:
        output.say(f"meshctl {__version__}")
        raise typer.Exit


@app.callback()
def meshctl(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Build, teach in, break, reset and tear down a classroom of Kubernetes clusters with one Istio mesh."""


app.command()(init)
app.command()(validate)
app.add_typer(certs.app)
app.command()(render)
app.command()(up)
app.command()(plan)
app.command()(down)
app.command()(status)
app.command()(kubeconfig)
app.command()(shell)
app.command()(predict)
app.command()(proxy_config)
app.add_typer(lab.app)
app.command()(endpoints)
app.command()(traffic)
app.command()(logs)
app.command("exec")(execute)
app.command()(fail)
app.command()(heal)
app.command()(reset)
app.command("open")(open_page)


def _terminated(number: int, _: object) -> None:
    """SIGTERM is a Ctrl-C that another program types."""
    raise KeyboardInterrupt(number)


def main() -> None:
    """Run the command line; a MeshctlError is printed without a traceback and becomes its exit code."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app()
    except MeshctlError as error:
        output.error(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # `meshctl ... | head`: the reader is gone, and Python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
