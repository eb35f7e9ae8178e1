"""A pod's files on the machine: where they are, and those that every container has."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from meshctl.sandbox.kubelet.node import DOMAIN, Node
from meshctl.sandbox.wire import Mount

Object = Mapping[str, Any]


class PodFiles:
    """The folder of one pod; nobody else may read it, containers see what is mounted."""

    def __init__(self, folder: Path, uid: str) -> None:
        self.folder = folder / uid

    def make(self) -> None:
        """Create it."""
        for folder in (self.folder.parent, self.folder, self.folder / "etc", self.folder / "volumes"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove(self) -> None:
        """Throw it away with everything in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def volume(self, name: str) -> Path:
        """A volume's folder."""
        return self.folder / "volumes" / name

    def log(self, container: str, attempt: int) -> Path:
        """What a container wrote in one of its lives."""
        return self.folder / container / f"{attempt}.log"

    def settings(self) -> list[Mount]:
        """The mounts of what every container has."""
        names = ("hosts", "resolv.conf", "hostname")
        return [Mount(str(self.folder / "etc" / name), f"/etc/{name}", read_only=False) for name in names]

    def write_settings(self, pod: Object, node: Node, address: str) -> None:
        """Names and name servers, as the pod's `dnsPolicy`, `dnsConfig` and `hostAliases` say."""
        for name, text in (
            ("hosts", "".join(hosts(pod, address))),
            ("resolv.conf", resolver(pod, node.dns())),
            ("hostname", f"{hostname(pod)}\n"),
        ):
            path = self.folder / "etc" / name
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
            path.chmod(0o644)


def hostname(pod: Object) -> str:
    """What the pod calls itself."""
    return str(pod["spec"].get("hostname") or pod["metadata"]["name"])[:63]


def hosts(pod: Object, address: str) -> Iterator[str]:
    """/etc/hosts, line by line."""
    yield "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n"
    name, domain = hostname(pod), pod["spec"].get("subdomain")
    full = f"{name}.{domain}.{pod['metadata']['namespace']}.svc.{DOMAIN}\t{name}" if domain else name
    yield f"{address}\t{full}\n"
    for alias in pod["spec"].get("hostAliases") or ():
        yield f"{alias['ip']}\t" + "\t".join(alias.get("hostnames") or ()) + "\n"


def resolver(pod: Object, dns: str) -> str:
    """/etc/resolv.conf."""
    spec = pod["spec"]
    policy, more = spec.get("dnsPolicy") or "ClusterFirst", spec.get("dnsConfig") or {}
    cluster = policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not spec.get("hostNetwork"))
    servers = [dns] if cluster and dns else []
    own = (f"{pod['metadata']['namespace']}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN)
    searches = [*(own if cluster else ()), *(more.get("searches") or ())]
    options = ["ndots:5"] if cluster else []
    options += [
        f"{one['name']}:{one['value']}" if one.get("value") else one["name"] for one in more.get("options") or ()
    ]
    lines = [f"nameserver {one}" for one in (*servers, *(more.get("nameservers") or ()))]
    lines += [f"search {' '.join(searches)}"] if searches else []
    lines += [f"options {' '.join(options)}"] if options else []
    return "".join(f"{line}\n" for line in lines)
