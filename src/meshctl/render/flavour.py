"""Which of the two ways to install Istio a version asks for."""

from __future__ import annotations

from meshctl.topology import Topology

COURSE_MINOR = 11


def is_course(topology: Topology) -> bool:
    """Whether the mesh is installed as the course did (1.11), not as today's documentation says."""
    return is_course_version(topology.istio_version)


def is_course_version(version: str) -> bool:
    """The same of a version such as 1.31.0."""
    return int(version.split(".")[1]) == COURSE_MINOR
