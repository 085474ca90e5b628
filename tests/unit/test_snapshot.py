"""Snapshots: saved from a real (scratch) OVN, opened again, and hostile files refused."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ko_tui.backend.errors import KoError, UsageError
from ko_tui.backend.saving.redaction import Redactor
from ko_tui.backend.saving.save import save_snapshot
from ko_tui.backend.session import Session
from ko_tui.backend.simulate import Simulator
from ko_tui.backend.source.interface import (
    ExecResult,
    Listing,
    NotFound,
    NotInSnapshot,
    PodRef,
    Resource,
    SourceInfo,
)
from ko_tui.backend.source.kinds import PODS, SERVICES, VPCS
from ko_tui.backend.source.objects import KubeObject, Metadata
from ko_tui.backend.source.ovsdb_file import loads
from ko_tui.backend.source.snapshot import SnapshotSource, open_snapshot
from ko_tui.backend.source.snapshot_format import FORMAT, SnapshotError
from tests.differential.ovn import ScratchOvn
from tests.unit.test_simulate_recorded import member

needs_ovn = pytest.mark.skipif(shutil.which("ovn-northd") is None, reason="OVN is not installed here")


def pod(name: str, app: str, namespace: str = "kube-system", **spec: Any) -> KubeObject:
    labels = {"app": app} | (
        {"ovn-sb-leader": "true", "ovn-nb-leader": "true"} if app == "ovn-central" else {}
    )
    metadata = Metadata(name=name, namespace=namespace, labels=labels, annotations={"a": "10.1.0.10"})
    containers = [{"name": app, "env": [{"name": "PASSWORD", "value": "hunter2"}]}]
    return KubeObject(
        metadata, spec={"nodeName": "node-one", "containers": containers, **spec}, status={"phase": "Running"}
    )


class LocalCluster:
    """A source whose pods are this machine: commands run here, on the sockets of a scratch OVN."""

    def __init__(self, ovn: ScratchOvn) -> None:
        self.ovn = ovn
        self.info = SourceInfo("live", "local", cluster="local", server="https://here", user="me")
        self.pods = [pod("ovn-central-1", "ovn-central"), pod("client", "payments", "shop")]

    def list(self, resource: Resource, **options: Any) -> Listing:
        if resource != PODS:
            raise NotFound(f"no {resource.plural} here")
        selector = options.get("label_selector", "")
        found = [p for p in self.pods if not selector or p.labels["app"] in selector]
        return Listing([p for p in found if options.get("namespace") in (None, p.namespace)])

    def exec(self, pod: PodRef, argv: Sequence[str], **options: Any) -> ExecResult:
        words = [w.replace("unix:/var/run/ovn/ovnsb_db.sock", self.ovn.remote("sb"))
                 .replace("unix:/var/run/ovn/ovnnb_db.sock", self.ovn.remote("nb"))
                 .replace("/var/run/ovn/ovnsb_db.ctl", f"{self.ovn.directory}/sb.ctl")
                 .replace("/var/run/ovn/ovnnb_db.ctl", f"{self.ovn.directory}/nb.ctl") for w in argv]  # fmt: skip
        if words[0] in ("ovn-nbctl", "ovn-sbctl"):
            words.insert(1, f"--db={self.ovn.remote(words[0][4:6])}")
        done = subprocess.run(words, capture_output=True, timeout=30)
        kept: list[bytes] = []
        for name, content in (("on_stdout", done.stdout), ("on_stderr", done.stderr)):
            take = options.get(name)
            if take is not None:
                take(content)
            kept.append(b"" if take is not None else content)
        return ExecResult(*kept, done.returncode, 1.0)

    def get(self, resource: Resource, namespace: str, name: str) -> KubeObject:
        raise NotFound(f"no {resource.plural} {name} here")

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A snapshot and a redacted one of the same small cluster."""
    directory = tmp_path_factory.mktemp("saved")
    with ScratchOvn() as ovn:
        ovn.nbctl("ls-add", "sw", "--", "lsp-add", "sw", "client.shop", "--", "lsp-set-addresses", "client.shop",
                  "0a:00:00:00:00:01 10.1.0.10", "--", "lsp-add", "sw", "server.shop", "--",
                  "lsp-set-addresses", "server.shop", "0a:00:00:00:00:02 10.1.0.11", "--",
                  "acl-add", "sw", "to-lport", "100", "ip4.src == 10.1.0.0/24", "allow-related", "--",
                  "ls-add", "acme_vpn", "--", "lsp-add", "acme_vpn", "uplink-acme", "--", "create", "DNS",
                  'records={"payroll.acme.example"="10.1.0.11"}')  # fmt: skip
        ovn.settle()
        session = Session(LocalCluster(ovn))  # type: ignore[arg-type]
        told: list[str] = []
        plain, redacted = directory / "plain.kosnap", directory / "redacted.kosnap"
        save_snapshot(session, plain, on_progress=lambda what, done, total: told.append(f"{done}/{total}"))
        assert told
        save_snapshot(session, redacted, redact=True)
        session.close()
    yield plain, redacted


MICROFLOW = 'inport == "client.shop" && eth.src == 0a:00:00:00:00:01 && eth.dst == 0a:00:00:00:00:02 && ip4'


@needs_ovn
class TestSaved:
    def test_databases_objects_and_commands_come_back(self, saved: tuple[Path, Path]) -> None:
        source = open_snapshot(saved[0])
        assert source.info.cluster == "local"
        assert [p.name for p in source.list(PODS).items] == ["ovn-central-1", "client"]
        assert [p.name for p in source.list(PODS, label_selector="app=payments").items] == ["client"]
        assert source.get(PODS, "shop", "client").name == "client"
        assert (
            Simulator(source.database("sb"))
            .run("sw", MICROFLOW)
            .text.endswith('/* output to "server.shop", type "" */\n')
        )
        assert {"name": "sw"} in source.database("nb").find("Logical_Switch", ["name"])
        version = source.exec(
            PodRef("kube-system", "ovn-central-1", "ovn-central"), ("ovn-nbctl", "--version")
        )
        assert b"ovn-nbctl" in version.stdout

    def test_a_session_on_it_finds_the_leader_again(self, saved: tuple[Path, Path]) -> None:
        session = Session(open_snapshot(saved[0]))
        assert session.namespace == "kube-system"
        assert session.leader("sb").pod.name == "ovn-central-1"
        assert not session.live

    def test_what_was_not_saved_says_so(self, saved: tuple[Path, Path]) -> None:
        source = open_snapshot(saved[0])
        with pytest.raises(NotInSnapshot):
            source.exec(PodRef("kube-system", "ovn-central-1", "ovn-central"), ("date",))
        with pytest.raises(NotInSnapshot, match="vpcs"):
            source.list(VPCS)
        with pytest.raises(NotFound):
            source.get(PODS, "shop", "nobody")
        with pytest.raises(UsageError):
            source.delete(PODS, "shop", "client")

    def test_no_environment_is_saved(self, saved: tuple[Path, Path]) -> None:
        with zipfile.ZipFile(saved[0]) as archive:
            assert not any(b"hunter2" in archive.read(name) for name in archive.namelist())

    def test_redaction_leaves_no_name_and_the_packet_still_arrives(self, saved: tuple[Path, Path]) -> None:
        def content_of(path: Path) -> bytes:
            with zipfile.ZipFile(path) as archive:
                return b"".join(archive.read(name) for name in archive.namelist())

        plain, content = map(content_of, saved)
        for secret in (b"client", b"payments", b"node-one", b"10.1.0.1", b"0a:00:00:00:00:01", b"acme"):
            assert secret in plain and secret not in content, secret
        source = open_snapshot(saved[1])
        simulator = Simulator(source.database("sb"))
        rows = {
            r["logical_port"]: r["mac"][0].split()
            for r in source.database("sb").table("Port_Binding").rows()
            if r["mac"]
        }
        (client, (mac, address)), (server, (other, to)) = sorted(rows.items(), key=lambda r: "server" in r[0])
        ethernet = f'inport == "{client}" && eth.src == {mac} && eth.dst == {other}'
        microflow = f"{ethernet} && ip4.src == {address} && ip4.dst == {to}"
        assert f'/* output to "{server}"' in simulator.run("sw", microflow).text

    def test_a_saved_cluster_is_not_saved_again(self, saved: tuple[Path, Path], tmp_path: Path) -> None:
        with pytest.raises(UsageError):
            save_snapshot(Session(open_snapshot(saved[0])), tmp_path / "again.kosnap")
        assert not list(tmp_path.iterdir())


def test_a_database_file_alone_is_a_source(tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    file.write_bytes(member("25.03.3", "ovnsb.db"))
    source = open_snapshot(file)
    assert len(source.database("sb").table("Logical_Flow")) == 884
    with pytest.raises(NotInSnapshot, match="northbound"):
        source.database("nb")
    with pytest.raises(NotInSnapshot):
        source.list(SERVICES)


# -- files that are not to be trusted ---------------------------------------------------------------------------


def archive(content_of: dict[str, bytes], manifest: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """A .kosnap of these members, with a right manifest unless ``changes`` say otherwise."""
    import hashlib

    listed = {n: {"size": len(c), "sha256": hashlib.sha256(c).hexdigest()} for n, c in content_of.items()}
    whole = (
        {"format": FORMAT, "taken_at": "now", "members": listed, **changes} if manifest is None else manifest
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in content_of.items():
            file.writestr(name, content)
        file.writestr("manifest.json", json.dumps(whole))
    return stream.getvalue()


GOOD = {"db/sb.db": b"OVSDB ..."}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04 not really", "no whole snapshot"),
        (archive(GOOD)[:-30], "no whole snapshot"),
        (archive({"../../etc/passwd": b"x"}), "does not belong"),
        (archive({"/etc/passwd": b"x"}), "does not belong"),
        (archive({"db/sb.db": b"\0" * (8 << 20)}), "beyond all measure"),
        (archive(GOOD, members={}), "does not name"),
        (archive({}, members={"db/sb.db": {"size": 1, "sha256": ""}}), "is missing"),
        (archive(GOOD, members={"db/sb.db": {"size": 1, "sha256": ""}}), "wrong size"),
        (archive(GOOD, format="kosnap/99"), "this ko-tui reads"),
        (archive(GOOD, manifest={"what": 1}), "makes no sense"),
        (archive({}, runs=[{"namespace": "a", "pod": "b", "container": "", "argv": ["x"], "exit_code": 0,
                            "out": "exec/1.out"}]), "does not list"),
        (b"rubbish", "neither a snapshot"),
        (b"", "neither a snapshot"),
    ],
    ids=range(13),  # an archive holds the time at which it was made, and two processes must name a test alike
)  # fmt: skip
def test_a_bad_file_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.kosnap"
    file.write_bytes(content)
    with pytest.raises(SnapshotError, match=said):
        open_snapshot(file)
    assert [p.name for p in tmp_path.iterdir()] == ["bad.kosnap"]


def test_a_wrong_checksum_is_found_when_the_member_is_read(tmp_path: Path) -> None:
    content = b"[]"
    listed = {"objects/1.json": {"size": len(content), "sha256": "0" * 64}}
    kinds = [{"group": "", "version": "v1", "plural": "pods", "member": "objects/1.json"}]
    file = tmp_path / "bad.kosnap"
    file.write_bytes(archive({"objects/1.json": content}, members=listed, objects=kinds))
    with pytest.raises(SnapshotError, match="checksum"):
        open_snapshot(file).list(PODS)


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "bad.kosnap"
    with zipfile.ZipFile(file, "w") as made, pytest.warns(UserWarning):
        made.writestr("db/sb.db", b"1")
        made.writestr("db/sb.db", b"2")
    with pytest.raises(SnapshotError, match="two members"):
        open_snapshot(file)


def test_a_missing_file_is_an_expected_error(tmp_path: Path) -> None:
    with pytest.raises(KoError, match="cannot be opened"):
        open_snapshot(tmp_path / "nothing.kosnap")


# -- redaction --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["router", "match", "tcp", "leader", "table", "external", "options", "name"])
def test_an_object_that_is_called_like_a_word_of_ovn_does_no_harm(word: str) -> None:
    redactor = Redactor([pod(word, "shop", "default")])
    for text in (
        '{"match":"tcp.dst == 80","external_ids":["map",[["router","x"]]]}',
        "table=0, Role: leader",
    ):
        assert redactor.text(text) == text


def test_names_of_ovn_itself_are_replaced_where_no_object_accounts_for_them() -> None:
    redactor = Redactor(
        [pod("web-1", "shop", "default")], ["web-1.shop", "acme_gw", "shop-uplink", "cluster-tcp-lb"]
    )
    made = redactor.text('"web-1.shop" "acme_gw" "shop-uplink" "cluster-tcp-lb" @web.1.shop_ip4')
    assert not re.search("web|shop|acme|uplink", made)
    assert "cluster-tcp-" in made
    port = re.match(r'"(n\w+)\.(n\w+)"', made)
    assert port is not None and f"@{port[1]}.{port[2]}_ip4" in made, "one name, whichever way it is written"


def test_redacted_addresses_keep_their_subnets() -> None:
    redactor = Redactor([], key=b"k")
    text = redactor.text(
        "10.16.0.9 10.16.0.10 10.16.0.0/16 10.17.0.1 224.0.0.1 fd00:10:16::b fd00:10:16::/64 fe80::1"
    )
    nine, ten, net, other, multicast, six, prefix, local = text.split()
    assert nine.split(".")[:2] == ten.split(".")[:2] == net.split(".")[:2] != other.split(".")[:2]
    assert net.endswith(".0.0/16")
    assert (multicast, local) == ("224.0.0.1", "fe80::1")
    assert six.startswith(prefix.removesuffix("::/64"))
    assert nine != "10.16.0.9"
    assert redactor.text("10.16.0.9") == nine


def test_redacting_a_recorded_database_keeps_it_a_database() -> None:
    redactor = Redactor([pod("web-1", "web", "default")])
    content = member("25.03.3", "ovnsb.db")
    made = b"".join(redactor.rewrite("db/sb.db", io.BytesIO(content)))
    before, after = loads(content, "a"), loads(made, "b")
    assert {n: len(t) for n, t in before.tables.items()} == {n: len(t) for n, t in after.tables.items()}
    assert b"web-1" not in made
    Simulator(after)


def test_a_manifest_survives_encoding(tmp_path: Path) -> None:
    file = tmp_path / "empty.kosnap"
    file.write_bytes(archive({}, cluster="c", failed=[{"what": "db/sb.db", "reason": "no leader"}]))
    source = open_snapshot(file)
    assert isinstance(source, SnapshotSource)
    assert source.info.cluster == "c"
    with pytest.raises(NotInSnapshot) as missing:
        source.database("sb")
    assert "no leader" in missing.value.next_step
    assert msgspec.json.encode(replace(source.info, extra={})) != b""
