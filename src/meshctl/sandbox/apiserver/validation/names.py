"""The forms of names, labels and keys in Kubernetes (apimachinery, util/validation, 1.36): a message for each fault."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_OLD_LABEL = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_QUALIFIED})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)
_OLD_LABEL_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character"
)
_QUALIFIED_TEXT = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)
_CONFIG_KEY_TEXT = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"


def _described(text: str, form: str, *examples: str) -> str:
    shown = ",  or ".join(f"'{example}'" for example in examples)
    return f"{text} (e.g. {shown}, regex used for validation is '{form}')"


def _at_most(text: str, most: int, unit: str = "characters") -> list[str]:
    return [f"must be no more than {most} {unit}"] if len(text) > most else []


def label(text: str) -> list[str]:
    """An RFC 1123 label: names of namespaces, containers, volumes."""
    wrong = _at_most(text, 63)
    if not re.fullmatch(_LABEL, text):
        if re.fullmatch(_SUBDOMAIN, text):
            wrong.append("must not contain dots")
        else:
            wrong.append(_described(_LABEL_TEXT, _LABEL, "my-name", "123-abc"))
    return wrong


def subdomain(text: str) -> list[str]:
    """An RFC 1123 subdomain: names of most objects."""
    wrong = _at_most(text, 253)
    if not re.fullmatch(_SUBDOMAIN, text):
        wrong.append(_described(_SUBDOMAIN_TEXT, _SUBDOMAIN, "example.com"))
    return wrong


def old_label(text: str) -> list[str]:
    """An RFC 1035 label, which begins with a letter."""
    wrong = _at_most(text, 63)
    if not re.fullmatch(_OLD_LABEL, text):
        wrong.append(_described(_OLD_LABEL_TEXT, _OLD_LABEL, "my-name", "abc-123"))
    return wrong


def path_segment(text: str) -> list[str]:
    """A part of a URL's path: names of RBAC objects."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{mark}'" for mark in ("/", "%") if mark in text]


def qualified_name(text: str) -> list[str]:
    """The key of a label or an annotation."""
    parts = text.split("/")
    if len(parts) > 2:
        form = _described(f"a qualified name {_QUALIFIED_TEXT}", _QUALIFIED, "MyName", "my.name", "123-abc")
        return [f"{form} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    wrong: list[str] = []
    if len(parts) == 2:
        prefix = parts[0]
        wrong = [f"prefix part {each}" for each in (subdomain(prefix) if prefix else ["must be non-empty"])]
    name = parts[-1]
    if not name:
        wrong.append("name part must be non-empty")
    elif len(name) > 63:
        wrong.append("name part must be no more than 63 bytes")
    if not re.fullmatch(_QUALIFIED, name):
        wrong.append(_described(f"name part {_QUALIFIED_TEXT}", _QUALIFIED, "MyName", "my.name", "123-abc"))
    return wrong


def label_value(text: str) -> list[str]:
    """The value of a label."""
    wrong = _at_most(text, 63, "bytes")
    if not re.fullmatch(_VALUE, text):
        wrong.append(_described(_VALUE_TEXT, _VALUE, "MyValue", "my_value", "12345"))
    return wrong


def config_key(text: str) -> list[str]:
    """A key of a ConfigMap's or a Secret's data."""
    wrong = _at_most(text, 253)
    if not re.fullmatch(_CONFIG_KEY, text):
        wrong.append(_described(_CONFIG_KEY_TEXT, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    return wrong or _dotted(text)


def _dotted(text: str) -> list[str]:
    if text in (".", ".."):
        return [f"must not be '{text}'"]
    return ["must not start with '..'"] if text.startswith("..") else []


def environment_name(text: str) -> list[str]:
    """The name of an environment variable: any printable ASCII but `=`."""
    if not text:
        return ["environment variable name must be non-empty"]
    if not re.fullmatch(r"[ -<>-~]+", text):
        return [
            "a valid environment variable name must consist only of printable ASCII characters other than '='"
            " (regex used for validation is '^[ -<>-~]+$')"
        ]
    return []


def port_name(text: str) -> list[str]:
    """An IANA service name: names of container ports, named target ports."""
    wrong = _at_most(text, 15)
    if not re.fullmatch("[-a-z0-9]*", text):
        wrong.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", text):
        wrong.append("must contain at least one letter (a-z)")
    if "--" in text:
        wrong.append("must not contain consecutive hyphens")
    if text and "-" in (text[0], text[-1]):
        wrong.append("must not begin or end with a hyphen")
    return wrong


def port_number(number: int) -> list[str]:
    """A port."""
    return [] if 1 <= number <= 65535 else ["must be between 1 and 65535, inclusive"]


def address(text: str) -> list[str]:
    """An IP address."""
    try:
        ip_address(text)
    except ValueError:
        return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
    return []


def block(text: str) -> list[str]:
    """An address block."""
    try:
        fine = "/" in text and ip_network(text, strict=False)
    except ValueError:
        fine = False
    return [] if fine else ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]


def not_negative(number: int) -> list[str]:
    """Zero or more."""
    return [] if number >= 0 else ["must be greater than or equal to 0"]
