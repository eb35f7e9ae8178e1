"""A timeline as one HTML file: an inline drawing that needs nothing else, light or dark as the reader's screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib import resources

from meshctl.labs.expectation import FAILS
from meshctl.labs.timeline import UNKNOWN, Span, Timeline, story

WIDTH, LEFT, RIGHT = 960, 64, 16
PLOT = WIDTH - LEFT - RIGHT
# The heights of the three parts, and what lies between them.
CUES, BARS, SLOW, LANE, GAP = 22, 240, 84, 22, 34
# Told apart by people who see few colours (Okabe and Ito, 2008).
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#f0e442")
BROKEN, STRANGE = "#d32f2f", "#9e9e9e"


def html(timeline: Timeline, title: str, titles: Mapping[str, str], about: str) -> str:
    """The whole file; `titles`: the cues' by their keys; `about`: what was measured, by whom, and when."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n"
        f'<h1>{escape(title)}</h1>\n<p class="faint">{escape(about)}</p>\n'
        f"<figure>\n{svg(timeline, titles)}</figure>\n"
        f"<pre>{escape(chr(10).join(story(timeline, titles)))}</pre>\n"
        f"<details>\n<summary>Requests by second</summary>\n{_table(timeline)}</details>\n</body>\n</html>\n"
    )


def _style() -> str:
    return (resources.files("meshctl.labs") / "picture.css").read_text(encoding="utf-8")


def svg(timeline: Timeline, titles: Mapping[str, str]) -> str:
    """The drawing: cues, answers by cluster, the slowest request of each second, ejections."""
    lanes = list(dict.fromkeys(span.name for span in timeline.ejections))
    below = CUES + BARS + GAP + SLOW + GAP
    height = below + max(1, len(lanes)) * LANE + 58
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Requests and ejections by second">\n',
        *_bars(timeline),
        *_slowest(timeline, CUES + BARS + GAP),
        *_ejections(timeline, lanes, below),
        *_axis(timeline, below + max(1, len(lanes)) * LANE + 4),
        *_cues(timeline, titles, below + max(1, len(lanes)) * LANE),
        *_legend(timeline, height - 14),
        "</svg>\n",
    ]
    return "".join(parts)


def colours(parties: Sequence[str]) -> dict[str, str]:
    """A colour for each."""
    fixed = {FAILS: BROKEN, UNKNOWN: STRANGE}
    clusters = [name for name in parties if name not in fixed]
    return {**{name: COLOURS[i % len(COLOURS)] for i, name in enumerate(clusters)}, **fixed}


def _x(timeline: Timeline, second: float) -> float:
    return LEFT + PLOT * second / len(timeline.seconds)


def _bars(timeline: Timeline) -> Iterator[str]:
    top = max([timeline.rate, *(sum(second.answers.values()) for second in timeline.seconds)])
    scale, base = (BARS - 18) / top, CUES + BARS
    yield f'<text class="title" x="{LEFT}" y="{CUES + 10}">Requests a second, by who answered</text>\n'
    for value in (0, top / 2, top):
        y = base - value * scale
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>\n'
        yield f'<text class="axis" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.0f}</text>\n'
    paint = colours(timeline.parties)
    width = PLOT / len(timeline.seconds)
    for number, second in enumerate(timeline.seconds):
        y = float(base)
        told = ", ".join(f"{name} {count}" for name, count in second.answers.items()) or "none"
        yield f"<g><title>second {number}: {escape(told)}; slowest {second.slowest:.2f} s</title>\n"
        for name in timeline.parties:
            if count := second.answers.get(name, 0):
                y -= count * scale
                yield (
                    f'<rect x="{_x(timeline, number) + 0.8:.1f}" y="{y:.1f}" width="{width - 1.6:.1f}" '
                    f'height="{count * scale:.1f}" fill="{paint[name]}"/>\n'
                )
        yield "</g>\n"


def _slowest(timeline: Timeline, top: int) -> Iterator[str]:
    most = max(0.5, *(second.slowest for second in timeline.seconds))
    scale = (SLOW - 18) / most
    yield f'<text class="title" x="{LEFT}" y="{top + 4}">Slowest request of the second</text>\n'
    for value in (0.0, most):
        y = top + SLOW - value * scale
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>\n'
        yield f'<text class="axis" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.1f} s</text>\n'
    points = [
        (_x(timeline, number + 0.5), top + SLOW - second.slowest * scale)
        for number, second in enumerate(timeline.seconds)
    ]
    yield f'<polyline class="slow" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>\n'
    for x, y in points:
        yield f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2"/>\n'


def _ejections(timeline: Timeline, lanes: Sequence[str], top: int) -> Iterator[str]:
    if not lanes:
        yield f'<text class="axis" x="{LEFT}" y="{top + 12}">nothing was ejected</text>\n'
    for number, name in enumerate(lanes):
        y = top + number * LANE
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y + 16}" y2="{y + 16}"/>\n'
        for span in (span for span in timeline.ejections if span.name == name):
            yield from _ejection(timeline, span, y)


def _ejection(timeline: Timeline, span: Span, y: int) -> Iterator[str]:
    begin, end = _x(timeline, span.begin), _x(timeline, min(span.end, len(timeline.seconds)))
    text = f"{span.name} ejected"
    yield f'<rect class="ejected" x="{begin:.1f}" y="{y}" width="{max(2.0, end - begin):.1f}" height="14" rx="3">'
    yield f"<title>{escape(text)} from {span.begin:.1f} s to {span.end:.1f} s</title></rect>\n"
    # Beside the bar where it is too short to hold its name, on the side that has room.
    if end - begin > 7 * len(text):
        yield f'<text x="{begin + 6:.1f}" y="{y + 11}" style="fill:#fff">{escape(text)}</text>\n'
    elif end + 7 * len(text) < WIDTH - RIGHT:
        yield f'<text x="{end + 6:.1f}" y="{y + 11}">{escape(text)}</text>\n'
    else:
        yield f'<text x="{begin - 6:.1f}" y="{y + 11}" text-anchor="end">{escape(text)}</text>\n'


def _axis(timeline: Timeline, top: int) -> Iterator[str]:
    for second in range(0, len(timeline.seconds) + 1, 5):
        x = _x(timeline, second)
        yield f'<text class="axis" x="{x:.1f}" y="{top + 12}" text-anchor="middle">{second}</text>\n'
    yield f'<text class="axis" x="{LEFT - 8}" y="{top + 12}" text-anchor="end">second</text>\n'


def _cues(timeline: Timeline, titles: Mapping[str, str], bottom: int) -> Iterator[str]:
    """A number at the top of a dashed line; the story below the drawing says what it stands for."""
    for number, moment in enumerate(timeline.moments, 1):
        x = _x(timeline, moment.at)
        yield f"<g><title>{escape(titles.get(moment.title, moment.title))}</title>"
        yield f'<line class="cue" x1="{x:.1f}" x2="{x:.1f}" y1="{CUES - 4}" y2="{bottom}"/>'
        yield f'<circle class="badge" cx="{x:.1f}" cy="{CUES - 11}" r="9"/>'
        yield f'<text class="number" x="{x:.1f}" y="{CUES - 7}" text-anchor="middle">{number}</text></g>\n'


def _legend(timeline: Timeline, y: int) -> Iterator[str]:
    paint, x = colours(timeline.parties), float(LEFT)
    total = timeline.total
    for name in timeline.parties:
        text = f"{name}: {total[name]}"
        yield f'<rect x="{x:.1f}" y="{y - 10}" width="12" height="12" rx="2" fill="{paint[name]}"/>'
        yield f'<text x="{x + 18:.1f}" y="{y}">{escape(text)}</text>\n'
        x += 44 + 7.2 * len(text)


def _table(timeline: Timeline) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in ("second", *timeline.parties, "slowest"))
    rows = "".join(
        f"<tr><td>{number}</td>"
        + "".join(f"<td>{second.answers.get(name, 0)}</td>" for name in timeline.parties)
        + f"<td>{second.slowest:.2f} s</td></tr>\n"
        for number, second in enumerate(timeline.seconds)
    )
    return f"<table>\n<tr>{head}</tr>\n{rows}</table>\n"
