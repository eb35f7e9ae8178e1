"""A root and three intermediates, RSA-4096: Istio's way (openssl, one command after another) against ours."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from meshctl.pki import issuance
from meshctl.pki.key_type import KeyType

CLUSTERS = ("cluster1", "cluster2", "cluster3")
SCRIPT = Path(__file__).with_name("istio-certs.sh")
ROUNDS = 25  # the search for primes is a matter of luck
TARGET = 4.0


def run(rounds: int = ROUNDS) -> None:
    """Print medians and ratios; the ways take turns, so that a busy machine slows all of them alike."""
    ways = {
        "Istio's Makefile, its openssl commands": with_openssl,
        "meshctl certs init, whole process": with_command,
        "the same in process": in_process,
        "in process, rsa-2048": lambda folder: in_process(folder, KeyType.RSA_2048),
        "in process, ec-p256": lambda folder: in_process(folder, KeyType.EC_P256),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            seconds[name].append(timed(way))
    report(seconds)


def with_openssl(folder: Path) -> None:
    """What `make root-ca cluster1-cacerts ...` runs."""
    subprocess.run(["sh", SCRIPT, folder, *CLUSTERS], check=True, stderr=subprocess.DEVNULL)


def with_command(folder: Path) -> None:
    """What a person types; every file is on disk, and checked, when it ends."""
    command = [
        sys.executable,
        "-m",
        "meshctl",
        "certs",
        "init",
        "--preset",
        "classroom",
        "--dir",
        str(folder / "certs"),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def in_process(folder: Path, key_type: KeyType = KeyType.RSA_4096) -> None:
    """What `meshctl up` does."""
    issuance.complete(folder / "certs", CLUSTERS, datetime.now(UTC), key_type)


def timed(way: Callable[[Path], None]) -> float:
    """Seconds that one run in an empty directory takes."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        way(Path(folder))
        return time.perf_counter() - start


def report(seconds: dict[str, list[float]]) -> None:
    """Print one line for each way; the first is what the others are compared with."""
    reference = median(next(iter(seconds.values())))
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"root and {len(CLUSTERS)} intermediates; target: {TARGET:.0f} times as fast for RSA-4096; {machine}")
    for name, values in seconds.items():
        low, middle, high = min(values), median(values), max(values)
        print(f"  {name:40} {middle:7.3f} s  ({low:.3f} to {high:.3f})  {reference / middle:7.1f} times")
