"""Times as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """The present, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def stamp(when: datetime) -> str:
    """`2026-01-31T12:00:00Z`."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str) -> datetime | None:
    """A time of RFC 3339; None if it is none."""
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def age(text: str | None) -> str:
    """How long ago that was, as columns show it; k8s.io/apimachinery/pkg/util/duration, HumanDuration."""
    when = parse(text) if text else None
    return human(datetime.now(UTC) - when) if when else "<unknown>"


def human(span: timedelta) -> str:
    """A duration in at most two units: `90s`, `5m10s`, `3d4h`, `2y`."""
    seconds = int(span.total_seconds())
    if seconds < -1:
        return "<invalid>"
    if seconds < 0:
        return "0s"
    if seconds < 120:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        return f"{minutes}m{_part(seconds % 60, 's')}"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{_part(minutes % 60, 'm')}"
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return f"{days}d{_part(hours % 24, 'h')}"
    if days < 730:
        return f"{days}d"
    return f"{days // 365}y{_part(days % 365, 'd') if days < 2920 else ''}"


def _part(count: int, unit: str) -> str:
    return f"{count}{unit}" if count else ""
