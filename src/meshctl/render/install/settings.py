"""Which settings of an IstioOperator mean something here; every other one that asks for something is reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Shape = Mapping[str, Any]


def _any(*names: str) -> dict[str, Any]:
    """Settings whose values are free."""
    return dict.fromkeys(names)


# Fields of MeshConfig (istio.io/api mesh/v1alpha1/config.proto, 1.31) that go into ConfigMap `istio` as they are.
MESH = _any(
    *("accessLogEncoding", "accessLogFile", "accessLogFormat", "connectTimeout", "defaultConfig"),
    *("defaultDestinationRuleExportTo", "defaultProviders", "defaultServiceExportTo", "defaultVirtualServiceExportTo"),
    *("disableEnvoyListenerLog", "dnsRefreshRate", "enableAutoMtls", "enablePrometheusMerge", "enableTracing"),
    *("extensionProviders", "h2UpgradePolicy", "ingressClass", "ingressControllerMode", "ingressSelector"),
    *("ingressService", "localityLbSetting", "outboundTrafficPolicy", "pathNormalization", "protocolDetectionTimeout"),
    *("rootNamespace", "serviceSettings", "tcpKeepalive", "trustDomain", "trustDomainAliases"),
    *("verifyCertificateAtClient",),
)
_SERVICE = _any(
    *("type", "ports", "selector", "externalIPs", "externalTrafficPolicy", "internalTrafficPolicy", "clusterIP"),
    *("loadBalancerIP", "loadBalancerSourceRanges", "sessionAffinity"),
)
_K8S: dict[str, Any] = {
    **_any("env", "replicaCount", "resources", "nodeSelector", "tolerations", "affinity", "imagePullPolicy"),
    **_any("podAnnotations", "serviceAnnotations", "priorityClassName"),
    "hpaSpec": _any("minReplicas", "maxReplicas"),
    "service": _SERVICE,
}
_GATEWAY = {**_any("name", "namespace", "enabled", "label"), "k8s": _K8S}
_COMPONENTS = {
    "base": _any("enabled"),
    "pilot": {"enabled": None, "k8s": {key: value for key, value in _K8S.items() if key != "service"}},
    "ingressGateways": [_GATEWAY],
    "egressGateways": [_GATEWAY],
}
_GLOBAL = {
    **_any("hub", "tag", "imagePullPolicy", "meshID", "network", "remotePilotAddress", "externalIstiod"),
    **_any("istioNamespace", "pilotCertProvider", "configValidation"),
    "multiCluster": _any("clusterName", "enabled"),
    "proxy": _any("image", "clusterDomain", "logLevel", "componentLogLevel"),
    "logging": _any("level"),
}
_GATEWAY_VALUES = _any("injectionTemplate", "type", "env", "labels", "autoscaleEnabled", "replicaCount", "enabled")
VALUES: dict[str, Any] = {
    "global": _GLOBAL,
    "pilot": _any("enabled", "env", "image", "hub", "tag", "autoscaleEnabled", "replicaCount", "traceSampling"),
    "istiodRemote": _any("enabled", "enabledLocalInjectorIstiod", "injectionPath", "injectionURL"),
    "gateways": {"istio-ingressgateway": _GATEWAY_VALUES, "istio-egressgateway": _GATEWAY_VALUES},
    "meshConfig": MESH,
}
SPEC: dict[str, Any] = {
    **_any("profile", "hub", "tag", "namespace"),
    "meshConfig": MESH,
    "components": _COMPONENTS,
    "values": VALUES,
}


def problems(spec: Mapping[str, Any]) -> list[str]:
    """What is said that is not known or can't be done here, as sentences that begin with the setting's path."""
    return list(_unknown(spec, SPEC, "spec"))


def _unknown(value: Any, shape: Any, path: str) -> Iterator[str]:
    if shape is None or _asks_nothing(value):
        return
    if isinstance(shape, list):
        yield from _list(value, shape[0], path)
    elif not isinstance(value, Mapping):
        yield f"{path}: expected a mapping, saw {value!r}"
    else:
        for key, inner in value.items():
            if key in shape:
                yield from _unknown(inner, shape[key], f"{path}.{key}")
            elif not _asks_nothing(inner):
                yield f"{path}.{key}: unknown, or nothing that a sandbox can do; known here: {', '.join(sorted(shape))}"


def _list(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: expected a list, saw {value!r}"
        return
    for number, item in enumerate(value):
        where = f"{path}[{number}]"
        yield from _unknown(item, shape, where)
        if isinstance(item, Mapping) and not item.get("name"):
            yield f"{where}: expected a name"


def _asks_nothing(value: Any) -> bool:
    """Whether a setting leaves things as they are without it."""
    if isinstance(value, Mapping):
        return value.get("enabled") is False or all(map(_asks_nothing, value.values()))
    return value in (None, False, "", [])
