"""`python -m meshctl.sandbox.apiserver --config FILE`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from meshctl.errors import MeshctlError
from meshctl.sandbox.apiserver import config, server


def main() -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m meshctl.sandbox.apiserver", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="settings, as YAML or JSON")
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    # It writes a traceback for every peer that does not speak HTTP; our own defects are logged by `front`.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    try:
        asyncio.run(server.serve(config.load(parser.parse_args().config)))
    except (MeshctlError, OSError) as error:
        logging.getLogger(__name__).error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
