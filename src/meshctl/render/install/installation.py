"""An IstioOperator file as it is meant: its profile, and what it says on top of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import yaml

from meshctl.errors import UsageError
from meshctl.render.flavour import is_course_version
from meshctl.render.install import settings
from meshctl.render.install.profiles import EGRESS_PORTS, GROUND, INGRESS_PORTS, PROFILES
from meshctl.render.manifest import INSTALL, ISTIO_SYSTEM

Values = Mapping[str, Any]
REVISION = "default"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway. `component`: IngressGateways or EgressGateways; `values`: what the charts' values say of these."""

    name: str
    component: str
    labels: Mapping[str, str]
    k8s: Values
    values: Values

    @property
    def injected(self) -> bool:
        """Whether its proxy comes by injection: no cluster's name is in its Deployment then."""
        return bool(self.values.get("injectionTemplate"))

    @property
    def ports(self) -> list[dict[str, Any]]:
        """Ports of its Service."""
        own = (self.k8s.get("service") or {}).get("ports")
        return list(own or (INGRESS_PORTS if self.component == "IngressGateways" else EGRESS_PORTS))


@dataclass(frozen=True, slots=True)
class Installation:
    """What is to be installed. `base`, `pilot`: whether the charts of that name are; `version`: Istio's."""

    version: str
    base: bool
    pilot: bool
    pilot_k8s: Values
    gateways: tuple[Gateway, ...]
    values: Values
    mesh: Values

    @property
    def globals(self) -> Values:
        """`values.global`."""
        found: Values = self.values["global"]
        return found

    @property
    def remote(self) -> Values:
        """`values.istiodRemote`."""
        found: Values = self.values["istiodRemote"]
        return found

    @property
    def joined(self) -> bool:
        """Whether the control plane is another cluster's."""
        return bool(self.remote.get("enabled"))

    @property
    def local(self) -> bool:
        """Whether an istiod runs here, if only to inject."""
        return not self.joined or bool(self.remote.get("enabledLocalInjectorIstiod"))

    @property
    def cluster(self) -> str:
        """The cluster's name in the mesh."""
        return self.globals["multiCluster"].get("clusterName") or "Kubernetes"

    def image(self, name: str, **own: str | None) -> str:
        """The reference of an image, unless the name is one already; `own`: a component's `hub` and `tag`."""
        if "/" in name:
            return name
        hub, tag = own.get("hub") or self.globals["hub"], own.get("tag") or self.globals["tag"]
        return f"{hub}/{name}:{tag}"


def read(text: str, version: str, source: str = "IstioOperator") -> Installation:
    """The installation that a file's text describes for an Istio version; UsageError lists all that can't be done."""
    try:
        documents = [one for one in yaml.safe_load_all(text) if one is not None]
    except yaml.YAMLError as fault:
        raise UsageError(f"{source}: not YAML: {fault}") from None
    if len(documents) != 1 or not isinstance(documents[0], Mapping) or documents[0].get("kind") != "IstioOperator":
        raise UsageError(f"{source}: expected one document of kind IstioOperator ({INSTALL})")
    return of(documents[0], version, source)


def of(document: Values, version: str, source: str = "IstioOperator") -> Installation:
    """The installation that a document describes for an Istio version; UsageError lists all that can't be done."""
    spec = document.get("spec") or {}
    found = settings.problems(spec) if isinstance(spec, Mapping) else [f"spec: expected a mapping, saw {spec!r}"]
    found = found or [*_impossible(spec)]
    if found:
        raise UsageError("\n".join(f"{source}: {one}" for one in found))
    profile = PROFILES[spec.get("profile") or "default"]
    pieces = (GROUND, profile, {key: spec[key] for key in ("meshConfig", "values") if spec.get(key)})
    merged = reduce(merge, pieces, {"values": {"global": {"tag": version}}})
    images = {key: spec[key] for key in ("hub", "tag") if spec.get(key)}
    values = _joining(merge(merged["values"], {"global": images}), version)
    components = _components(profile["components"], spec.get("components") or {})
    return Installation(
        version,
        bool(components["base"].get("enabled")),
        bool(components["pilot"].get("enabled")),
        components["pilot"].get("k8s") or {},
        tuple(_gateways(components, values)),
        values,
        _mesh(merge(merged["meshConfig"], values.get("meshConfig") or {}), values),
    )


def _impossible(spec: Values) -> list[str]:
    found = []
    profile = spec.get("profile") or "default"
    if profile not in PROFILES:
        found.append(f"spec.profile: {profile}: not one that a sandbox knows; expected {', '.join(sorted(PROFILES))}")
    namespaces = {"spec.namespace": spec.get("namespace")}
    for kind in ("ingressGateways", "egressGateways"):
        for number, one in enumerate((spec.get("components") or {}).get(kind) or ()):
            namespaces[f"spec.components.{kind}[{number}].namespace"] = one.get("namespace")
    given = (spec.get("values") or {}).get("global") or {}
    namespaces["spec.values.global.istioNamespace"] = given.get("istioNamespace")
    found += [
        f"{path}: {name}: a sandbox installs into {ISTIO_SYSTEM} only"
        for path, name in namespaces.items()
        if name not in (None, "", ISTIO_SYSTEM)
    ]
    if (given.get("pilotCertProvider") or "istiod") != "istiod":
        found.append(f"spec.values.global.pilotCertProvider: {given['pilotCertProvider']}: expected istiod")
    return found


def _joining(values: Values, version: str) -> Values:
    """In 1.11 `remotePilotAddress` alone makes the local istiod serve nothing but injection and certificates.

    Later versions want `istiodRemote` for that (charts/base/templates/services.yaml, 1.11.2, against 1.31).
    """
    given = values["global"]
    if not is_course_version(version) or not given["remotePilotAddress"] or given["externalIstiod"]:
        return values
    return merge(values, {"istiodRemote": {"enabled": True, "enabledLocalInjectorIstiod": True}})


def _components(profile: Values, own: Values) -> dict[str, Any]:
    """Gateways are merged by name, everything else by key."""
    found: dict[str, Any] = {key: merge(profile[key], own.get(key) or {}) for key in ("base", "pilot")}
    for key in ("ingressGateways", "egressGateways"):
        named = {one["name"]: one for one in profile[key]}
        for one in own.get(key) or ():
            named[one["name"]] = merge(named.get(one["name"], {"enabled": True}), one)
        found[key] = list(named.values())
    return found


def _gateways(components: Values, values: Values) -> list[Gateway]:
    kinds = {"ingressGateways": "istio-ingressgateway", "egressGateways": "istio-egressgateway"}
    return [
        Gateway(
            one["name"],
            kind[0].upper() + kind[1:],
            {"app": chart, "istio": chart.removeprefix("istio-"), **(one.get("label") or {})},
            one.get("k8s") or {},
            values["gateways"][chart],
        )
        for kind, chart in kinds.items()
        for one in components[kind]
        if one.get("enabled")
    ]


def _mesh(stated: Values, values: Values) -> Values:
    given, remote = values["global"], values["istiodRemote"]
    address = "istiod-remote" if remote.get("enabled") and remote.get("enabledLocalInjectorIstiod") else "istiod"
    default: Values = {"discoveryAddress": f"{address}.{ISTIO_SYSTEM}.svc:15012"}
    if given["meshID"]:
        default = {**default, "meshId": given["meshID"]}
    return {**stated, "defaultConfig": merge(default, stated.get("defaultConfig") or {})}


def merge(below: Values, above: Values) -> dict[str, Any]:
    """Mappings key by key, anything else as `above` has it."""
    found = dict(below)
    for key, value in above.items():
        old = found.get(key)
        found[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return found
