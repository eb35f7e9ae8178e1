"""CEL as CustomResourceDefinitions use it."""

from __future__ import annotations

from typing import Any

import pytest

from meshctl.sandbox.apiserver.validation.cel.evaluation import evaluate
from meshctl.sandbox.apiserver.validation.cel.tokens import CelSyntaxError
from meshctl.sandbox.apiserver.validation.cel.values import CelError


@pytest.mark.parametrize(
    ("expression", "value", "expected"),
    [
        ("1 + 2 * 3 == 7 && !false", None, True),
        ("-7 / 2 == -3 && -7 % 2 == -1", None, True),
        ("7.0 / 2.0 == 3.5", None, True),
        ("has(self.a) ? self.a : 'none'", {}, "none"),
        ("has(self.a) && self.a.b > 1", {"a": {"b": 2}}, True),
        ("self.all(k, k.startsWith('x'))", {"x1": 1, "x2": 2}, True),
        ("self.exists(i, i == 2)", [1, 2], True),
        ("self.exists_one(i, i == 2)", [2, 2], False),
        ("self.filter(i, i > 1).map(i, i * 2)", [1, 2, 3], [4, 6]),
        ("self.map(i, i > 1, i * 10)", [1, 2], [20]),
        ("'b' in self && !('c' in self)", {"b": 1}, True),
        ("self[0] == 'a' && self.size() == 2 && size(self) == 2", ["a", "b"], True),
        ("duration('1m') + duration('30s') == duration('90s')", None, True),
        ("duration(self) >= duration('1ms')", "1.5s", True),
        ("timestamp('2026-01-02T03:04:05Z').getFullYear() == 2026", None, True),
        ("self.matches('^a+$')", "aaa", True),
        ("self.substring(1, 3)", "hello", "el"),
        ("self.split(',')", "a,b", ["a", "b"]),
        ("'{' + string(1) + '}'", None, "{1}"),
        ("r'\\d' + \"\\x41\\n\"", None, "\\dA\n"),
        ("url(self).getScheme() in ['http', 'https']", "https://a.example/b", True),
        ("isURL(self)", "no url", False),
        ("isURL('http://' + self) && url('http://' + self).getScheme() == 'http'", "example.com/x", True),
        ("{'a': 1}.size() == 1 && [1, 2] == [1, 2]", None, True),
        ("true || self.missing > 1", {}, True),
        ("self.missing > 1 || true", {}, True),
        ("1 == 1.0 && true != false && 'a' != 'b'", None, True),
        ("'true' == string(true)", None, True),
    ],
)
def test_value(expression: str, value: Any, expected: Any) -> None:
    assert evaluate(expression, {"self": value}) == expected


@pytest.mark.parametrize(
    ("expression", "value", "text"),
    [
        ("self.a", {}, "no such key: a"),
        ("self[3]", [1], "index out of bounds: 3"),
        ("int(self)", "x", "type conversion error from 'string' to 'int'"),
        ("duration(self)", "1d", "type conversion error from 'string' to 'google.protobuf.Duration'"),
        ("1 / 0", None, "division by zero"),
        ("9223372036854775807 + 1", None, "integer overflow"),
        ("'a' < 1", None, "no such overload"),
        ("1 + 'a'", None, "no such overload"),
        ("self.all(i, i > 0)", [1, "a"], "no such overload"),
        ("nothing", None, "undeclared reference to 'nothing' (in container '')"),
    ],
)
def test_error(expression: str, value: Any, text: str) -> None:
    with pytest.raises(CelError) as caught:
        evaluate(expression, {"self": value})
    assert str(caught.value) == text


@pytest.mark.parametrize("expression", ["", "1 +", "(1", "self.", "a b", "[1", "has(self)", "'open", "@"])
def test_no_expression(expression: str) -> None:
    with pytest.raises(CelSyntaxError):
        evaluate(expression, {"self": 1})
