"""Every command that ko-tui runs of itself runs in the lab's pods as the guard lets it, and changes nothing."""

from __future__ import annotations

from contextlib import suppress

import pytest

from ko_tui.backend.command.fixed import FIXED, find_fixed
from ko_tui.backend.command.guard import guard_for
from ko_tui.backend.command.lasting import lasting
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.simulate.following import MONITOR
from ko_tui.backend.source.interface import CouldNotStart, ExecTimeout
from tests.lab.running import RunningLab
from tests.lab.topology import NODES

pytestmark = pytest.mark.lab
CENTRAL = (
    *(f"ovsdb-client {belt} backup unix:/var/run/ovn/ovn{short}_db.sock OVN_{name}bound"
      for belt in ("", "--no-leader-only", "-t 60") for short, name in (("nb", "North"), ("sb", "South"))),
    "ls -1A /etc/ovn",
    "sha256sum /etc/ovn/ovnnb_db.db",
    "ovn-nbctl --version",
)  # fmt: skip
NODE = (
    "cat /proc/net/snmp",
    "cat /proc/sys/net/ipv4/ip_forward",
    "cat /etc/resolv.conf",
    "cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    "ls /etc/cni/net.d",
    "ip -j route show table all",
    "ps -eo comm",
    "tail -n 5 /var/log/openvswitch/ovs-vswitchd.log",
    "tar -C /var/log -cf - openvswitch",
    "find /tmp -maxdepth 1 -name openvswitch-kmod*.rpm",
    "dmesg -T",
    *(f"/usr/sbin/ip{six}tables-{flavour} -S{table}"
      for six in ("", "6") for flavour in ("legacy", "nft") for table in ("", " -t nat")),
    "ip -4 route show",
    "ip -d -s link show",
    "ip -6 neigh",
    "ip addr show",
    "ip xfrm policy",
    "free -m",
    "top -b -n 1",
    "sysctl -a",
    "netstat -tunlp",
    "ipset list",
    "ipsec statusall",
    "ethtool -k ovn0",
    "pkill -TERM -f ^timeout\x20-k\x202\x2099[.]123456\x20",
    "arping -c 1 -C 1 -i ovn0 100.64.0.1",
    "ndisc6 -q -n -r 1 -1 fd00:100:64::1 ovn0",
)  # fmt: skip


MAY_BE_ABSENT = {
    "/usr/sbin/ip6tables-legacy", "/usr/sbin/ip6tables-nft", "/usr/sbin/iptables-legacy",
    "/usr/sbin/iptables-nft", "arping", "ethtool", "ipset", "ipsec", "ndisc6", "netstat",
}  # fmt: skip


def words(line: str) -> tuple[str, ...]:
    if line.startswith("pkill"):  # its pattern has blanks
        head, _, tail = line.partition("^")
        return (*head.split(), "^" + tail)
    return tuple(line.split())


def state(lab: RunningLab) -> list[str]:
    """What is configured and programmed; not what the daemons write of themselves all the time."""
    cluster = lab.cluster
    found = [cluster.nbctl("show"), cluster.nbctl("--columns=_uuid,match,action,priority", "list", "ACL")]
    found.append(cluster.sbctl("--columns=_uuid,match,actions,priority", "list", "Logical_Flow"))
    found.append(cluster.sbctl("--columns=logical_port,tunnel_key,type,chassis", "list", "Port_Binding"))
    for node in NODES:
        place = cluster.node_place(node.name)
        found.append(place.run("ovs-vsctl", "show").stdout)
        found.append(place.run("ovs-ofctl", "--no-stats", "--names", "dump-flows", "br-int").stdout)
    return ["\n".join(sorted(text.splitlines())) for text in found]


def test_an_example_for_every_entry() -> None:
    examples = [words(line) for line in (*CENTRAL, *NODE)] + [MONITOR]
    assert not [e for e in examples if find_fixed(e) is None]
    assert not [entry.words for entry in FIXED if not any(entry.matches(e) for e in examples)]


def test_they_run_and_change_nothing(running_lab: RunningLab) -> None:
    options = SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin")
    session = open_session(options)
    guard = guard_for("read-only")
    before, absent = state(running_lab), set[str]()
    try:
        pods = [(session.leader("nb").pod, CENTRAL[0::2]), (session.leader("sb").pod, CENTRAL[1::2])]
        pods.append((session.ovs(NODES[1].name), NODE))
        for pod, lines in pods:
            for line in lines:
                guard(words(line))
                try:
                    run = session.run(pod, words(line), timeout=20)
                except CouldNotStart:
                    absent.add(words(line)[0])
                else:
                    assert run.exit_code is not None, line
        follow(session)
    finally:
        session.close()
    assert state(running_lab) == before
    assert absent <= MAY_BE_ABSENT, absent


def follow(session: Session) -> None:
    with suppress(ExecTimeout):
        run = session.run(session.leader("sb").pod, lasting(MONITOR, 1).argv, timeout=15)
        assert run.exit_code in (124, 143)
