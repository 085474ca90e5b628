"""Every entry of the allow lists runs against real daemons and changes nothing: not in NB, SB or the switch's
database, not in the flows.

The daemons run here in a directory of their own, without root: ovs-vswitchd with its dummy datapath.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ko_tui.backend.command.policy import check

pytestmark = pytest.mark.lab

CORPUS = Path(__file__).parent.parent / "fixtures" / "policy" / "allowed.txt"
SCHEMAS = {
    "conf": "/usr/share/openvswitch/vswitch.ovsschema",
    "ovnnb_db": "/usr/share/ovn/ovn-nb.ovsschema",
    "ovnsb_db": "/usr/share/ovn/ovn-sb.ovsschema",
}
# Words of corpus lines for what is not here: interconnection, other processes, the kernel's datapath.
ABSENT = ("ovn-ic", "tcpdump", "vswitchd.12", "controller.7", "ovs-dpctl")


def allowed() -> list[tuple[str, ...]]:
    lines = CORPUS.read_text().splitlines()
    return [tuple(shlex.split(line)) for line in lines if line.strip() and not line.startswith("#")]


class Daemons:
    """ovsdb-server for the three databases, ovs-vswitchd, ovn-northd and ovn-controller."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = dict(os.environ) | {
            f"{prefix}_{name}": str(directory)
            for prefix in ("OVS", "OVN")
            for name in ("RUNDIR", "LOGDIR", "DBDIR", "SYSCONFDIR")
        }
        self.environment["PATH"] = f"{os.environ['PATH']}:/usr/sbin:/sbin"
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        for name, schema in SCHEMAS.items():
            if name == "conf":
                self.call("ovsdb-tool", "create", f"{name}.db", schema)
            else:
                local = f"unix:{self.directory}/{name}.raft"
                self.call("ovsdb-tool", "create-cluster", f"{name}.db", schema, local)
        for name, socket in (("conf", "db"), ("ovnnb_db", "ovnnb_db"), ("ovnsb_db", "ovnsb_db")):
            control = "ovsdb-server.1.ctl" if name == "conf" else f"{name}.ctl"
            self.daemon(
                "ovsdb-server",
                f"--remote=punix:{self.directory / socket}.sock",
                f"--unixctl={self.directory / control}",
                f"{name}.db",
            )
            self.until(lambda s=socket: (self.directory / f"{s}.sock").exists())
        self.call("ovs-vsctl", "--no-wait", "init")
        self.daemon(
            "ovs-vswitchd",
            "--enable-dummy",
            "--disable-system",
            f"--unixctl={self.directory}/ovs-vswitchd.1.ctl",
        )
        for control, schema in (("ovnnb_db", "OVN_Northbound"), ("ovnsb_db", "OVN_Southbound")):
            ask = ("ovn-appctl", "-t", f"{self.directory}/{control}.ctl", "cluster/status", schema)
            self.until(lambda a=ask: b"Role: leader" in self.call(*a))
        self.call("ovn-nbctl", "init")
        self.call("ovn-sbctl", "init")
        self.daemon("ovn-northd", f"--unixctl={self.directory}/ovn-northd.1.ctl")
        ids = "external_ids:ovn-encap-type=geneve external_ids:ovn-encap-ip=127.0.0.1 external_ids:system-id=here"
        remote = f"external_ids:ovn-remote=unix:{self.directory}/ovnsb_db.sock"
        self.call("ovs-vsctl", "set", "Open_vSwitch", ".", *ids.split(), remote)
        self.call("ovs-vsctl", "add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=dummy")
        self.call("ovs-vsctl", "add-port", "br-int", "p1", "--", "set", "Interface", "p1", "type=dummy",
                  "external_ids:iface-id=client.default")  # fmt: skip
        # ovn-controller names its control socket itself.
        self.daemon("ovn-controller")
        own = self.directory / f"ovn-controller.{self._running[-1].pid}.ctl"
        self.until(own.exists)
        (self.directory / "ovn-controller.1.ctl").symlink_to(own)
        for words in (
            "ls-add ovn-default",
            "lr-add ovn-cluster",
            "lrp-add ovn-cluster ovn-cluster-join 00:00:00:00:00:01 10.16.0.1/16",
            "lsp-add ovn-default client.default",
            "acl-add ovn-default to-lport 1000 ip4 drop",
            "copp-add copp0 arp meter0",
            "pg-add pg0 client.default",
            "--wait=hv sync",
        ):
            self.call("ovn-nbctl", "--timeout=20", *words.split())

    def stop(self) -> None:
        for process in reversed(self._running):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self._running):
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def daemon(self, *argv: str) -> None:
        self._running.append(
            subprocess.Popen(
                argv,
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=(self.directory / f"{argv[0]}.err").open("ab"),
            )
        )

    def call(self, *argv: str) -> bytes:
        return subprocess.run(
            argv, cwd=self.directory, env=self.environment, check=True, capture_output=True, timeout=30
        ).stdout

    def until(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def run(self, tool: str, argv: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
        """The argv as the policy hands it out, with the containers' directories replaced by ours."""
        here = str(self.directory)
        moved = [a.replace("/etc/ovn", here).replace("/etc/openvswitch", here) for a in argv]
        for place in ("/var/run/ovn", "/run/ovn", "/var/run/openvswitch", "/run/openvswitch"):
            moved = [a.replace(place, here) for a in moved]
        for daemon in ("ovs-vswitchd", "ovn-controller", "ovn-northd", "ovsdb-server"):
            moved = [f"{here}/{daemon}.1.ctl" if a == daemon else a for a in moved]
            moved = [a.replace(f"--target={daemon}", f"--target={here}/{daemon}.1.ctl") for a in moved]
        if tool == "ovs-appctl" and not any(a in ("-t",) or a.startswith("--target") for a in moved):
            moved = ["-t", f"{here}/ovs-vswitchd.1.ctl", *moved]
        return subprocess.run(
            [tool, *moved],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=40,
        )

    def state(self) -> dict[str, bytes]:
        """Everything that a command could have changed."""
        found = {
            name: self.call("ovsdb-client", "--no-headings", "dump", f"unix:{self.directory}/{socket}.sock")
            for name, socket in (("vswitch", "db"), ("nb", "ovnnb_db"), ("sb", "ovnsb_db"))
        }
        # The switch notes statistics of its own accord.
        found["vswitch"] = self.call(
            "ovs-vsctl", "--columns=name,external_ids,options,type", "list", "Interface"
        )
        found["vswitch"] += self.call("ovs-vsctl", "show") + self.call("ovs-vsctl", "list", "Bridge")
        flows = self.call("ovs-ofctl", "--no-stats", "dump-flows", "br-int")
        found["flows"] = b"\n".join(sorted(flows.splitlines()))
        found["ports"] = self.call("ovs-ofctl", "dump-ports-desc", "br-int")
        found["tlv"] = self.call("ovs-ofctl", "dump-tlv-map", "br-int")
        found["files"] = repr(
            sorted(p.name for p in self.directory.iterdir() if not p.name.startswith("."))
        ).encode()
        for line in ("tnl/egress_port_range", "tnl/neigh/aging", "vlog/list"):
            found[line] = self.call("ovs-appctl", "-t", f"{self.directory}/ovs-vswitchd.1.ctl", line)
        return found


@pytest.fixture(scope="module")
def daemons() -> Iterator[Daemons]:
    if not shutil.which("ovn-controller"):
        if os.environ.get("CI") == "true":
            pytest.fail("OVN must be installed in CI")
        pytest.skip("OVN is not installed")
    with contextlib.ExitStack() as stack:
        # A short path: that of a Unix socket has 107 bytes at most.
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ko")))
        running = Daemons(directory)
        stack.callback(running.stop)
        running.start()
        yield running


def here(words: tuple[str, ...]) -> bool:
    return not any(absent in word for word in words for absent in ABSENT)


def test_every_allowed_line_leaves_everything_as_it_was(daemons: Daemons) -> None:
    lines = [words for words in allowed() if here(words)]
    assert len(lines) > 250
    before = daemons.state()
    unknown_options, unanswered = [], []
    for words in lines:
        decision = check(words[0], words[1:])
        done = daemons.run(words[0], decision.argv)
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        if "unrecognized option" in said or "invalid option" in said or "unknown option" in said:
            unknown_options.append(shlex.join(words))
        if "cannot connect" in said or "failed to connect" in said:
            unanswered.append(shlex.join(words))
    after = daemons.state()
    assert after == before
    # Options of newer releases only.
    assert [line for line in unknown_options if "--offload-stats" not in line] == []
    assert unanswered == []


def test_what_the_lists_leave_out_is_seen_when_it_runs(daemons: Daemons) -> None:
    """The comparison would notice: a writer that the policy refuses changes the state."""
    before = daemons.state()
    argv = ("--may-exist", "ls-add", "evil")
    assert not check("ovn-nbctl", argv).allowed
    daemons.run("ovn-nbctl", argv)
    assert daemons.state() != before
    daemons.run("ovn-nbctl", ("ls-del", "evil"))
    # The belt alone holds too.
    daemons.call("ovn-nbctl", "--wait=sb", "sync")
    before = daemons.state()
    daemons.run("ovn-nbctl", ("--dry-run", *argv))
    assert daemons.state() == before


WORDS = sorted({w for words in allowed() if here(words) for w in words[1:]} | {"evil", "br-int", "--", "x"})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.sampled_from([w for w in allowed() if here(w)]),
    changes=st.lists(st.tuples(st.integers(1, 8), st.sampled_from(WORDS)), min_size=1, max_size=3),
)
def test_whatever_the_policy_lets_through_changes_nothing(
    daemons: Daemons, words: tuple[str, ...], changes: list[tuple[int, str]]
) -> None:
    mutated = list(words)
    for at, word in changes:
        mutated[min(at, len(mutated)) : min(at, len(mutated)) + at % 2] = [word]
    decision = check(mutated[0], mutated[1:])
    if not decision.allowed:
        return
    before = daemons.state()
    daemons.run(mutated[0], decision.argv)
    assert daemons.state() == before, shlex.join(mutated)
