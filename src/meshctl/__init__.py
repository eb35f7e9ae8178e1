"""Multi-cluster Istio classrooms."""

__version__ = "0.1.0"
