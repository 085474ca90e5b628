"""perf: what the measuring tools say, what is asked for, and what is told before anything is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ko_tui.backend.errors import UsageError
from ko_tui.backend.operations import perf_measure as tools
from ko_tui.backend.operations.perf_model import (
    PARTS,
    PerfResult,
    PerfRow,
    PerfSection,
    Recovery,
    bits_text,
    cells,
    headings,
    latency_text,
)
from ko_tui.cli import main
from ko_tui.cli.perf import parts_of, print_result, sizes_of
from ko_tui.screens.created_operations import perf_text

RECORDED = Path(__file__).parent.parent / "fixtures" / "perf"


def said(name: str) -> str:
    return (RECORDED / name).read_text()


# -- what the tools say ------------------------------------------------------------------------------------------


def test_qperf_is_read() -> None:
    assert tools.read_latency(said("qperf.txt")) == {"tcp": 5.55, "udp": 6.5}
    assert tools.read_latency(said("qperf-refused.txt")) == {}
    units = "tcp_lat:\n    latency  =  1.5 ms\nudp_lat:\n    latency  =  900 ns\n    msg_size  =  64 bytes\n"
    assert tools.read_latency(units) == {"tcp": 1500.0, "udp": 0.9}


def test_iperf3_is_read() -> None:
    tcp = tools.read_throughput(said("iperf3-tcp.json"), udp=False)
    end = json.loads(said("iperf3-tcp.json"))["end"]
    assert tcp == tools.Throughput(end["sum_received"]["bits_per_second"])
    udp = tools.read_throughput(said("iperf3-udp.json"), udp=True)
    end = json.loads(said("iperf3-udp.json"))["end"]
    assert udp == tools.Throughput(end["sum_received"]["bits_per_second"], end["sum"]["lost_percent"])
    refused = tools.read_throughput(said("iperf3-refused.json"), udp=False)
    assert refused.bits is None and "Connection refused" in refused.problem


def test_an_older_iperf3_counts_what_was_sent() -> None:
    text = json.dumps({"end": {"sum": {"bits_per_second": 1000.0, "lost_percent": 25.0}}})
    assert tools.read_throughput(text, udp=True) == tools.Throughput(750.0, 25.0)


def test_iperf_is_read() -> None:
    heard = tools.read_multicast(said("iperf-multicast.txt"))
    assert heard == tools.Heard(46100.0, 250.036, 0.0)
    lossy = "[  3]  0.0- 5.0 sec  59.8 MBytes   1.5 Gbits/sec   0.010 ms   21/   42 (50%)"
    assert tools.read_multicast(lossy) == tools.Heard(1.5e9, 0.01, 50.0)
    assert tools.read_multicast("Server listening on UDP port 5001\n") is None
    silent = "[  3]  5.0- 5.5 sec  0.0 Bytes  0.0 bits/sec  0.010 ms  0/ 0 (0%)"
    assert tools.read_multicast(f"{lossy}\n{silent}") == tools.Heard(1.5e9, 0.01, 50.0)
    assert tools.read_multicast(silent) is None


@given(st.text(), st.booleans())
def test_no_words_of_a_tool_raise(text: str, udp: bool) -> None:
    tools.read_latency(text)
    tools.read_multicast(text)
    rate = tools.read_throughput(text, udp=udp)
    assert rate.bits is None and rate.problem


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["end", "error", "sum", "sum_received", "sum_sent", "bits_per_second", "lost_percent"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_JSON, st.booleans())
def test_no_json_raises(value: object, udp: bool) -> None:
    rate = tools.read_throughput(json.dumps(value), udp=udp)
    assert rate.problem or rate.bits is not None


def test_the_device_of_an_address() -> None:
    text = (
        "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n"
        "7: br-phys    inet 172.18.0.3/16 scope global br-phys\\       valid_lft forever\n"
    )
    assert tools.read_device(text, "172.18.0.3") == "br-phys"
    assert tools.read_device(text, "172.18.0.30") == ""


# -- what is asked for -------------------------------------------------------------------------------------------


def test_sizes_and_parts() -> None:
    assert sizes_of("64,1k,64") == (64, 1024) and len(sizes_of("")) == 5
    assert (
        parts_of("host,pod") == ("host", "pod") and parts_of("none") == () and set(parts_of("")) == set(PARTS)
    )
    for wrong in ("x", "64,", "-1", "1kk", "٣"):
        with pytest.raises(UsageError):
            sizes_of(wrong)
    with pytest.raises(UsageError, match="'pods' is no part"):
        parts_of("pods")


@pytest.mark.parametrize(
    "more", [[], ["--kill-leaders"], ["--yes", "perf"], ["--allow-write", "--read-only-strict"]]
)
def test_read_only_refuses_without_a_cluster(
    more: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["perf", "--kubeconfig", str(tmp_path / "none"), *more]) == 2
    assert "read-only" in capsys.readouterr().err


def test_a_saved_cluster_is_not_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert main(["perf", "--demo", "--allow-write", "--yes", "perf"]) == 2
    assert "this is a saved one" in capsys.readouterr().err and list(tmp_path.iterdir()) == []
    assert main(["diagnose", "subnet", "ovn-default", "--demo", "--allow-write"]) in (0, 1, 3)
    assert "Creates" not in capsys.readouterr().err


# -- what is shown -----------------------------------------------------------------------------------------------


def test_numbers_are_short() -> None:
    shown = [bits_text(b) for b in (None, 12.0, 1500.0, 9.41e9, 123.4e6, 999.9e9)]
    assert shown == ["-", "12 bit/s", "1.5 kbit/s", "9.41 Gbit/s", "123 Mbit/s", "1000 Gbit/s"]
    assert [latency_text(u) for u in (None, 0.9, 12.345, 1500, 2.5e6)] == [
        "-", "0.9 us", "12.3 us", "1.5 ms", "2.5 s",
    ]  # fmt: skip


def test_a_result_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    unicast = PerfSection("pod", "a 10.16.0.2", "10.16.0.3")
    unicast.rows.append(PerfRow(64, 12.0, 9.4e9, 13.0, 1e9, 4.0))
    unicast.rows.append(PerfRow(128, problems=("iperf3: \x1b[31mrefused",)))
    group = PerfSection("multicast", "a 10.16.0.2", tools.GROUP)
    group.rows.append(PerfRow(64, udp_bits=1e6, udp_lost=0.0, jitter_ms=0.01))
    result = PerfResult("image", "a", "b", [unicast, group])
    result.recoveries.append(Recovery("nb", "old", "new", 1.25, 3.5))
    print_result(result)
    out = capsys.readouterr().out
    for text in (out, perf_text(result)):
        for words in ("pod to pod: a 10.16.0.2 to 10.16.0.3", "9.4 Gbit/s", "4 %", "0.010 ms", "refused"):
            assert words in text
        assert "nb: old was killed, new took its place after 1.2 s, all was whole after 3.5 s" in text
    assert "\x1b" not in out and "\\x1b[31mrefused" in out
    assert not result.complete and result.to_json()["sections"][0]["rows"][0]["tcp_latency_us"] == 12.0
    for section in (unicast, group):
        assert len(headings(section)) == len(cells(section, section.rows[0]))
