"""The three ovn-central pods: a raft server for each database, and ovn-northd."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.places import until
from tests.lab.topology import NODES

if TYPE_CHECKING:
    from tests.lab.cluster import Database, Lab

PORTS = {"nb": (6641, 6643), "sb": (6642, 6644)}
SCHEMA_FILE = {"nb": "/usr/share/ovn/ovn-nb.ovsschema", "sb": "/usr/share/ovn/ovn-sb.ovsschema"}
NAME = {"nb": "OVN_Northbound", "sb": "OVN_Southbound"}
DATABASES: tuple[Database, ...] = ("nb", "sb")


def raft(index: int, database: Database) -> str:
    return f"tcp:[{NODES[index].ip}]:{PORTS[database][1]}"


def remotes(database: Database) -> str:
    """What a client is given: every member."""
    return ",".join(f"tcp:[{node.ip}]:{PORTS[database][0]}" for node in NODES)


def start_first(lab: Lab) -> None:
    """Create both databases on the first member and wait for it to lead."""
    place = lab.central_place(0)
    for database in DATABASES:
        file, own = f"/etc/ovn/ovn{database}_db.db", raft(0, database)
        place.run("ovsdb-tool", "--election-timer=1000", "create-cluster", file, SCHEMA_FILE[database], own)
        start_server(lab, 0, database)
    for database in DATABASES:
        until(lambda d=database: lab.role(0, d) == "leader", "the first member to lead")
    place.script("ovn-nbctl --timeout=10 init; ovn-sbctl --timeout=10 init")


def join(lab: Lab, index: int) -> None:
    """Add a member to both clusters."""
    place = lab.central_place(index)
    for database in DATABASES:
        file = f"/etc/ovn/ovn{database}_db.db"
        place.run(
            "ovsdb-tool", "join-cluster", file, NAME[database], raft(index, database), raft(0, database)
        )
        start_server(lab, index, database)
    for database in DATABASES:
        until(
            lambda d=database: lab.role(index, d) == "follower" and _member(lab, index, d), "a member to join"
        )


def _member(lab: Lab, index: int, database: Database) -> bool:
    said = lab.central_place(index).run(
        "ovn-appctl",
        "-t",
        f"/var/run/ovn/ovn{database}_db.ctl",
        "cluster/status",
        NAME[database],
        check=False,
    )
    return "Status: cluster member" in said.stdout


def start_server(lab: Lab, index: int, database: Database) -> None:
    """Start one ovsdb-server on the paths and ports that Kube-OVN uses."""
    run, port = f"/var/run/ovn/ovn{database}_db", PORTS[database][0]
    lab.central_place(index).run(
        "ovsdb-server",
        "--detach",
        "--no-chdir",
        f"--pidfile={run}.pid",
        f"--unixctl={run}.ctl",
        f"--log-file=/var/log/ovn/ovsdb-server-{database}.log",
        "-vconsole:off",
        f"--remote=punix:{run}.sock",
        f"--remote=ptcp:{port}:[{NODES[index].ip}]",
        f"/etc/ovn/ovn{database}_db.db",
    )


def start_northd(lab: Lab, index: int) -> None:
    lab.central_place(index).run(
        "ovn-northd",
        "--detach",
        "--no-chdir",
        "--pidfile=/var/run/ovn/ovn-northd.pid",
        "--log-file=/var/log/ovn/ovn-northd.log",
        "-vconsole:off",
        f"--ovnnb-db={remotes('nb')}",
        f"--ovnsb-db={remotes('sb')}",
    )
