"""``ko-tui explain`` run as a person runs it, without a cluster."""

from __future__ import annotations

import io
import json
import sys

import pytest

from ko_tui.cli import main
from ko_tui.cli.explain import kind_of
from tests.unit.explain_fixtures import lflow_lists, openflow, traces


@pytest.fixture
def explain(monkeypatch, capsys):
    """Run ``ko-tui explain`` with ``words`` and standard input; gives exit status, output and errors."""

    def run(*words, given=""):
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setenv("LANG", "C")
        monkeypatch.delenv("LC_ALL", raising=False)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode()), encoding="utf-8"))
        status = main(["explain", *words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_a_trace_is_explained(explain):
    status, out, _ = explain(given=traces("25.03.3")["trace-svc-dns-udp"])
    assert status == 0
    assert out.startswith("Delivered to coredns-")
    assert "13 ls_in_lb  Load balance: pick a backend for the Service" in out
    assert "then Pick one of 2 endpoints (10.16.0.4:53, 10.16.0.5:53) and rewrite the destination" in out
    assert "more table(s) with nothing to do" in out
    assert not any(line != line.rstrip() for line in out.splitlines())


def test_everything_can_be_shown(explain):
    text = traces("25.03.3")["trace-svc-dns-udp"]
    _, out, _ = explain("--all", given=text)
    assert "more table(s)" not in out
    assert "Kube-OVN: One flow per" in out


def test_a_file_is_read_and_json_printed(explain, tmp_path):
    path = tmp_path / "trace.txt"
    path.write_text(traces("22.03.8")["trace-acl-np-ingress-drop"])
    status, out, _ = explain(str(path), "--json")
    form = json.loads(out)
    assert (status, form["verdict"], form["ovn_version"]) == (0, "dropped", "22.03")
    assert form["commands"] == []
    assert form["stages"][-1]["explanation"]["use"].startswith("NetworkPolicy")


def test_chinese_on_request(explain):
    _, out, _ = explain("--lang", "zh", given=traces("25.03.3")["trace-svc-dns-udp"])
    assert out.startswith("已交付给")


def test_logical_flows_are_explained(explain):
    lines = [line for line in lflow_lists()["25.03.3-uuid"].splitlines() if "ls_in_lb " in line]
    status, out, _ = explain(given="\n".join(lines))
    assert status == 0
    assert "Load balance: pick a backend for the Service" in out
    assert "reg4: Service IP." in out
    status, out, _ = explain("--json", given="\n".join(lines))
    assert [flow["stage"] for flow in json.loads(out)] == ["ls_in_lb"] * len(lines)


def test_openflow_is_explained(explain):
    status, out, _ = explain(given=openflow()["ofproto-trace-svc-dns-udp"])
    assert status == 0
    assert "OpenFlow table 0  from the wire" in out
    assert "c95ededc" in out
    status, out, _ = explain("--json", given=openflow()["ofctl-dump-flows-node2"])
    assert status == 0 and len(json.loads(out)) > 50


def test_a_switch_trace_tells_its_verdict(explain):
    status, out, _ = explain(given=openflow()["ofproto-trace-acl-np-ingress-drop"])
    assert status == 0
    assert out.startswith("Sent through a tunnel to another node\n")
    assert "look its connection up in conntrack zone 24" in out
    _, everything, _ = explain("--all", given=openflow()["ofproto-trace-acl-np-ingress-drop"])
    assert "set_field:0x18/0xffff->reg13" in everything and "set_field:0x18/0xffff->reg13" not in out
    _, out, _ = explain("--json", given=openflow()["ofproto-trace-svc-dns-udp"])
    form = json.loads(out)
    assert form["verdict"] == "unfinished"
    assert form["passes"][0]["datapath_actions"] == "ct(zone=24,nat),recirc(0x3)"
    assert form["passes"][0]["flows"][0]["actions"][-1] == "resubmit(,8)"
    _, out, _ = explain("--lang", "zh", given=openflow()["ofproto-trace-svc-dns-udp"])
    assert out.startswith("没有追踪到终点")


def test_flows_of_the_datapath_are_explained(explain):
    given = openflow()["dpctl-dump-flows-node1"]
    status, out, _ = explain(given=given)
    assert status == 0
    assert "- send it out of port 7" in out and "packets seen: 43" in out
    _, out, _ = explain("--json", given=given)
    rows = json.loads(out)
    assert len(rows) == given.count(", actions:")
    assert rows[0]["words"] == ["send it out of port 7"] and rows[0]["packets"] == 43


@pytest.mark.parametrize(
    ("line", "table", "cookie"),
    [
        (
            " cookie=0xcf9fedcd, priority=180,dl_src=f6:e7:19:fa:68:4c actions=conjunction(100,1/2)",
            0,
            "cf9fedcd",
        ),
        (" cookie=0x5b1c, table=8, priority=50,metadata=0x3 actions=resubmit(,73)", 8, "00005b1c"),
        ("priority=0 actions=NORMAL", 0, ""),
        ("table_id=8, duration=28s, n_packets=0, n_bytes=0, priority=50,actions=resubmit(,73)", 8, ""),
        (" cookie=0x0, duration=28.2s, table=43, n_packets=0, n_bytes=0, priority=0 actions=drop", 43, ""),
    ],
)
def test_every_form_of_dump_flows_is_read(explain, line, table, cookie):
    status, out, _ = explain("--json", given=line + "\n")
    assert status == 0
    (row,) = json.loads(out)
    assert (row["table"], row["cookie"]) == (table, cookie)
    _, out, _ = explain(given=line + "\n")
    assert "00000000" not in out


def test_one_match_and_one_action(explain):
    status, out, _ = explain("--match", "ip4 && tcp.dst == 80")
    assert (status, out) == (0, "It is IPv4 and the TCP destination port is 80 (HTTP)\n")
    status, out, _ = explain("--action", "reg0[2] = 1; next;", "--stage", "ls_in_pre_lb")
    assert out == 'Set the note "send to conntrack with NAT" (reg0[2])\nGo on with the next table\n'
    _, out, _ = explain("--match", "ip4", "--json")
    assert json.loads(out) == [{"text": "It is IPv4", "source": "ip4"}]


def test_a_match_is_checked(explain):
    assert explain("--match", "ip4 && tcp.dst==80", "--check")[:2] == (0, "ip4 && tcp.dst == 80\n")
    status, out, err = explain("--match", "ip4 && tcp.dst = 80", "--check")
    assert (status, out) == (2, "")
    assert err.startswith("offset 15:")


def test_a_stream_is_checked_line_by_line(explain):
    status, out, _ = explain("--match", "-", "--check", given="ip4\nfoo\n")
    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 2
    assert [row["ok"] for row in rows] == [True, False]
    assert set(rows[1]) == {"ok", "canonical", "error", "offset"}
    status, out, _ = explain("--action", "-", "--check", given="next;\ndrop;\n")
    assert status == 0 and [json.loads(line)["canonical"] for line in out.splitlines()] == ["next;", "drop;"]


@pytest.mark.parametrize("words", [("--match", "ip4", "--action", "next;"), ("--check",), ("/no/such/file",)])
def test_wrong_use_is_told_and_is_two(explain, words):
    status, out, err = explain(*words)
    assert (status, out) == (2, "")
    assert "ko-tui:" in err


def test_text_that_is_nothing_known(explain):
    status, out, err = explain(given="hello\n")
    assert (status, out) == (1, "")
    assert "nothing here" in err


def test_control_characters_are_shown_and_markup_is_text(explain):
    name = "client-7c6f9d5b8-k2m4n.default"
    text = traces("25.03.3")["trace-svc-dns-udp"].replace(name, "[red]x\x1b[31m".ljust(len(name), "y"))
    _, out, _ = explain(given=text)
    assert "\x1b" not in out
    assert "[red]x\\x1b[31m" in out


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", ""),
        ("error parsing flow: x", "trace"),
        ('bridge("br-int")', "ofproto"),
        ("# icmp,reg14=0x1", "trace"),
    ],
)
def test_kinds_are_told_apart(text, kind):
    assert kind_of(text) == kind
