"""A pod's spec as Go dumps its internal type, to show what a refused change was (pkg/apis/core/types.go, 1.36)."""

from __future__ import annotations

import difflib
import json
from typing import Any

from meshctl.sandbox.apiserver.validation.kubernetes.rules.values import Object

# Fields in Go's order, each with what stands there when nothing was given; `{Name}` is a struct of its own.
_STRUCTS = {
    "PodSpec": (
        'Volumes=null InitContainers=null Containers=null EphemeralContainers=null RestartPolicy="" '
        'TerminationGracePeriodSeconds=null ActiveDeadlineSeconds=null DNSPolicy="" NodeSelector=null '
        'ServiceAccountName="" AutomountServiceAccountToken=null NodeName="" SecurityContext={PodSecurityContext} '
        'ImagePullSecrets=null Hostname="" Subdomain="" SetHostnameAsFQDN=null Affinity=null SchedulerName="" '
        'Tolerations=null HostAliases=null PriorityClassName="" Priority=null PreemptionPolicy=null DNSConfig=null '
        "ReadinessGates=null RuntimeClassName=null Overhead=null EnableServiceLinks=null "
        "TopologySpreadConstraints=null OS=null SchedulingGates=null ResourceClaims=null Resources=null "
        "HostnameOverride=null"
    ),
    "PodSecurityContext": (
        "HostNetwork=false HostPID=false HostIPC=false ShareProcessNamespace=null HostUsers=null SELinuxOptions=null "
        "WindowsOptions=null RunAsUser=null RunAsGroup=null RunAsNonRoot=null SupplementalGroups=null "
        "SupplementalGroupsPolicy=null FSGroup=null FSGroupChangePolicy=null Sysctls=null SeccompProfile=null "
        "AppArmorProfile=null SELinuxChangePolicy=null"
    ),
    "Container": (
        'Name="" Image="" Command=null Args=null WorkingDir="" Ports=null EnvFrom=null Env=null '
        "Resources={ResourceRequirements} ResizePolicy=null RestartPolicy=null RestartPolicyRules=null "
        "VolumeMounts=null VolumeDevices=null LivenessProbe=null ReadinessProbe=null StartupProbe=null Lifecycle=null "
        'TerminationMessagePath="" TerminationMessagePolicy="" ImagePullPolicy="" SecurityContext=null '
        "Stdin=false StdinOnce=false TTY=false"
    ),
    "ContainerPort": 'Name="" HostPort=0 ContainerPort=0 Protocol="" HostIP=""',
    "EnvVar": 'Name="" Value="" ValueFrom=null',
    "ResourceRequirements": "Limits=null Requests=null Claims=null",
    "VolumeMount": (
        'Name="" ReadOnly=false RecursiveReadOnly=null MountPath="" SubPath="" MountPropagation=null SubPathExpr=""'
    ),
    "Toleration": 'Key="" Operator="" Value="" Effect="" TolerationSeconds=null',
    "LocalObjectReference": 'Name=""',
    "Volume": (
        'Name="" HostPath=null EmptyDir=null GCEPersistentDisk=null AWSElasticBlockStore=null GitRepo=null Secret=null '
        "NFS=null ISCSI=null Glusterfs=null PersistentVolumeClaim=null RBD=null Quobyte=null FlexVolume=null "
        "Cinder=null CephFS=null Flocker=null DownwardAPI=null FC=null AzureFile=null ConfigMap=null "
        "VsphereVolume=null AzureDisk=null PhotonPersistentDisk=null Projected=null PortworxVolume=null ScaleIO=null "
        "StorageOS=null CSI=null Ephemeral=null Image=null"
    ),
}
_ITEMS = {
    "Containers": "Container",
    "InitContainers": "Container",
    "Volumes": "Volume",
    "Tolerations": "Toleration",
    "ImagePullSecrets": "LocalObjectReference",
    "Ports": "ContainerPort",
    "Env": "EnvVar",
    "VolumeMounts": "VolumeMount",
}
_ON_HOST = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers")


def difference(old: Object, new: Object) -> str:
    """The lines in which two specs differ, as `diff -u` shows them; each ends with a line end."""
    before, after = (_dump(spec).splitlines() for spec in (old, new))
    return "".join(f"{line}\n" for line in list(difflib.unified_diff(before, after, lineterm=""))[2:])


def _dump(spec: Object) -> str:
    context = (spec.get("securityContext") or {}) | {name: spec[name] for name in _ON_HOST if name in spec}
    return json.dumps(_struct("PodSpec", {**spec, "securityContext": context}), indent=1, ensure_ascii=False)


def _struct(name: str, value: Object) -> Object:
    given = {key.lower(): item for key, item in value.items()}
    made: Object = {}
    for field in _STRUCTS[name].split():
        key, _, zero = field.partition("=")
        item = given.get(key.lower())
        if zero.startswith("{"):
            made[key] = _struct(zero.strip("{}"), item or {})
        elif item in (None, [], {}) and zero == "null":
            made[key] = None
        else:
            made[key] = json.loads(zero) if item is None else _value(key, item)
    return made


def _value(key: str, item: Any) -> Any:
    if isinstance(item, list):
        return [_struct(_ITEMS[key], each) if key in _ITEMS else _plain(each) for each in item]
    return item if key in ("NodeSelector", "Limits", "Requests", "Overhead") else _plain(item)


def _plain(item: Any) -> Any:
    """A struct of which only the given fields are known."""
    if isinstance(item, dict):
        return {name[:1].upper() + name[1:]: _plain(value) for name, value in item.items()}
    return [_plain(each) for each in item] if isinstance(item, list) else item
