"""Bookinfo's page as HTML: upstream's texts, and who served which part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from meshctl.sandbox.bookinfo.backend import Answer
from meshctl.sandbox.bookinfo.settings import Settings
from meshctl.sandbox.bookinfo.style import STYLE

DETAILS = {
    "Type": "type",
    "Pages": "pages",
    "Publisher": "publisher",
    "Language": "language",
    "ISBN-10": "ISBN-10",
    "ISBN-13": "ISBN-13",
    "Year": "year",
}
MAX_STARS = 5


def product(settings: Settings, book: Mapping[str, Any], details: Answer, reviews: Answer, user: str) -> str:
    """The product page; a part that could not be fetched says so instead."""
    answers = (settings.served_by, details.served_by, reviews.served_by)
    body = f"""
<header class="book">
<h1>{escape(book["title"])}</h1>
<p>{book["descriptionHtml"]}</p>
</header>
<div class="columns">
<section class="card"><h2>Book Details</h2>{_details(details)}</section>
<section class="card"><h2>Book Reviews</h2>{_reviews(reviews)}</section>
</div>
<section class="route"><h2>Served by</h2><ol>{"".join(map(_stop, _servers(", ".join(filter(None, answers)))))}</ol></section>
"""
    return _document(_bar(user) + f"<main>{body}</main>")


def _details(answer: Answer) -> str:
    if answer.status != 200:
        return _error("Error fetching product details!", answer)
    rows = (
        f"<tr><th>{label}</th><td>{escape(str(answer.value[key]))}</td></tr>"
        for label, key in DETAILS.items()
        if key in answer.value
    )
    author = escape(str(answer.value.get("author", "")))
    return f'<p class="author">{author}</p><table>{"".join(rows)}</table>'


def _reviews(answer: Answer) -> str:
    if answer.status != 200:
        return _error("Error fetching product reviews!", answer)
    pod, cluster = escape(str(answer.value.get("podname", ""))), escape(str(answer.value.get("clustername", "")))
    source = f'<p class="source">Reviews served by: <b>{pod}</b> in cluster <b>{cluster}</b></p>'
    return "".join(map(_review, answer.value.get("reviews", ()))) + source


def _error(title: str, answer: Answer) -> str:
    return f'<div class="error"><h3>{title}</h3><p>{escape(str(answer.value.get("error", "")))}</p></div>'


def _review(review: Mapping[str, Any]) -> str:
    text, reviewer = escape(str(review.get("text", ""))), escape(str(review.get("reviewer", "")))
    return f"<blockquote><p>{text}</p>{_rating(review.get('rating'))}<cite>{reviewer}</cite></blockquote>"


def _rating(rating: Any) -> str:
    if not isinstance(rating, dict):
        return ""
    if "stars" not in rating:
        return f'<p class="missing">{escape(str(rating.get("error", "")))}</p>'
    count, color = max(0, min(MAX_STARS, int(rating["stars"]))), escape(str(rating.get("color", "black")))
    stars = "★" * count + f'<span class="none">{"★" * (MAX_STARS - count)}</span>'
    return f'<p class="stars" style="color: {color}" title="{count} of {MAX_STARS} stars, {color}">{stars}</p>'


def _servers(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Name, and pod, node and cluster, of each server that an `x-served-by` names; each only once."""
    for part in dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))):
        name, *places = (piece.strip() for piece in part.split(";"))
        yield name, dict(place.split("=", 1) for place in places if "=" in place)


def _stop(server: tuple[str, dict[str, str]]) -> str:
    name, place = server
    where = (escape(place[key]) for key in ("cluster", "node", "pod") if place.get(key))
    cluster = escape(place.get("cluster", ""))
    spans = "".join(f"<span>{text}</span>" for text in where)
    return f'<li style="--hue: {_hue(cluster)}"><b>{escape(name)}</b>{spans}</li>'


def _hue(cluster: str) -> int:
    """A colour of its own for each cluster: neighbouring numbers lie far apart."""
    return sum(map(ord, cluster)) * 137 % 360


def _bar(user: str) -> str:
    if user:
        account = f'<span>{escape(user)}</span><a class="button" href="/logout">Sign out</a>'
    else:
        account = """<details><summary class="button">Sign in</summary>
<form method="post" action="/login"><label>User Name<input name="username" autocomplete="username" required></label>
<label>Password<input name="passwd" type="password" autocomplete="off"></label>
<button class="button">Sign in</button></form></details>"""
    return f'<nav><a class="brand" href="/productpage">BookInfo Sample</a><div class="account">{account}</div></nav>'


def index(settings: Settings) -> str:
    """The page that explains the application."""
    calls = {"productpage": ("details", "reviews"), "reviews": ("ratings",)}
    rows = "".join(
        f"<tr><th>{caller}</th><td>{escape(settings.backends[name][0])}:{settings.backends[name][1]}/{name}</td></tr>"
        for caller, names in calls.items()
        for name in names
    )
    body = f"""
<header class="book"><h1>Hello! This is a simple bookstore application consisting of four services as shown below</h1>
</header>
<section class="card"><h2>Who calls whom</h2><table>{rows}</table></section>
<p class="choice">Click on one of the links below to auto generate a request to the backend as a real user or a tester</p>
<p class="choice"><a class="button" href="/productpage?u=normal">Normal user</a>
<a class="button" href="/productpage?u=test">Test user</a></p>
"""
    return _document(_bar("") + f"<main>{body}</main>")


def not_found() -> str:
    return _document(_bar("") + '<main><header class="book"><h1>Not Found</h1></header></main>')


def _document(body: str) -> str:
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Simple Bookstore App</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""
