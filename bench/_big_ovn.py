"""A large cluster written into a scratch OVN, so that the real northd makes the flows."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path

from ko_tui.backend.source.ovsdb_log import records
from tests.differential.ovn import ScratchOvn

CHUNK = 300
"""Ports in one transaction: an argument of a command cannot be longer than 128 KiB."""


def mac(switch: int, port: int) -> str:
    return f"0a:{switch >> 8:02x}:{switch & 255:02x}:00:{port >> 8:02x}:{port & 255:02x}"


def address(switch: int, port: int) -> str:
    return f"10.{switch + 1}.{port >> 8}.{port & 255}"


def fill(ovn: ScratchOvn, switches: int, ports: int, services: int) -> None:
    """Switches with ports and port security, one router, a port group with ACLs, services on the router."""
    ovn.nbctl("lr-add", "lr")
    for switch in range(switches):
        ovn.nbctl("ls-add", f"sw{switch}")
        for start in range(2, ports + 2, CHUNK):
            _transact(ovn, _ports(switch, range(start, min(start + CHUNK, ports + 2))))
        name, router_mac = f"sw{switch}", f"0e:00:00:00:00:{switch:02x}"
        ovn.nbctl("lrp-add", "lr", f"lr-{name}", router_mac, f"10.{switch + 1}.255.254/16")
        ovn.nbctl("lsp-add", name, f"{name}-lr", "--", "lsp-set-type", f"{name}-lr", "router", "--",
                  "lsp-set-addresses", f"{name}-lr", "router", "--", "lsp-set-options", f"{name}-lr",
                  f"router-port=lr-{name}")  # fmt: skip
    ovn.nbctl("pg-add", "group", *[f"sw0-p{n}" for n in range(2, 50)])
    for number in range(200):
        ovn.nbctl(
            "acl-add",
            "group",
            "to-lport",
            str(1000 + number),
            f"outport == @group && tcp.dst == {number + 1}",
            "allow",
        )
    for start in range(0, services, 100):
        words: list[str] = []
        for number in range(start, min(start + 100, services)):
            vip = f"172.16.{number >> 8}.{number & 255}:80"
            words += ["--", "lb-add", f"lb{number}", vip, f"{address(0, 10)}:80,{address(0, 11)}:80", "--",
                      "ls-lb-add", "sw0", f"lb{number}"]  # fmt: skip
        ovn.nbctl(*words)
    subprocess.run(
        ["ovn-nbctl", f"--db={ovn.remote('nb')}", "--wait=sb", "--timeout=600", "sync"],
        check=True,
        timeout=620,
    )


def _ports(switch: int, numbers: range) -> list[object]:
    operations: list[object] = ["OVN_Northbound"]
    names = []
    for port in numbers:
        text = f"{mac(switch, port)} {address(switch, port)} fd00:{switch + 1:x}::{port:x}"
        names.append(["named-uuid", f"p{port}"])
        row = {"name": f"sw{switch}-p{port}", "addresses": text, "port_security": text}
        operations.append(
            {"op": "insert", "table": "Logical_Switch_Port", "uuid-name": f"p{port}", "row": row}
        )
    mutation = {"op": "mutate", "table": "Logical_Switch", "where": [["name", "==", f"sw{switch}"]],
                "mutations": [["ports", "insert", ["set", names]]]}  # fmt: skip
    return [*operations, mutation]


def _transact(ovn: ScratchOvn, operations: list[object]) -> None:
    done = subprocess.run(
        ["ovsdb-client", "transact", ovn.remote("nb"), json.dumps(operations)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert '"error"' not in done.stdout, done.stdout[:300]


def save(ovn: ScratchOvn, path: Path) -> int:
    """The southbound database as a file; gives its size in bytes."""
    with path.open("wb") as target:
        subprocess.run(
            ["ovsdb-client", "backup", ovn.remote("sb"), "OVN_Southbound"],
            stdout=target,
            check=True,
            timeout=300,
        )
    return path.stat().st_size


_UUID = re.compile(rb'"([0-9a-f])([0-9a-f]{7}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"')


def replicate(path: Path, copies: int, to: Path) -> int:
    """``copies`` of a database in one, each with UUIDs and switch names of its own; gives the size in bytes."""
    with path.open("rb") as source, to.open("wb") as target:
        for number, (_, body) in enumerate(records(source, path.name)):
            for copy in range(copies if number else 1):
                made = body
                if copy:
                    made = _UUID.sub(lambda f, c=copy: b'"%x%s"' % (int(f[1], 16) ^ c, f[2]), made)  # type: ignore[misc]
                    made = made.replace(b"sw", b"c%dsw" % copy)
                digest = hashlib.sha1(made, usedforsecurity=False).hexdigest()
                target.write(f"OVSDB JSON {len(made)} {digest}\n".encode() + made)
    return to.stat().st_size


def microflow() -> str:
    """A packet across the router, from the first switch to the second."""
    return (
        f'inport == "sw0-p10" && eth.src == {mac(0, 10)} && eth.dst == 0e:00:00:00:00:00 && '
        f"ip4.src == {address(0, 10)} && ip4.dst == {address(1, 20)} && ip.ttl == 64 && tcp && tcp.src == 4000 && "
        "tcp.dst == 80 && tcp.flags == 2"
    )
