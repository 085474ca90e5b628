"""Differences that once were, each kept as a case of its own."""

from __future__ import annotations

import re
import shutil
from random import Random

import pytest

from ko_tui.backend.simulate import Options, Simulator
from ko_tui.backend.simulate.dice import closest
from ko_tui.backend.simulate.ovn_hash import chain, growths, hash_bytes, mask_for
from ko_tui.backend.source.ovsdb_file import loads
from tests.differential.ovn import ScratchOvn

needs_ovn = pytest.mark.skipif(shutil.which("ovn-trace") is None, reason="OVN is not installed here")


def same(
    ovn: ScratchOvn, simulator: Simulator, datapath: str, microflow: str, ct: tuple[str, ...] = ()
) -> str:
    """The text, which both must give."""
    real = ovn.trace([*(f"--ct={state}" for state in ct), datapath, microflow])
    assert real.returncode == 0, real.stderr
    made = simulator.run(datapath, microflow, Options(ct))
    assert made.text == real.stdout
    return made.text


def hit(text: str, uuids: list[str]) -> str:
    """The UUID of the only logical flow in a trace."""
    (start,) = re.findall(r"priority 10, uuid ([0-9a-f]{8})", text)
    (uuid,) = (uuid for uuid in uuids if uuid.startswith(start))
    return uuid


def orders(pair: tuple[str, str], uuids: list[str]) -> set[tuple[str, ...]]:
    """The orders in which the IDL may walk two rows of one bucket.

    Rows that share a bucket in the hash table of the JSON object come in the order of the server's memory, which no
    contents tell: each may then have any of the bucket's places, on either side of a growth of the IDL's table.
    """
    mask = mask_for(len(uuids))
    homes = {uuid: hash_bytes(uuid.encode()) & mask for uuid in uuids}
    ahead = [sum(home < homes[uuid] for home in homes.values()) for uuid in pair]
    places = [
        range(n + 1, n + 1 + sum(home == homes[u] for home in homes.values()))
        for n, u in zip(ahead, pair, strict=True)
    ]
    return {
        tuple(chain([(one, pair[0]), (other, pair[1])], len(uuids)))
        for one in places[0]
        for other in places[1]
        if one != other
    }


@needs_ovn
@pytest.mark.parametrize("count", [120, 513])
def test_of_equal_flows_the_one_that_ovn_trace_meets_first_is_hit(count: int) -> None:
    random = Random(count)
    with ScratchOvn() as ovn:
        ovn.nbctl("ls-add", "s", "--", "lsp-add", "s", "p")
        ovn.settle()
        ovn.stop_northd()
        datapath = (ovn.sbctl("--bare", "--columns=_uuid", "find", "Datapath_Binding") or "").strip()
        ovn.sbctl("--all", "destroy", "Logical_Flow")
        words: list[str] = []
        for number in range(count):
            values = ",".join(map(str, random.sample(range(20), 8)))
            words += ["--", "create", "Logical_Flow", f"logical_datapath={datapath}", "pipeline=ingress", "table_id=0",
                      "priority=10", f'match="reg0 == {{{values}}}"', 'actions="drop;"']  # fmt: skip
            if len(words) > 1500 or number == count - 1:
                assert ovn.sbctl(*words) is not None
                words = []
        simulator = Simulator(loads(ovn.southbound(), "southbound"))
        uuids = (ovn.sbctl("--bare", "--columns=_uuid", "find", "Logical_Flow") or "").split()
        assert len(uuids) == count
        told = 0
        for value in range(20):
            microflow = f'inport == "p" && reg0 == {value}'
            real, made = (
                hit(ovn.trace(["s", microflow]).stdout, uuids),
                hit(simulator.run("s", microflow).text, uuids),
            )
            told += real == made
            assert made == real or (made, real) in orders((made, real), uuids) >= {(real, made)}
        assert told


@needs_ovn
def test_a_routing_loop_goes_on_until_the_ttl_ends() -> None:
    with ScratchOvn() as ovn:
        for router, address in (("a", "1"), ("b", "2")):
            ovn.nbctl("lr-add", router, "--", "lrp-add", router, f"{router}-p", f"0a:00:00:00:00:0{address}",
                      f"10.0.0.{address}/24", f"peer={'b' if router == 'a' else 'a'}-p")  # fmt: skip
        ovn.nbctl(
            "lr-route-add", "a", "0.0.0.0/0", "10.0.0.2", "--", "lr-route-add", "b", "0.0.0.0/0", "10.0.0.1"
        )
        ovn.settle()
        simulator = Simulator(loads(ovn.southbound(), "southbound"))
        text = same(
            ovn, simulator, "a",
            'inport == "a-p" && eth.src == 0a:00:00:00:00:02 && eth.dst == 0a:00:00:00:00:01 && ip4.src == 192.0.2.1 '
            "&& ip4.dst == 198.51.100.1 && ip.ttl == 30 && udp",
        )  # fmt: skip
        assert text.count("lr_in_ip_routing ") >= 28


def test_the_walk_of_a_hash_table() -> None:
    # Facts by hand from lib/hmap.c: four buckets at least, growth at 2, 8, 16, 32 nodes.
    assert [mask_for(n) for n in (0, 1, 2, 7, 8, 15, 16, 100)] == [0, 0, 3, 3, 7, 7, 15, 63]
    assert growths(40) == [2, 8, 16, 32]
    assert chain([(3, "first"), (5, "second")], 7) == ["second", "first"]
    assert chain([(3, "first"), (5, "second")], 8) == ["first", "second"]


def test_murmur_hash() -> None:
    # Values of MurmurHash3_x86_32 (its author's published test vectors).
    assert hash_bytes(b"") == 0
    assert hash_bytes(b"", 1) == 0x514E28B7
    assert hash_bytes(b"test") == 0xBA6BD213


@needs_ovn
def test_many_dice_on_one_way_are_found() -> None:
    """A loop between two routers, each with two equal ways to the other: some twenty throws."""
    with ScratchOvn() as ovn:
        for router, address in (("a", "1"), ("b", "2")):
            ovn.nbctl("lr-add", router)
            for link in (0, 1):
                ovn.nbctl("lrp-add", router, f"{router}-p{link}", f"0a:00:00:00:0{link}:0{address}",
                          f"10.0.{link}.{address}/24", f"peer={'b' if router == 'a' else 'a'}-p{link}")  # fmt: skip
        for link in (0, 1):
            ovn.nbctl("--ecmp", "lr-route-add", "a", "0.0.0.0/0", f"10.0.{link}.2")
            ovn.nbctl("--ecmp", "lr-route-add", "b", "0.0.0.0/0", f"10.0.{link}.1")
        ovn.settle()
        simulator = Simulator(loads(ovn.southbound(), "southbound"))
        microflow = (
            'inport == "a-p0" && eth.src == 0a:00:00:00:00:02 && eth.dst == 0a:00:00:00:00:01 && ip4.src == 192.0.2.1 '
            "&& ip4.dst == 198.51.100.1 && ip.ttl == 24 && udp"
        )
        real = ovn.trace(["a", microflow])
        assert real.returncode == 0, real.stderr
        made = closest(simulator, "a", microflow, Options(), real.stdout)
        assert len(made.alternatives) > 18
        assert made.text == real.stdout
