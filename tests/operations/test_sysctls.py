"""Kernel settings: the file that remembers what was before is written before anything changes."""

from __future__ import annotations

from meshctl.operations.sysctls import differences, originals, text

KEY = "net.ipv4.ip_forward"


def test_a_first_run_writes_the_file_then_sets_the_value() -> None:
    first, second = differences({KEY: "0"}, None, {KEY: "1"})
    assert first.diff == ("+ file /etc/sysctl.d/90-meshctl.conf",)
    assert "net.ipv4.ip_forward was 0" in first.get_raw_value()
    assert second.diff == ("- net.ipv4.ip_forward = 0", "+ net.ipv4.ip_forward = 1")


def test_a_second_run_changes_nothing() -> None:
    assert differences({KEY: "1"}, text({KEY: "1"}, {KEY: "0"}), {KEY: "1"}) == []


def test_a_flipped_value_is_set_again_and_what_was_before_is_kept() -> None:
    (change,) = differences({KEY: "0"}, text({KEY: "1"}, {KEY: "1"}), {KEY: "1"})
    assert change.get_raw_value() == "printf %s 1 > /proc/sys/net/ipv4/ip_forward"


def test_what_was_before_survives_an_edited_file() -> None:
    edited = text({KEY: "1"}, {KEY: "0"}).replace("ip_forward = 1", "ip_forward = 0")
    (change,) = differences({KEY: "1"}, edited, {KEY: "1"})
    assert change.diff == ("~ file /etc/sysctl.d/90-meshctl.conf",)
    assert originals(text({KEY: "1"}, {KEY: "0"})) == {KEY: "0"}
    assert "was 0" in change.get_raw_value()
