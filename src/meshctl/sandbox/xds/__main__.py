"""`python -m meshctl.sandbox.xds serve`."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from meshctl.sandbox.xds.istiod import settings
from meshctl.sandbox.xds.istiod.serve import ControlPlane


def main(arguments: list[str]) -> int:
    """Serve until told to stop."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO, stream=sys.stdout)
    if arguments[:1] != ["serve"]:
        logging.error("expected: python -m meshctl.sandbox.xds serve [flags]")
        return 2
    asyncio.run(ControlPlane(settings.parse(arguments[1:], os.environ)).run())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
