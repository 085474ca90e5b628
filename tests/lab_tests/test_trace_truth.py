"""What a trace says is what packets do: each verdict against a real connection on the same way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ko_tui.backend.errors import KoError
from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.backend.tracing.oneline import parse_line
from tests.lab.running import RunningLab
from tests.lab.topology import EIP_TARGET, LISTENERS, SERVICES, pod

pytestmark = pytest.mark.lab

SOURCES = ("default/client", "default/server", "prod/db-0", "default/dhcp-pod", "vpc2/tenant-a")
PODS = [(each.pod, pod(each.pod).ips[0], each.port) for each in LISTENERS if each.protocol == "TCP"]
VIPS = [
    (ip, ip, port.port)
    for service in SERVICES
    for ip in service.ips
    for port in service.ports
    if port.protocol == "TCP" and not service.session
]
# Behind these is the pod with a floating address, whose replies to other subnets go astray: chance decides.
BY_CHANCE = {ip for s in SERVICES for ip in s.ips if any(EIP_TARGET in pod(key).ips for key in s.backends)}


@pytest.fixture(scope="module")
def session(running_lab: RunningLab) -> Iterator[Session]:
    found = open_session(SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin"))
    yield found
    found.close()


def traced(session: Session, source: str, line: str) -> str:
    """ "" when the way there and the way back are both delivered, else what stands against it."""
    try:
        there = session.trace(session.plan(parse_line(line)))
    except KoError as error:
        return error.what
    if there.explained.verdict is not Verdict.DELIVERED:
        return there.explained.verdict.name
    if there.explained.trace.outputs == [pod(source).lsp]:
        return ""  # a hairpin: its reply is told by a lookup of learned flows, which ovn-trace does not have
    back = session.trace(session.plan(session.reply(there)))
    return "" if pod(source).lsp in back.explained.trace.outputs else "the reply goes elsewhere"


@pytest.mark.parametrize("source", SOURCES)
def test_the_verdict_is_what_happens(running_lab: RunningLab, session: Session, source: str) -> None:
    wrong, arrived = [], 0
    for name, address, port in (*PODS, *VIPS):
        if name == source or (":" in address and len(pod(source).ips) < 2):
            continue
        if address in BY_CHANCE and pod(source).subnet != "ovn-default":
            continue
        against = traced(session, source, f"{source} {name} tcp {port}")
        arrives = bool(running_lab.cluster.ask(source, address, port, seconds=0.3))
        arrived += arrives
        if arrives is bool(against):
            wrong.append(f"{name} {port}: {against or 'delivered'}; in truth {arrives=}")
    assert not wrong
    assert arrived or source == "vpc2/tenant-a"


def test_a_pod_with_a_floating_address_answers_other_subnets_through_it(
    running_lab: RunningLab, session: Session
) -> None:
    """Its route by source address is longer than the way to the other subnet: a request arrives, its reply does not."""
    line = "default/dhcp-pod default/web-0 tcp 8080"
    there = session.trace(session.plan(parse_line(line)))
    assert there.explained.verdict is Verdict.DELIVERED
    assert traced(session, "default/dhcp-pod", line) == "the reply goes elsewhere"
    assert running_lab.cluster.ask("default/dhcp-pod", EIP_TARGET, 8080, seconds=0.3) == ""


def test_another_pod_with_the_address_that_was_meant_is_told(session: Session) -> None:
    """vpc2 has the same addresses as the default VPC: default/server and vpc2/tenant-b share one."""
    for engine in ("ovn-trace", "local"):
        request = replace(parse_line("vpc2/tenant-a default/server tcp 22"), engine=engine)
        result = session.trace(session.plan(request))
        assert result.explained.trace.outputs == [pod("vpc2/tenant-b").lsp]
        assert "did not come to default/server" in result.explained.notes[0]
        assert "VPC ovn-cluster, the sender in vpc2" in result.explained.notes[0]
    well = session.trace(session.plan(parse_line("default/client default/server tcp 22")))
    assert not any("did not come" in note for note in well.explained.notes)
