"""The real OVN as a judge of matches and actions: what does this machine's ovn-trace accept?

A scratch southbound database holds one Logical_Flow row a text; ovn-trace reads them all when it starts and names on
its standard error those it cannot parse. A comment with a number in front of each text tells them apart.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ko_tui.backend.ovn.actions.options import DHCP_OPTIONS, DHCPV6_OPTIONS, DHCPV6_SINCE_24_03
from ko_tui.backend.ovn.versions import OvnVersion, nearest

SCHEMAS = ("/usr/share/ovn/ovn-sb.ovsschema", "/usr/local/share/ovn/ovn-sb.ovsschema")
ADDRESS_SETS = {"addresses4": ["10.0.0.1", "10.1.0.0/16"], "addresses6": ["fd00::1", "fd00:1::/64"]}
PORT_GROUP = "ports"
DATAPATH = "switch"
NOWHERE = "no-such-datapath"
"""What ovn-trace is asked about: it complains and ends, but only after it has read all flows."""

_REFUSED = re.compile(r"WARN\|/\*#(\d+)\*/.*?: parsing (?:expression|actions) failed \(", re.DOTALL)


def schema() -> Path | None:
    """OVN's southbound schema on this machine."""
    return next((Path(p) for p in SCHEMAS if Path(p).is_file()), None)


def available() -> bool:
    """Whether this machine can judge."""
    return schema() is not None and all(shutil.which(tool) for tool in ("ovn-trace", "ovsdb-server"))


def version() -> OvnVersion:
    """The release that judges."""
    shown = subprocess.run(["ovn-trace", "--version"], capture_output=True, text=True, check=True).stdout
    return nearest(shown)


def judge(
    texts: Sequence[str], kind: str, *, pipeline: str = "ingress", table: int = 0
) -> tuple[list[bool], list[str]]:
    """Whether OVN accepts each text (``kind`` is ``match`` or ``actions``), and its complaints (empty: accepted)."""
    with tempfile.TemporaryDirectory(prefix="language-") as name:
        folder = Path(name)
        _write_database(folder / "sb.db", texts, kind, pipeline, table)
        with _server(folder) as socket:
            run = subprocess.run(
                ["ovn-trace", f"--db=unix:{socket}", NOWHERE, "1"],
                capture_output=True,
                timeout=300,
            )
    errors = run.stderr.decode("utf-8", "replace")
    accepted, complaints = [True] * len(texts), [""] * len(texts)
    for record in re.split(r"(?m)^(?=\d{4}-\d\d-\d\dT)", errors):
        if found := _REFUSED.search(record):
            accepted[int(found[1])] = False
            complaints[int(found[1])] = record[found.end() :].strip().removesuffix(")")
    if run.returncode < 0 or NOWHERE.encode() not in run.stdout + run.stderr:
        raise AssertionError(f"ovn-trace ended with {run.returncode}: {errors[-2000:]}")
    return accepted, complaints


def _write_database(path: Path, texts: Sequence[str], kind: str, pipeline: str, table: int) -> None:
    found = schema()
    assert found is not None
    definition = json.loads(found.read_text())
    rows: dict[str, dict[str, Any]] = {
        "Datapath_Binding": {},
        "Logical_Flow": {},
        "Address_Set": {},
        "Port_Group": {},
        "DHCP_Options": {},
        "DHCPv6_Options": {},
    }
    datapath = str(uuid.uuid4())
    rows["Datapath_Binding"][datapath] = {
        "tunnel_key": 1,
        "external_ids": ["map", [["logical-switch", str(uuid.uuid4())], ["name", DATAPATH]]],
    }
    for name, addresses in ADDRESS_SETS.items():
        rows["Address_Set"][str(uuid.uuid4())] = {"name": name, "addresses": ["set", addresses]}
    rows["Port_Group"][str(uuid.uuid4())] = {"name": f"1_{PORT_GROUP}", "ports": ["set", ["a", "b"]]}
    for options, where in ((DHCP_OPTIONS, "DHCP_Options"), (DHCPV6_OPTIONS, "DHCPv6_Options")):
        allowed = definition["tables"][where]["columns"]["type"]["type"]["key"]["enum"][1]
        for code, (name, type_) in enumerate(options.items()):
            newer = where == "DHCPv6_Options" and name in DHCPV6_SINCE_24_03 and version() < "24.03"
            if type_ in allowed and not newer:
                rows[where][str(uuid.uuid4())] = {"name": name, "code": code, "type": type_}
    for index, text in enumerate(texts):
        marked = f"/*#{index}*/{text}"
        rows["Logical_Flow"][str(uuid.uuid4())] = {
            "logical_datapath": ["uuid", datapath],
            "pipeline": pipeline,
            "table_id": table,
            "priority": 1,
            "match": marked if kind == "match" else "1",
            "actions": marked if kind == "actions" else "",
        }
    with path.open("wb") as file:
        for record in (definition, {**rows, "_date": 1}):
            body = json.dumps(record).encode() + b"\n"
            file.write(b"OVSDB JSON %d %s\n" % (len(body), hashlib.sha1(body).hexdigest().encode()) + body)


@contextmanager
def _server(folder: Path) -> Iterator[Path]:
    socket = folder / "sb.sock"
    process = subprocess.Popen(
        [
            "ovsdb-server",
            "-vconsole:warn",
            "--no-chdir",
            f"--unixctl={folder / 'ctl'}",
            f"--remote=punix:{socket}",
            str(folder / "sb.db"),
        ],
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 60
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"ovsdb-server did not start: {process.communicate()[1]!r}")
            time.sleep(0.01)
        yield socket
    finally:
        process.terminate()
        process.communicate()
