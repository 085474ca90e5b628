"""What ovn-trace does differently from release to release, on flows written by hand (utilities/ovn-trace.c)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from ko_tui.backend.simulate import Options, Simulation, Simulator
from ko_tui.backend.source.ovsdb_file import loads
from tests.unit.test_simulate_recorded import member

SWITCH = "00000000-0000-4000-8000-000000000001"
IP = 'inport == "p" && ip4.src == 10.0.0.1 && ip4.dst == 10.0.0.2 && ip.ttl == 64 && udp.src == 5 && udp.dst == 53'


def run(
    flows: list[tuple[str, int, str, str]], version: str, microflow: str = IP, **options: Any
) -> Simulation:
    """Simulate on a switch with ports p and q and these flows: pipeline, table, match, actions."""
    rows: dict[str, Any] = {
        "Datapath_Binding": {
            SWITCH: {"tunnel_key": 1, "external_ids": ["map", [["logical-switch", SWITCH], ["name", "s"]]]}
        },
        "Port_Binding": {
            f"00000000-0000-4000-9000-00000000000{n}": {
                "logical_port": name, "datapath": ["uuid", SWITCH], "tunnel_key": n
            }
            for n, name in ((1, "p"), (2, "q"))
        },
        "Logical_Flow": {
            f"{n:08x}-0000-4000-8000-000000000000": {
                "logical_datapath": ["uuid", SWITCH], "pipeline": pipeline, "table_id": table, "priority": 10,
                "match": match, "actions": actions,
            }
            for n, (pipeline, table, match, actions) in enumerate(flows, 1)
        },
    }  # fmt: skip
    body = json.dumps(rows).encode() + b"\n"
    schema = b"\n".join(member("25.03.3", "ovnsb.db").split(b"\n")[:2]) + b"\n"
    content = schema + f"OVSDB JSON {len(body)} {hashlib.sha1(body).hexdigest()}\n".encode() + body
    return Simulator(loads(content, "made"), version=version).run("s", microflow, Options(**options))


def lines(made: Simulation) -> list[str]:
    return [line.strip() for line in made.text.splitlines()]


def test_a_mirror_sends_a_copy_out() -> None:
    made = run([("ingress", 0, "1", 'mirror("q");'), ("egress", 0, "1", "output;")], "26.03.2")
    assert lines(made)[5:] == [
        'mirror("q");', "", "clone", "-----", "0. 1, priority 10, uuid 00000002", "output;",
        '/* output to "q", type "" */',
    ]  # fmt: skip


@pytest.mark.parametrize(("version", "hit"), [("25.03.3", "no match"), ("26.03.2", "uuid 00000002")])
def test_the_original_port_is_the_packets_own(version: str, hit: str) -> None:
    made = run(
        [
            ("ingress", 0, "1", "reg1[0..15] = ct_tp_dst(); next;"),
            ("ingress", 1, "reg1[0..15] == 53", "drop;"),
        ],
        version,
    )
    assert hit in lines(made)[-1] or hit in lines(made)[-2]


@pytest.mark.parametrize(("version", "remembered"), [("25.03.3", False), ("26.03.2", True)])
def test_a_log_line_tells_the_original_packet(version: str, remembered: bool) -> None:
    flows = [("ingress", 0, "1", "ct_next;"), ("ingress", 1, "1", "log(verdict=allow, severity=info);")]
    made = run(flows, version, ct=("est",))
    assert (
        "ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=17,ct_tp_src=5,ct_tp_dst=53" in made.text
    ) is remembered


@pytest.mark.parametrize(
    ("version", "said"), [("23.03.1", 'inport="(unnamed)"'), ("24.03.9", "does not specify")]
)
def test_a_microflow_without_a_port(version: str, said: str) -> None:
    assert said in run([("ingress", 0, "1", "drop;")], version, "ip4").text


@pytest.mark.parametrize(("version", "said"), [("22.03.8", "not implemented"), ("22.12.2", "")])
def test_the_hairpin_of_replies(version: str, said: str) -> None:
    flows = [("ingress", 0, "1", "reg0[12] = chk_lb_hairpin_reply(); next;"), ("ingress", 1, "1", "drop;")]
    made = run(flows, version)
    assert ("not implemented" in made.text) is bool(said)


def test_zones_of_nat_are_named_as_ovn_trace_names_them() -> None:
    made = run(
        [("ingress", 0, "1", "ct_snat_in_czone(10.0.0.9);"), ("ingress", 1, "ip4.src == 10.0.0.9", "drop;")],
        "23.03.1",
    )
    assert "ct_snatin_czone(ip4.src=10.0.0.9) /* default (use --ct to customize) */" in lines(made)


def test_a_commit_to_a_zone() -> None:
    flows = [("ingress", 0, "1", "ct_commit_to_zone(dnat);"), ("ingress", 1, "ct.est", "drop;")]
    assert "ct_commit_to_zone(dnat) /* default (use --ct to customize) */" in lines(run(flows, "25.03.3"))


def test_a_flow_of_an_unknown_action_is_left_out() -> None:
    made = run([("ingress", 0, "1", "teleport(q);")], "25.03.3")
    assert "no match (implicit drop)" in made.text


def test_a_loop_ends() -> None:
    flows = [
        ("ingress", 0, "1", 'outport = "q"; output;'),
        ("egress", 0, "1", "next(pipeline=ingress, table=0);"),
    ]
    made = run(flows, "23.03.1")
    assert made.assumptions[-1] == "loop"
    assert "*** stopped here: these flows send the packet round in a loop" in made.text
