"""Making and replacing certificates on disk, also when killed at any instant, under any umask, and two at once."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from meshctl.errors import UsageError
from meshctl.pki import issuance, store, verification
from meshctl.pki.authority import PrivateKey, make_keys
from meshctl.pki.key_type import KeyType

NOW = datetime.now(UTC).replace(microsecond=0)
CLUSTERS = ("cluster1", "cluster2")
EC = KeyType.EC_P256
# Whatever changes what a directory holds raises one of these audit events first, or `open` for writing.
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "shutil.rmtree"}
Act = Callable[[Path], object]


def init(directory: Path) -> object:
    return issuance.complete(directory, CLUSTERS, NOW, EC)


def add_cluster(directory: Path) -> object:
    return issuance.complete(directory, (*CLUSTERS, "cluster3"), NOW)


def rotate(directory: Path) -> object:
    issuance.rotate(directory, "cluster1", NOW)
    return None


def force(directory: Path) -> object:
    return issuance.complete(directory, CLUSTERS, NOW, EC, force=True)


def contents(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*.pem")}


def problems(directory: Path, clusters: tuple[str, ...] = CLUSTERS) -> list[str]:
    return [str(problem) for problem in verification.problems(directory, clusters, NOW)]


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    init(tmp_path / "certs")
    return tmp_path / "certs"


def test_a_new_directory_holds_istios_files_and_is_sound(certs: Path) -> None:
    four = {"ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem"}
    expected = {"root-cert.pem", "root-key.pem"} | {f"{cluster}/{name}" for cluster in CLUSTERS for name in four}
    assert set(contents(certs)) == expected
    assert problems(certs) == []


def test_a_second_time_changes_nothing(certs: Path) -> None:
    before = contents(certs)
    assert init(certs) == issuance.Issued(root=False, made=(), restored=())
    assert contents(certs) == before


def test_a_cluster_added_later_gets_an_intermediate_of_the_roots_type(certs: Path) -> None:
    before = contents(certs)
    assert add_cluster(certs) == issuance.Issued(root=False, made=("cluster3",), restored=())
    assert contents(certs).items() > before.items()
    assert problems(certs, (*CLUSTERS, "cluster3")) == []
    key = store.read_cluster(certs, "cluster3").key
    assert issuance._type_of(key) is EC


def test_rotate_replaces_one_cluster_under_the_same_root(certs: Path) -> None:
    before = contents(certs)
    rotate(certs)
    after = contents(certs)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"cluster1/ca-cert.pem", "cluster1/ca-key.pem", "cluster1/cert-chain.pem"}
    assert problems(certs) == []


def test_force_replaces_everything(certs: Path) -> None:
    before = contents(certs)
    force(certs)
    assert all(content != before[name] for name, content in contents(certs).items())
    assert problems(certs) == []


def test_read_cluster_returns_what_is_on_disk(certs: Path) -> None:
    authority = store.read_cluster(certs, "cluster2")
    assert authority.chain == authority.certificate + authority.root
    assert authority.key.pem == (certs / "cluster2" / "ca-key.pem").read_bytes()


def test_reading_a_cluster_without_certificates_says_what_makes_them(certs: Path) -> None:
    with pytest.raises(UsageError, match=r"cluster9/ca-cert.pem: is missing; `meshctl certs init` makes"):
        store.read_cluster(certs, "cluster9")


# --- gaps that a person made


def test_lost_copies_are_restored_around_the_same_certificate(certs: Path) -> None:
    before = contents(certs)
    (certs / "cluster1" / "cert-chain.pem").unlink()
    (certs / "cluster1" / "root-cert.pem").unlink()
    assert init(certs) == issuance.Issued(root=False, made=(), restored=("cluster1",))
    assert contents(certs) == before


def test_a_key_without_a_certificate_gets_one(certs: Path) -> None:
    key = (certs / "cluster1" / "ca-key.pem").read_bytes()
    (certs / "cluster1" / "ca-cert.pem").unlink()
    assert init(certs) == issuance.Issued(root=False, made=("cluster1",), restored=())
    assert (certs / "cluster1" / "ca-key.pem").read_bytes() == key
    assert problems(certs) == []


def test_a_root_key_alone_gets_its_certificate(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "root-key.pem").write_bytes(make_keys(1, EC)[0].pem)
    (tmp_path / "root-key.pem").chmod(0o600)
    assert init(tmp_path) == issuance.Issued(root=True, made=CLUSTERS, restored=())
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (["root-key.pem"], "root-key.pem: is missing"),
        (["root-cert.pem"], "root-cert.pem: is missing; copy .*/cluster1/root-cert.pem to it"),
        (["root-cert.pem", "root-key.pem"], "put them back, or replace everything with --force"),
        (
            ["cluster1/ca-key.pem"],
            "cluster1/ca-key.pem: is missing; put it back, or .* `meshctl certs rotate cluster1`",
        ),
    ],
)
def test_what_cannot_be_made_again_is_asked_for(certs: Path, lost: list[str], words: str) -> None:
    for name in lost:
        (certs / name).unlink()
    before = contents(certs)
    with pytest.raises(UsageError, match=words):
        init(certs)
    assert contents(certs) == before


def test_a_foreign_root_key_signs_nothing(certs: Path) -> None:
    (certs / "root-key.pem").write_bytes(make_keys(1, EC)[0].pem)
    for act in (add_cluster, rotate):
        before = contents(certs)
        with pytest.raises(UsageError, match="root-key.pem: is not the key of"):
            act(certs)
        assert contents(certs) == before


def test_an_expired_root_signs_nothing(certs: Path) -> None:
    with pytest.raises(UsageError, match="root-cert.pem: expired on"):
        issuance.complete(certs, (*CLUSTERS, "cluster3"), NOW + timedelta(days=3651))


def test_rotate_needs_a_root(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no root; `meshctl certs init` makes one"):
        issuance.rotate(tmp_path / "certs", "cluster1", NOW)
    assert not (tmp_path / "certs").exists()


def test_files_of_a_person_are_never_replaced_along(certs: Path) -> None:
    (certs / "cluster1" / "ca-crl.pem").write_text("mine")
    with pytest.raises(UsageError, match=r"cluster1: holds what is not meshctl's \(ca-crl.pem\); move it away"):
        rotate(certs)
    assert (certs / "cluster1" / "ca-crl.pem").read_text() == "mine"


# --- directories and modes


def test_a_directory_of_other_things_is_not_taken_over(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UsageError, match=r"is open to others and holds what is not meshctl's \(thesis.tex\)"):
        init(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_checked_out_directory_with_its_readme_becomes_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "README.md").touch()
    init(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert problems(tmp_path) == []


def test_a_file_in_place_of_the_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "certs").touch()
    with pytest.raises(UsageError, match="certs"):
        init(tmp_path / "certs")


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def modes(directory: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in (directory, *directory.rglob("*"))}


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o077, 0o277, 0o777])
def test_modes_under_any_umask(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        init(tmp_path / "certs")
    found = modes(tmp_path / "certs")
    assert (found["root-key.pem"], found["ca-key.pem"]) == (0o600, 0o600)
    assert (found["certs"], found["cluster1"], found["cluster2"]) == (0o700, 0o700, 0o700)
    assert found["root-cert.pem"] in (0o644 & ~mask, 0o600)
    assert problems(tmp_path / "certs") == []


# --- killed at any instant


def changes_something(event: str, arguments: tuple[Any, ...]) -> bool:
    return event in CHANGES or (event == "open" and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR)))


def in_a_child(act: Act, directory: Path, kill_at: int) -> int:
    """The exit status of a child that is killed with SIGKILL before its `kill_at`-th change."""
    child = os.fork()
    if child == 0:
        changes = iter(range(1, kill_at))

        def audit(event: str, arguments: tuple[Any, ...]) -> None:
            if changes_something(event, arguments) and next(changes, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(audit)
        with leaving():
            act(directory)
    return os.waitpid(child, 0)[1]


@contextmanager
def leaving() -> Iterator[None]:
    """End a forked child here, whatever happens, with 0 if nothing does: it must not go on with the tests."""
    status = 1
    try:
        yield
        status = 0
    finally:
        os._exit(status)


def killed_everywhere(act: Act, start: Path | None, folder: Path) -> Iterator[Path]:
    """Directories as `act` leaves them when it is killed before its first change, its second, and so on."""
    for kill_at in range(1, 1000):
        directory = folder / f"killed-{kill_at}"
        if start:
            shutil.copytree(start, directory)
        status = in_a_child(act, directory, kill_at)
        if status == 0:
            assert kill_at > 20
            return
        assert os.WTERMSIG(status) == signal.SIGKILL
        yield directory
        shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.parametrize("act", [init, add_cluster, rotate, force])
def test_a_kill_at_any_instant_is_mended_by_the_next_init(certs: Path, tmp_path: Path, act: Act) -> None:
    clusters = (*CLUSTERS, "cluster3") if act is add_cluster else CLUSTERS
    before = contents(certs)
    with umask(0):
        for directory in killed_everywhere(act, None if act is init else certs, tmp_path):
            assert no_key_is_open_to_others(directory)
            assert all(read_whole_or_not_at_all(directory, cluster) for cluster in clusters)
            issuance.complete(directory, clusters, NOW, EC)
            assert problems(directory, clusters) == []
            assert {path.name for path in directory.iterdir()} == {".lock", "root-cert.pem", "root-key.pem", *clusters}
            if act in (add_cluster, rotate):
                assert contents(directory)["root-key.pem"] == before["root-key.pem"]
                assert contents(directory)["cluster2/ca-key.pem"] == before["cluster2/ca-key.pem"]


def no_key_is_open_to_others(directory: Path) -> bool:
    keys = list(directory.rglob("*-key.pem"))
    folders = [path for path in directory.rglob("*") if path.is_dir()]
    return not any(path.stat().st_mode & 0o077 for path in (*keys, *folders))


def read_whole_or_not_at_all(directory: Path, cluster: str) -> bool:
    """Whether a reader gets either a matching set or a refusal, never a new key with an old certificate."""
    try:
        store.read_cluster(directory, cluster)
    except UsageError:
        return True
    return not [p for p in verification.cluster_problems(directory, cluster, NOW) if "mode" not in p.message]


def test_a_full_disk_leaves_the_old_certificates(certs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(certs)
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(UsageError, match="No space left on device"):
        force(certs)
    monkeypatch.undo()
    assert init(certs) == issuance.Issued(root=False, made=(), restored=())
    assert contents(certs) == before
    assert problems(certs) == []


def full_disk(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_traceback_with_local_variables_shows_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[PrivateKey] = []

    def remember(count: int, key_type: KeyType) -> list[PrivateKey]:
        made.extend(make_keys(count, key_type))
        return made

    def fail(*arguments: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(issuance, "make_keys", remember)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(RuntimeError, match="canary") as caught:
        init(tmp_path / "certs")
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "PrivateKey()" in shown
    for key in made:
        assert not [line for line in key.pem.decode().splitlines()[1:-1] if line in shown]


# --- two at once


SECOND = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from meshctl.pki import issuance
from meshctl.pki.key_type import KeyType
issued = issuance.complete(Path(sys.argv[1]), ("cluster1", "cluster2"), datetime.now(UTC), KeyType.EC_P256)
sys.exit(0 if issued == issuance.Issued(root=False, made=(), restored=()) else 1)
"""


def test_a_second_init_waits_for_the_first_and_keeps_its_root(tmp_path: Path) -> None:
    directory = tmp_path / "certs"
    with store.writing(directory):
        # A process of its own: a fork would hold the lock, too.
        child = subprocess.Popen([sys.executable, "-c", SECOND, str(directory)])
        wait_until_blocked(child)
        issuance_under_the_held_lock(directory)
    assert child.wait(30) == 0
    assert problems(directory) == []


def wait_until_blocked(child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while not any(f" {child.pid} " in line and "->" in line for line in Path("/proc/locks").read_text().splitlines()):
        assert time.monotonic() < deadline
        assert child.poll() is None


def issuance_under_the_held_lock(directory: Path) -> None:
    store.commit(
        directory, issuance._missing_files(issuance.NOTHING, dict.fromkeys(CLUSTERS, issuance.NOTHING), NOW, EC)
    )
