"""What labs showed, as JSON and as JUnit's XML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from meshctl.labs.engine import Result
from meshctl.labs.evidence import CONFIDENCE, Verdict, interval
from meshctl.labs.finding import Bar, Finding
from meshctl.labs.journal import words
from meshctl.labs.sample import Sample

PRODUCER = "real Envoy; expected by the meshctl model"


def document(results: Sequence[Result]) -> dict[str, Any]:
    """Every act with its findings; times in seconds, shares from 0 to 1."""
    return {
        "producer": PRODUCER,
        "passed": all(result.passed for result in results),
        "confidence": CONFIDENCE,
        "acts": [_act(result) for result in results],
    }


def _act(result: Result) -> dict[str, Any]:
    sample = result.sight.sample
    return {
        "lab": result.lab,
        "act": result.act.name,
        "verdict": str(result.verdict),
        "outages": [words(outage) for outage in result.act.outages],
        "rules": [item["metadata"]["name"] for item in result.act.rules],
        "seconds": round(result.seconds, 3),
        "probes": result.probes,
        "requests": sample.requests,
        "outcomes": dict(sample.outcomes),
        "flags": dict(sample.flags),
        "slowest": round(sample.slowest, 3),
        "findings": [_finding(finding) for finding in result.findings],
        "surprises": list(result.surprises),
        "endpoints": _tables(result),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    told = {"name": finding.name, "verdict": str(finding.verdict)}
    if finding.bars:
        return {**told, "shares": [_bar(bar) for bar in finding.bars]}
    return {**told, "expected": finding.expected, "seen": finding.seen}


def _bar(bar: Bar) -> dict[str, Any]:
    low, high = interval(bar.count, bar.total)
    return {
        "name": bar.name,
        "expected": bar.expected,
        "observed": bar.observed,
        "count": bar.count,
        "total": bar.total,
        "interval": [low, high],
        "verdict": str(bar.verdict),
    }


def _tables(result: Result) -> list[dict[str, Any]]:
    return [
        {
            "proxy": proxy,
            "service": service,
            "rule": seen.rule,
            "groups": [
                {
                    "locality": group.locality,
                    "priority": group.priority,
                    "weight": group.weight,
                    "endpoints": {endpoint.address: endpoint.weight for endpoint in group.endpoints},
                }
                for group in seen.table
            ],
            "ejected": sorted(seen.ejected),
        }
        for (_, service), proxies in result.sight.tables.items()
        for proxy, seen in proxies.items()
    ]


def junit(results: Sequence[Result]) -> str:
    """A test suite for each lab, a test case for each act."""
    suites = ElementTree.Element("testsuites")
    for lab in dict.fromkeys(result.lab for result in results):
        acts = [result for result in results if result.lab == lab]
        suite = ElementTree.SubElement(suites, "testsuite", _suite(lab, acts))
        for result in acts:
            _case(suite, result)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode")


def _suite(lab: str, acts: Sequence[Result]) -> dict[str, str]:
    failed = sum(1 for result in acts if not result.passed)
    seconds = sum(result.seconds for result in acts)
    return {"name": lab, "tests": str(len(acts)), "failures": str(failed), "time": f"{seconds:.3f}"}


def _case(suite: ElementTree.Element, result: Result) -> None:
    attributes = {"classname": result.lab, "name": result.act.name, "time": f"{result.seconds:.3f}"}
    case = ElementTree.SubElement(suite, "testcase", attributes)
    wrong = [finding for finding in result.findings if finding.verdict is not Verdict.passed]
    if wrong:
        failure = ElementTree.SubElement(case, "failure", {"message": "; ".join(finding.name for finding in wrong)})
        failure.text = "\n".join([*map(sentence, wrong), *result.surprises])


def sentence(finding: Finding) -> str:
    """A finding in a line."""
    if not finding.bars:
        return f"{finding.name}: expected {finding.expected}; seen {finding.seen}"
    parts = [f"{bar.name} {bar.observed:.1%} (expected {bar.expected:.1%})" for bar in finding.bars]
    return f"{finding.name}: {', '.join(parts)} of {finding.bars[0].total}"


def summary(sample: Sample) -> str:
    """Outcomes of a sample, the most frequent first."""
    return ", ".join(f"{count} x {outcome}" for outcome, count in sample.outcomes.most_common())
