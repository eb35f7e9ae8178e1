"""The result in fortio's words (fortio 1.66, `fortio load`)."""

from __future__ import annotations

from collections.abc import Iterator

from meshctl.sandbox.load.generator import Done, Load

PERCENTILES = (50, 75, 90, 99, 99.9)


def lines(load: Load, done: Done) -> Iterator[str]:
    """What fortio prints at the end."""
    count, times = len(done.latencies), sorted(done.latencies)
    rate = f"{load.rate:g}" if load.rate else "max"
    yield f"Fortio running at {rate} queries per second, {load.connections} connections: {load.call.path}"
    yield f"Ended after {done.seconds:.9g}s : {count} calls. qps={count / max(done.seconds, 1e-9):.5g}"
    if not times:
        return
    mean = sum(times) / count
    bounds = f"min {times[0]:.8g} max {times[-1]:.8g}"
    yield f"Aggregated Function Time : count {count} avg {mean:.8g} {bounds} sum {sum(times):.8g}"
    for percentile in PERCENTILES:
        yield f"# target {percentile:g}% {times[min(count - 1, int(count * percentile / 100))]:.6g}"
    yield f"Sockets used: {done.sockets} (for perfect keepalive, would be {load.connections})"
    for code, number in sorted(done.codes.items()):
        yield f"Code {code:3d} : {number} ({100 * number / count:.1f} %)"
    yield f"All done {count} calls (plus 0 warmup) {mean * 1000:.3f} ms avg, {count / max(done.seconds, 1e-9):.1f} qps"
