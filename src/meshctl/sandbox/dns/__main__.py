"""`python -m meshctl.sandbox.dns FILE ADDRESS [PORT]`."""

import sys

from meshctl.sandbox.dns.server import Names, Server


def main(names: str, address: str, port: str = "53") -> None:
    """Answer until killed; the file holds the zone as JSON."""
    Server(address, int(port), Names(names)).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
