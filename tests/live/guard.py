"""Ends the sandboxes below a folder when its standard input closes: also those of a test run that was killed."""

from __future__ import annotations

import sys
from pathlib import Path

from meshctl.sandbox import running


def main(home: Path) -> None:
    """Wait for the end of the test run."""
    sys.stdin.read()
    with running.supervisors() as found:
        for supervisor in found:
            if home in supervisor.folder.parents:
                supervisor.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
