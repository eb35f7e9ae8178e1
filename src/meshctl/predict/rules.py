"""What a person hands to a prediction: rule files and replica counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from meshctl.errors import InvalidInput, Problem, UsageError
from meshctl.predict.destination_rule import Rule, covers
from meshctl.predict.mesh import BOOKINFO, Mesh, fqdn
from meshctl.predict.near import near

MAX_BYTES = 4 * 1024 * 1024
KIND = "DestinationRule"


def load(files: Iterable[Path]) -> list[dict[str, Any]]:
    """The DestinationRules in YAML files, other kinds left out; InvalidInput or UsageError with what is wrong."""
    return [rule for file in files for rule in _load(file)]


def _load(file: Path) -> list[dict[str, Any]]:
    try:
        text = file.read_bytes()[: MAX_BYTES + 1].decode()
        documents = list(yaml.safe_load_all(text))
    except FileNotFoundError:
        raise UsageError(f"{file}: no such file") from None
    except OSError as fault:
        raise UsageError(f"{file}: can't be read: {fault.strerror}") from None
    except (UnicodeDecodeError, RecursionError, ValueError):
        raise UsageError(f"{file}: is no YAML text") from None
    except yaml.YAMLError as fault:
        raise UsageError(f"{file}: is not YAML: {' '.join(str(fault).split())}") from None
    objects = [item for document in documents for item in _items(document)]
    rules = [item for item in objects if isinstance(item, dict) and item.get("kind") == KIND]
    problems = [*_strangers(objects), *(problem for rule in rules for problem in _problems(rule))]
    if not rules and not problems:
        problems = [Problem(0, "", f"holds no {KIND}")]
    if problems:
        raise InvalidInput(str(file), problems)
    return rules


def _items(document: Any) -> Sequence[Any]:
    if isinstance(document, dict) and document.get("kind") == "List":
        items = document.get("items")
        return items if isinstance(items, list) else []
    return [] if document is None else [document]


def _strangers(objects: Iterable[Any]) -> list[Problem]:
    return [
        Problem(0, "", f"holds {str(item)[:40]!r}; expected Kubernetes objects")
        for item in objects
        if not (isinstance(item, dict) and "kind" in item)
    ]


def _problems(rule: Mapping[str, Any]) -> list[Problem]:
    """Shapes that would make the model stumble; what else Istio refuses is its webhook's to say."""
    metadata, spec = rule.get("metadata"), rule.get("spec")
    name = metadata.get("name", "?") if isinstance(metadata, dict) else "?"
    if not isinstance(spec, dict) or not isinstance(spec.get("host"), str):
        return [Problem(0, f"{KIND} {name}", "spec.host is missing; expected a service's name")]
    found: list[Problem] = []
    parts = [("spec", spec)]
    subsets = spec.get("subsets") or []
    if not isinstance(subsets, list) or not all(isinstance(item, dict) for item in subsets):
        return [Problem(0, f"{KIND} {name}", "spec.subsets: expected a list of mappings")]
    parts += [(f"spec.subsets[{i}]", item) for i, item in enumerate(subsets)]
    for where, part in parts:
        found += [Problem(0, f"{KIND} {name}", text) for text in _policy(f"{where}.trafficPolicy", part)]
    return found


def _policy(where: str, part: Mapping[str, Any]) -> list[str]:
    policy = part.get("trafficPolicy") or {}
    if not isinstance(policy, dict):
        return [f"{where}: expected a mapping"]
    levels = policy.get("portLevelSettings") or []
    if not isinstance(levels, list) or not all(isinstance(item, dict) for item in levels):
        return [f"{where}.portLevelSettings: expected a list of mappings"]
    found = _settings(where, policy)
    for i, level in enumerate(levels):
        port = level.get("port")
        if not isinstance(port, dict) or not isinstance(port.get("number"), int):
            found.append(f"{where}.portLevelSettings[{i}].port.number: expected a port number")
        found += _settings(f"{where}.portLevelSettings[{i}]", level)
    return found


def _settings(where: str, policy: Mapping[str, Any]) -> list[str]:
    balancer = policy.get("loadBalancer") or {}
    outlier = policy.get("outlierDetection")
    found = []
    if outlier is not None and not isinstance(outlier, dict):
        found.append(f"{where}.outlierDetection: expected a mapping")
    locality = balancer.get("localityLbSetting") or {} if isinstance(balancer, dict) else None
    if not isinstance(locality, dict):
        return [*found, f"{where}.loadBalancer: expected a mapping"]
    at = f"{where}.loadBalancer.localityLbSetting"
    for i, entry in enumerate(locality.get("distribute") or []):
        weights = entry.get("to") if isinstance(entry, dict) else None
        if not isinstance(weights, dict) or not all(isinstance(value, int) for value in weights.values()):
            found.append(f"{at}.distribute[{i}]: expected from: LOCALITY and to: {{LOCALITY: PERCENT}}")
    for i, entry in enumerate(locality.get("failover") or []):
        if not isinstance(entry, dict):
            found.append(f"{at}.failover[{i}]: expected from: REGION and to: REGION")
    if not all(isinstance(label, str) for label in locality.get("failoverPriority") or []):
        found.append(f"{at}.failoverPriority: expected label names")
    return found


def replicas(texts: Iterable[str]) -> dict[str, int]:
    """`SERVICE=N` and `SERVICE@CLUSTER=N` as a mapping."""
    result, problems = {}, []
    for text in texts:
        name, _, number = text.partition("=")
        if name.split("@")[0] in BOOKINFO and number.isdigit() and int(number) <= 1000:
            result[name] = int(number)
        else:
            problems.append(Problem(0, text, f"expected SERVICE[@CLUSTER]=N with SERVICE one of {', '.join(BOOKINFO)}"))
    if problems:
        raise InvalidInput("--replicas", problems)
    return result


def check_called(services: Iterable[str], subset: str, rules: Sequence[Rule], mesh: Mesh) -> None:
    """InvalidInput if the mesh has no such service, or no rule has the subset for it."""
    problems = []
    for service in services:
        if service not in BOOKINFO and service not in mesh.by_service:
            known = sorted({*mesh.by_service, *BOOKINFO})
            text = f"service {service!r} is unknown;{near(service, known)} expected one of {', '.join(known)}"
            problems.append(Problem(0, "--service", text))
        elif subset and subset not in (known := _subsets(service, rules)):
            text = (
                f"no rule gives {service} a subset {subset!r};{near(subset, known)} it has {', '.join(known) or 'none'}"
            )
            problems.append(Problem(0, "--subset", text))
    if problems:
        raise InvalidInput("predict", problems)


def _subsets(service: str, rules: Iterable[Rule]) -> list[str]:
    return [
        str(subset.get("name", ""))
        for rule in rules
        if covers(rule, fqdn(service))
        for subset in rule["spec"].get("subsets") or ()
    ]
