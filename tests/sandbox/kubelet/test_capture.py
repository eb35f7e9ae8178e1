import shutil
import subprocess

import pytest

from meshctl.sandbox.kubelet import capture

INJECTED = [
    "istio-iptables",
    "-p",
    "15001",
    "-z",
    "15006",
    "-u",
    "1337",
    "-m",
    "REDIRECT",
    "-i",
    "*",
    "-x",
    "",
    "-b",
    "*",
    "-d",
    "15090,15021,15020",
]
EVERYTHING = """\
table ip istio-proxy-nat
delete table ip istio-proxy-nat
table ip istio-proxy-nat {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    tcp dport 15008 return
    tcp dport { 15090, 15021, 15020 } return
    meta l4proto tcp redirect to :15006
  }
  chain output {
    type nat hook output priority -100;
    meta l4proto != tcp return
    oifname "lo" ip saddr 127.0.0.6 return
    oifname "lo" ip daddr != 127.0.0.1 tcp dport != 15008 meta skuid 1337 redirect to :15006
    oifname "lo" meta skuid != 1337 return
    meta skuid 1337 return
    oifname "lo" ip daddr != 127.0.0.1 tcp dport != 15008 meta skgid 1337 redirect to :15006
    oifname "lo" meta skgid != 1337 return
    meta skgid 1337 return
    ip daddr 127.0.0.1 return
    meta l4proto tcp redirect to :15001
  }
}
"""


def test_injected_arguments_capture_everything_but_the_proxys_own_ports() -> None:
    assert capture.rules(capture.parse(INJECTED)) == EVERYTHING


def test_ports_and_networks_can_be_chosen() -> None:
    words = [
        "istio-iptables",
        "-p",
        "1",
        "-z",
        "2",
        "-u",
        "7",
        "-g",
        "8",
        "-b",
        "80,81",
        "-i",
        "10.0.0.0/8",
        "-x",
        "10.1.0.0/16",
        "-q",
        "443",
        "-o",
        "3306",
    ]
    lines = [line.strip() for line in capture.rules(capture.parse(words)).splitlines()]
    assert "tcp dport { 80, 81 } redirect to :2" in lines
    assert lines.index("tcp dport { 3306 } return") < lines.index('oifname "lo" ip saddr 127.0.0.6 return')
    assert lines[-6:-2] == [
        "ip daddr 127.0.0.1 return",
        "tcp dport { 443 } meta l4proto tcp redirect to :1",
        "ip daddr { 10.1.0.0/16 } return",
        "ip daddr { 10.0.0.0/8 } meta l4proto tcp redirect to :1",
    ]


@pytest.mark.skipif(not shutil.which("nft"), reason="needs nft")
@pytest.mark.parametrize(
    "words", [INJECTED, ["istio-iptables", "-b", "80", "-q", "443", "-x", "10.1.0.0/16", "-o", "3306"]]
)
def test_nft_takes_the_rules(words: list[str]) -> None:
    script = capture.rules(capture.parse(words))
    subprocess.run(["unshare", "-rn", "nft", "-c", "-f", "-"], input=script, text=True, check=True)
