"""`meshctl certs`: the mesh's root CA and the clusters' intermediates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meshctl.cli import output
from meshctl.cli.options import Output, Preset, TopologyFile
from meshctl.cli.output import Format
from meshctl.errors import Problem, UsageError
from meshctl.pki.key_type import KeyType

if TYPE_CHECKING:
    from meshctl.pki.certificate import Summary
    from meshctl.pki.issuance import Issued

WARNING_DAYS = 60

app = typer.Typer(name="certs", help="Make, show, check and replace the mesh's certificates.", no_args_is_help=True)
Directory = Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where the certificates live.")]
Key = Annotated[
    KeyType | None,
    typer.Option("--key-type", help="Kind of new keys.  [default: the root's; rsa-4096 for a new root]"),
]


@app.command()
def init(
    *,
    topology: TopologyFile = None,
    preset: Preset = None,
    directory: Directory = Path("certs"),
    key_type: Key = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the root and every intermediate.")] = False,
    form: Output = Format.table,
) -> None:
    """Make the root CA and one intermediate for each cluster, as far as they are missing.

    What exists is never replaced without --force: a new root cuts every running workload off until it has a new
    certificate, too. Run it again after adding a cluster to the topology.

    Example: meshctl certs init --key-type ec-p256
    """
    clusters = _clusters(topology, preset)
    from meshctl.pki import issuance

    with output.progress("making certificates"):
        issued = issuance.complete(directory, clusters, _now(), key_type, force=force)
    problems, warnings = _verdict(directory, clusters)
    if form is Format.json:
        output.json(
            {
                "directory": str(directory),
                "root": "made" if issued.root else "kept",
                "clusters": {name: _result(issued, name) for name in clusters},
                **_report(problems, warnings),
            }
        )
    else:
        rows = [("root", directory / "root-cert.pem", "made" if issued.root else "kept")]
        rows += [(name, directory / name / "ca-cert.pem", _result(issued, name)) for name in clusters]
        output.table(("authority", "certificate", "result"), rows)
    _fail_on(problems, form, warnings)
    if form is Format.table:
        output.next_step("meshctl render --output rendered")


@app.command()
def show(
    *,
    topology: TopologyFile = None,
    preset: Preset = None,
    directory: Directory = Path("certs"),
    form: Output = Format.table,
) -> None:
    """List the certificates of the authorities: whose they are, their fingerprints, how long they last.

    Example: meshctl certs show --dir certs -o json
    """
    clusters = _clusters(topology, preset)
    from meshctl.pki.certificate import summaries

    found, problems = summaries(directory)
    if not found:
        raise UsageError(f"{directory}: holds no certificates; `meshctl certs init` makes them")
    now = _now()
    warnings = [*_expiry_warnings(found, now), *_missing_warnings(directory, clusters, found)]
    if form is Format.json:
        output.json({"certificates": [_values(summary, now) for summary in found], **_report(problems, warnings)})
    else:
        output.say("\n\n".join(_block(summary, now) for summary in found))
    _fail_on(problems, form, warnings)


@app.command()
def verify(
    *,
    topology: TopologyFile = None,
    preset: Preset = None,
    directory: Directory = Path("certs"),
    form: Output = Format.table,
) -> None:
    """Check chains, keys, validity, path lengths, the common root and file modes; name everything that is wrong.

    Example: meshctl certs verify --preset classroom
    """
    clusters = _clusters(topology, preset)
    problems, warnings = _verdict(directory, clusters)
    if form is Format.json:
        output.json(_report(problems, warnings))
    elif not problems:
        output.say(f"{directory}: root and {len(clusters)} intermediates: valid")
    _fail_on(problems, form, warnings)


@app.command()
def rotate(
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", help="Name of the cluster.")],
    *,
    topology: TopologyFile = None,
    preset: Preset = None,
    directory: Directory = Path("certs"),
    key_type: Key = None,
    form: Output = Format.table,
) -> None:
    """Replace the intermediate of one cluster; the root stays, so the clusters go on trusting one another.

    Example: meshctl certs rotate cluster2
    """
    clusters = _clusters(topology, preset)
    if cluster not in clusters:
        raise UsageError(f"cluster {cluster!r} is not in the topology; expected one of {', '.join(clusters)}")
    from meshctl.pki import issuance
    from meshctl.pki.certificate import summaries

    with output.progress("making a certificate"):
        issuance.rotate(directory, cluster, _now(), key_type)
    summary = next(found for found in summaries(directory)[0] if found.cluster == cluster)
    if form is Format.json:
        output.json(_values(summary, _now()))
        return
    output.say(_block(summary, _now()))
    output.say(f"\n{_advice(directory, cluster)}")


def _clusters(topology: Path | None, preset: str | None) -> list[str]:
    from meshctl.validate import find_topology

    return [cluster.name for cluster in find_topology(topology, preset).clusters]


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _verdict(directory: Path, clusters: Sequence[str]) -> tuple[list[Problem], list[str]]:
    from meshctl.pki import verification
    from meshctl.pki.certificate import summaries

    now = _now()
    unexpired = [found for found in summaries(directory)[0] if found.days_left(now) >= 0]
    return verification.problems(directory, clusters, now), _expiry_warnings(unexpired, now)


def _result(issued: Issued, cluster: str) -> str:
    if cluster in issued.made:
        return "made"
    return "restored" if cluster in issued.restored else "kept"


def _values(summary: Summary, now: datetime) -> dict[str, Any]:
    return {
        "cluster": summary.cluster or None,
        "file": str(summary.file),
        "subject": summary.subject,
        "issuer": summary.issuer,
        "serial": summary.serial,
        "sha256": summary.sha256,
        "notBefore": f"{summary.not_before:%Y-%m-%dT%H:%M:%SZ}",
        "notAfter": f"{summary.not_after:%Y-%m-%dT%H:%M:%SZ}",
        "daysLeft": summary.days_left(now),
    }


def _block(summary: Summary, now: datetime) -> str:
    validity = f"{summary.not_before:%Y-%m-%d %H:%M} to {summary.not_after:%Y-%m-%d %H:%M} UTC"
    return "\n".join(
        (
            f"{summary.cluster or 'root'}   {summary.file}",
            f"  subject   {summary.subject}",
            f"  issuer    {summary.issuer}",
            f"  serial    {summary.serial}",
            f"  SHA-256   {summary.sha256}",
            f"  valid     {validity}, {_left(summary.days_left(now))}",
        )
    )


def _advice(directory: Path, cluster: str) -> str:
    kubectl = f"kubectl --context {cluster}"
    create = f"{kubectl} -n istio-system create secret generic cacerts --from-file={directory / cluster}"
    return (
        f"{cluster} does not have it yet. Hand it over:\n"
        f"  {create} --dry-run=client -o yaml | {kubectl} apply -f -\n"
        "Where istiod runs it takes the new files over by itself within about two minutes. Workloads keep their old\n"
        "certificates, which stay valid under the same root, until they renew or restart."
    )


def _expiry_warnings(found: Sequence[Summary], now: datetime) -> list[str]:
    return [
        f"{summary.file}: {_left(summary.days_left(now))}; `meshctl certs {_replacement(summary, found)}` replaces it"
        for summary in found
        if summary.days_left(now) < WARNING_DAYS
    ]


def _replacement(summary: Summary, found: Iterable[Summary]) -> str:
    # Nothing outlives the root, so a new intermediate helps only one that ends before it.
    root_end = next((other.not_after for other in found if not other.cluster), summary.not_after)
    return f"rotate {summary.cluster}" if summary.not_after < root_end else "init --force"


def _missing_warnings(directory: Path, clusters: Iterable[str], found: Iterable[Summary]) -> list[str]:
    missing = sorted(set(clusters) - {summary.cluster for summary in found})
    return [f"{directory / name}: no certificate yet; `meshctl certs init` makes it" for name in missing]


def _left(days: int) -> str:
    return f"{days} days left" if days >= 0 else f"expired {-days} days ago"


def _report(problems: Sequence[Problem], warnings: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "valid": not problems,
        "problems": [{"where": problem.where, "message": problem.message} for problem in problems],
        "warnings": list(warnings),
    }


def _fail_on(problems: Sequence[Problem], form: Format, warnings: Sequence[str] = ()) -> None:
    if form is Format.table:
        for warning in warnings:
            output.warn(warning)
        for problem in problems:
            output.error(str(problem))
    if problems:
        raise typer.Exit(1)
