"""`meshctl open`: Bookinfo's page in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from meshctl.cli import mesh as live
from meshctl.cli import output
from meshctl.cli.options import Preset, TopologyFile

PAGE = "/productpage"


def open_page(
    topology: TopologyFile = None,
    preset: Preset = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it, or only print the URL.")] = True,
) -> None:
    """Print Bookinfo's URL and open it in a browser.

    Example: curl -s $(meshctl open --no-browser)
    """
    url = live.page(live.connect(topology, preset)) + PAGE
    output.say(url)
    if browser and not _shown(url):
        output.warn("no browser could be started here; open the URL yourself")


def _shown(url: str) -> bool:
    import webbrowser

    return webbrowser.open(url)
