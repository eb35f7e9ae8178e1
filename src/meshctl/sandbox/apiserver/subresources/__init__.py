"""Paths below objects that are more than a view of them."""
