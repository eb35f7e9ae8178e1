import pytest

from meshctl.sandbox.kubelet.expansion import expand


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(NAME)", "pod"),
        ("a-$(NAME)-$(NAME)", "a-pod-pod"),
        ("$(UNKNOWN)", "$(UNKNOWN)"),
        ("$$(NAME)", "$(NAME)"),
        ("$$$(NAME)", "$pod"),
        ("$NAME ${NAME} $(NAME", "$NAME ${NAME} $(NAME"),
    ],
)
def test_only_known_variables_in_parentheses_are_replaced(text: str, expanded: str) -> None:
    assert expand(text, {"NAME": "pod"}) == expanded
