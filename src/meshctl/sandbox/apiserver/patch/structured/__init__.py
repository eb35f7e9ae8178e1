"""Structured merge: objects, the sets of their fields, and what each manager of fields owns."""
