"""`python -m benchmarks [name...]`: every benchmark, or those named."""

import sys

from benchmarks import api, command_line, hosts, labs, lifecycle, mesh, pki, translation

BENCHMARKS = {
    "command-line": command_line.run,
    "pki": pki.run,
    "hosts": hosts.run,
    "lifecycle": lifecycle.run,
    "api": api.run,
    "mesh": mesh.run,
    "translation": translation.run,
    "labs": labs.run,
}

for name in sys.argv[1:] or BENCHMARKS:
    if name not in BENCHMARKS:
        sys.exit(f"benchmark {name!r} is unknown; expected one of {', '.join(BENCHMARKS)}")
    BENCHMARKS[name]()
