"""The read-only policy: what it lets through, what it refuses, and that near misses of the former are the latter."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ko_tui.backend.capture.capture import CaptureRequest
from ko_tui.backend.command import policy_tables as tables
from ko_tui.backend.command.fixed import FIXED, find_fixed
from ko_tui.backend.command.guard import check_argv, guard_for
from ko_tui.backend.command.policy import ALLOW_WRITE, STRICT, TOOLS, check
from ko_tui.backend.errors import PolicyRefusal

CORPUS = Path(__file__).parent.parent / "fixtures" / "policy"


def corpus(name: str) -> list[tuple[str, ...]]:
    lines = (CORPUS / name).read_text().splitlines()
    return [tuple(shlex.split(line)) for line in lines if line.strip() and not line.startswith("#")]


ALLOWED = corpus("allowed.txt")
CAPTURE = CaptureRequest((), filter=("tcp", "port", "80"))
REFUSED = corpus("refused.txt")


def test_the_corpora_are_as_large_as_promised() -> None:
    assert len(set(REFUSED)) >= 300
    assert len(set(ALLOWED)) >= 200
    assert not set(ALLOWED) & set(REFUSED)


def test_everything_in_the_refused_corpus_is_refused_and_says_why() -> None:
    for words in REFUSED:
        decision = check(words[0], words[1:], capture=True)
        assert not decision.allowed, shlex.join(words)
        assert "read-only" in decision.reason and decision.argv == ()
        assert not check_argv(words).allowed, shlex.join(words)


def test_everything_in_the_allowed_corpus_is_allowed_and_keeps_its_words() -> None:
    for words in ALLOWED:
        decision = check(words[0], words[1:], capture=True)
        assert decision.allowed, f"{shlex.join(words)}: {decision.reason}"
        assert not decision.writes
        assert decision.argv[len(decision.argv) - len(words[1:]) :] == words[1:]
        # What the policy hands out passes the guard as it stands.
        assert check_argv((words[0], *decision.argv)).allowed


def test_every_entry_of_the_allow_lists_has_a_line_in_the_corpus() -> None:
    used = {(w[0], word) for w in ALLOWED for word in w[1:]}
    expected = {(tool, command) for tool, commands in tables.CTL.items() for command in commands}
    expected |= {("ovs-ofctl", c) for c in tables.OFCTL} | {("ovs-dpctl", c) for c in tables.DPCTL}
    expected |= {("ovsdb-client", c) for c in tables.OVSDB_CLIENT} | {
        ("ovsdb-tool", c) for c in tables.OVSDB_TOOL
    }
    for daemon, commands in tables.APPCTL.items():
        tool = "ovs-appctl" if daemon == "ovs-vswitchd" else "ovn-appctl"
        expected |= {(tool, c) for c in commands}
    assert expected - used == set()


def test_every_option_has_a_line_in_the_corpus() -> None:
    by_tool = {
        "ovn-nbctl": {**tables.CTL_OPTIONS},
        "ovs-ofctl": tables.OFCTL_OPTIONS,
        "ovs-dpctl": tables.DPCTL_OPTIONS,
        "ovs-appctl": tables.APPCTL_OPTIONS,
        "ovn-trace": tables.OVN_TRACE_OPTIONS,
        "tcpdump": tables.TCPDUMP_OPTIONS,
        "ovsdb-tool": tables.OVSDB_TOOL_OPTIONS,
    }
    for tool, options in by_tool.items():
        family = tables.CTL if tool == "ovn-nbctl" else {tool}
        used = {word.partition("=")[0] for w in ALLOWED if w[0] in family for word in w[1:]}
        assert set(options) - used == set(), tool
    ctl = {word.partition("=")[0] for w in ALLOWED if w[0] in tables.CTL for word in w[1:]}
    assert set(tables.CTL_COMMAND_OPTIONS) <= ctl


@pytest.mark.parametrize(
    ("tool", "argv", "belts"),
    [
        ("ovn-nbctl", ["show"], ("--timeout=30", "--dry-run")),
        ("ovn-nbctl", ["--timeout=5", "show"], ("--dry-run",)),
        ("ovs-vsctl", ["-t", "5", "--dry-run", "show"], ()),
        ("ovs-ofctl", ["show", "br-int"], ("--timeout=30", "--read-only")),
        ("ovs-dpctl", ["show"], ("--timeout=30", "--read-only")),
        ("ovs-appctl", ["version"], ("--timeout=30",)),
        ("ovsdb-client", ["list-dbs"], ("--timeout=30",)),
        ("tcpdump", ["icmp"], ("-U", "-s", "262144", "-c", "1000")),
    ],
)
def test_belts_are_put_in_where_they_are_missing(tool: str, argv: list[str], belts: tuple[str, ...]) -> None:
    assert check(tool, argv, capture=True).argv == (*belts, *argv)


@pytest.mark.parametrize(
    ("tool", "argv"),
    [
        ("ovn-nbctl", ["ls-add", "x"]),
        ("ovn-nbctl", ["--may-exist", "ls-add", "x", "--", "--id=@p", "create", "Port_Group", "name=x"]),
        ("ovn-nbctl", ["--wait=hv", "sync"]),
        ("ovs-vsctl", ["set", "Open_vSwitch", ".", "external_ids:a=b"]),
        ("ovs-ofctl", ["del-flows", "br-int"]),
        ("ovs-appctl", ["fdb/flush"]),
        ("ovn-appctl", ["-t", "/var/run/ovn/ovnnb_db.ctl", "cluster/kick", "OVN_Northbound", "abcd"]),
    ],
)
def test_allow_write_lets_a_writer_through_and_marks_it(tool: str, argv: list[str]) -> None:
    refused = check(tool, argv)
    assert not refused.allowed and "--allow-write would allow it" in refused.reason
    allowed = check(tool, argv, mode=ALLOW_WRITE)
    assert allowed.allowed and allowed.writes
    assert "--dry-run" not in allowed.argv and "--read-only" not in allowed.argv
    assert not check(tool, argv, mode=STRICT).allowed


def test_allow_write_still_reads_with_both_belts() -> None:
    decision = check("ovn-nbctl", ["show"], mode=ALLOW_WRITE)
    assert decision.allowed and not decision.writes and "--dry-run" in decision.argv


@pytest.mark.parametrize(
    ("tool", "argv"),
    [
        ("ovn-nbctl", ["--log-file=/tmp/x", "ls-add", "x"]),
        ("ovn-nbctl", ["--log-f=/tmp/x", "ls-add", "x"]),
        ("ovn-nbctl", ["--db=tcp:10.0.0.1:6641", "ls-add", "x"]),
        ("ovn-nbctl", ["ls-add", "x\n"]),
        ("ovs-ofctl", ["add-flow", "tcp:10.0.0.1", "drop"]),
        ("ovs-ofctl", ["monitor", "br-int"]),
        ("ovn-trace", ["--detach"]),
        ("tcpdump", ["-w", "/tmp/x"]),
        ("tcpdump", ["-z", "sh"]),
        ("ovsdb-tool", ["create", "/tmp/x", "-x"]),
        ("sh", ["-c", "id"]),
    ],
)
def test_some_things_run_in_no_mode(tool: str, argv: list[str]) -> None:
    for mode in ("read-only", "allow-write", "strict"):
        decision = check(tool, argv, mode=mode, capture=True)  # type: ignore[arg-type]
        assert not decision.allowed and "read-only" in decision.reason
    assert "in no mode" in check(tool, argv, capture=True).reason


def test_capture_needs_its_own_right() -> None:
    assert not check("tcpdump", ["icmp"]).allowed
    assert check("tcpdump", ["icmp"], capture=True).allowed
    assert not check("tcpdump", ["icmp"], capture=True, mode=STRICT).allowed


def test_strict_mode_keeps_a_short_list() -> None:
    assert check("ovn-sbctl", ["lflow-list"], mode=STRICT).allowed
    for tool, argv in [
        ("ovn-nbctl", ["lr-list"]),
        ("ovs-dpctl", ["dump-flows"]),
        ("ovsdb-client", ["list-dbs"]),
    ]:
        refused = check(tool, argv, mode=STRICT)
        assert not refused.allowed and "--read-only-strict" in refused.reason
    writing = check("ovn-nbctl", ["ls-add", "x"], mode=STRICT)  # --allow-write alone would not do
    assert not writing.allowed and "--allow-write without --read-only-strict" in writing.reason


# -- the guard: a whole argv, wrappers included ------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv",
    [
        ("timeout", "-k", "2", "30", "ovn-trace", "--ct=new", "ovn-default", 'inport=="a"'),
        ("timeout", "-k", "2", "60.123456", "tcpdump", "-nn", "-i", "eth0", "-w", "-"),
        ("timeout", "-k", "2", "8", "nsenter", "--net=/var/run/netns/cni-1", "tcpdump", "-i", "eth0"),
        (
            "timeout",
            "-k",
            "2",
            "8",
            "nsenter",
            "--net=/run/netns/a",
            "arping",
            "-c",
            "3",
            "-C",
            "1",
            "-i",
            "eth0",
            "10.0.0.1",
        ),
        ("pkill", "-TERM", "-f", "^timeout -k 2 60[.]123456 "),
        ("cat", "/proc/net/snmp"),
        (
            "timeout",
            "-k",
            "2",
            "60",
            "ovsdb-client",
            "backup",
            "unix:/var/run/ovn/ovnnb_db.sock",
            "OVN_Northbound",
        ),
        ("ovsdb-client", "-t", "120", "backup", "unix:/var/run/ovn/ovnsb_db.sock", "OVN_Southbound"),
        ("/kube-ovn/kube-ovn-pinger", "--mode=job", "--target-ip-ports=tcp-10.16.0.2-80"),
    ],
)
def test_the_guard_knows_what_ko_tui_runs_itself(argv: tuple[str, ...]) -> None:
    assert check_argv(argv).allowed, check_argv(argv).reason


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("timeout", "30", "ovn-nbctl", "show"),
        ("timeout", "-k", "2", "30"),
        ("timeout", "-k", "2", "inf", "ovn-nbctl", "show"),
        ("timeout", "-k", "2", "30", "ovn-nbctl", "init"),
        ("timeout", "-k", "2", "30", "timeout", "-k", "2", "30", "ovn-nbctl", "show"),
        ("nsenter", "--net=/var/run/netns/../../proc/1/ns/net", "tcpdump"),
        ("nsenter", "--net=/var/run/netns/a", "sh"),
        ("nsenter", "--net=/var/run/netns/a", "ovs-vsctl", "show"),
        ("nsenter", "--net=/var/run/netns/a", "cat", "/proc/net/snmp"),
        ("nsenter", "-t", "1", "tcpdump"),
        ("pkill", "-TERM", "-f", "ovs"),
        ("pkill", "-KILL", "-f", "^timeout -k 2 60[.]123456 "),
        ("ovsdb-client", "backup", "unix:/var/run/openvswitch/db.sock", "Open_vSwitch"),
        ("ovsdb-client", "backup", "tcp:10.0.0.1:6641", "OVN_Northbound"),
        ("nsenter", "--net=/var/run/netns/a", "ovn-nbctl", "--version"),
        ("cat", "/etc/shadow"),
        ("cat", "/proc/sys/net/ipv4/../../../etc/shadow"),
        ("tail", "-n", "10", "/var/log/ovn/../../../etc/shadow"),
        ("tail", "-f", "/var/log/ovn/ovn-controller.log"),
        ("tar", "-C", "/etc", "-cf", "-", "."),
        ("ip", "link", "set", "eth0", "down"),
        ("ip", "addr", "show", "x"),
        ("sysctl", "-w", "a=b"),
        ("/kube-ovn/kube-ovn-pinger",),
        ("/kube-ovn/kube-ovn-pinger", "--mode=job", "--kubeconfig=/x"),
        ("/kube-ovn/kube-ovn-pinger", "--mode=server"),
    ],
)
def test_the_guard_refuses_everything_else(argv: tuple[str, ...]) -> None:
    with pytest.raises(PolicyRefusal, match="read-only"):
        guard_for(ALLOW_WRITE)(argv)


def test_what_the_operations_run_by_themselves_passes_the_guard() -> None:
    """Each way of building an argv in the backend: a change there must not meet the guard only on a cluster."""
    from ko_tui.backend.capture.capture import tcpdump_argv
    from ko_tui.backend.cluster.leader import role_command
    from ko_tui.backend.cluster.rows import rows_argv
    from ko_tui.backend.command.lasting import lasting
    from ko_tui.backend.operations import backup, logs
    from ko_tui.backend.simulate.following import MONITOR
    from ko_tui.backend.simulate.live import backup_argv

    where = ["name=ovn-default"]
    capture = lasting(("nsenter", "--net=/run/netns/a", *tcpdump_argv("eth0", CAPTURE)), 60)
    argvs = [
        *(command for commands in logs.LINUX.values() for command in commands),
        *(role_command(database) for database in ("nb", "sb")),
        *(backup.backup_argv("nb", leader_only=leading) for leading in (True, False)),
        *(backup_argv(database) for database in ("nb", "sb")),
        lasting(MONITOR, 60).argv,
        rows_argv("nb", "Logical_Switch", ("name", "_uuid"), where, ""),
        rows_argv("sb", "Port_Binding", (), (), "x", leader_only=False),
        capture.argv,
        capture.ender,
    ]
    assert [a for a in argvs if not check_argv(a).allowed] == []


def test_no_probes_in_strict_mode() -> None:
    probe = ("nsenter", "--net=/run/netns/a", "arping", "-c", "3", "-C", "1", "-i", "eth0", "10.0.0.1")
    guard_for("read-only")(probe)
    with pytest.raises(PolicyRefusal, match="sends packets"):
        guard_for(STRICT)(probe)
    with pytest.raises(PolicyRefusal, match="short list"):
        guard_for(STRICT)(("sysctl", "-a"))


def test_no_fixed_command_is_a_shell_or_a_wrapper() -> None:
    programs = {name for entry in FIXED for name in entry.words[0].split("|")}
    assert not programs & {"sh", "bash", "env", "sudo", "timeout", "nsenter", "xargs", "kill"}
    assert find_fixed(("sh", "-c", "id")) is None


# -- near misses ---------------------------------------------------------------------------------------------------

ACTING = [
    "--log-file=/tmp/x", "--log-file", "--pidfile", "--detach", "--monitor", "--unixctl=/tmp/x", "--db=tcp:10.0.0.1",
    "--user=x", "--syslog-target=10.0.0.1:1", "--bootstrap-ca-cert=/tmp/x", "--ovs=tcp:10.0.0.1", "--retry", "-v",
    "--generate", "-generate", "-z", "--wait=hv", "--record=/tmp/x", "--private-key=/x", "-", "-u",
]  # fmt: skip
WRITERS = ["ls-add", "init", "del-br", "set", "destroy", "add-flow", "exit", "transact", "dpctl/del-flows"]
allowed_argv = st.sampled_from(ALLOWED)


@given(allowed_argv, st.sampled_from(ACTING), st.data())
def test_an_acting_option_anywhere_is_refused(
    words: tuple[str, ...], option: str, data: st.DataObject
) -> None:
    if (words[0], option) == ("tcpdump", "-v"):
        return  # there it only says more
    at = data.draw(st.integers(1, len(words)))
    mutated = (*words[:at], option, *words[at:])
    assert not check(mutated[0], mutated[1:], capture=True).allowed, shlex.join(mutated)


@given(allowed_argv, st.data())
def test_an_abbreviated_option_is_refused(words: tuple[str, ...], data: st.DataObject) -> None:
    long = [i for i, w in enumerate(words) if w.startswith("--") and len(w.partition("=")[0]) > 4]
    if not long:
        return
    at = data.draw(st.sampled_from(long))
    name, equals, value = words[at].partition("=")
    short = name[: data.draw(st.integers(3, len(name) - 1))]
    if short == "--no-heading":
        return  # on the list in its own right, next to --no-headings
    mutated = (*words[:at], short + equals + value, *words[at + 1 :])
    assert not check(mutated[0], mutated[1:], capture=True).allowed, shlex.join(mutated)


@given(allowed_argv, st.sampled_from(WRITERS))
def test_a_writing_command_in_the_chain_or_in_place_is_refused(words: tuple[str, ...], writer: str) -> None:
    chained = (*words[1:], "--", writer, "x")
    assert not check(words[0], chained, capture=True).allowed
    if words[0] not in ("tcpdump", "ovn-trace") and words[1] not in tables.ABOUT:
        commands = [i for i, w in enumerate(words) if i and not w.startswith("-")]
        first = next(
            i
            for i in commands
            if check(words[0], words[1:], capture=True).rule.split(": ")[1].split()[0] == words[i]
        )
        replaced = (*words[1:first], writer, *words[first + 1 :])
        assert not check(words[0], replaced, capture=True).allowed


@given(allowed_argv, st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp")), st.data())
def test_a_control_character_anywhere_is_refused(
    words: tuple[str, ...], bad: str, data: st.DataObject
) -> None:
    if len(words) == 1:
        return
    at = data.draw(st.integers(1, len(words) - 1))
    inside = data.draw(st.integers(0, len(words[at])))
    mutated = (*words[:at], words[at][:inside] + bad + words[at][inside:], *words[at + 1 :])
    assert not check(mutated[0], mutated[1:], capture=True).allowed


VOCABULARY = sorted({w for words in (*ALLOWED, *REFUSED) for w in words[1:]})


@given(st.sampled_from(sorted(tables.CTL)), st.lists(st.sampled_from(VOCABULARY), max_size=8))
def test_whatever_a_ctl_tool_may_run_is_a_chain_of_listed_commands(tool: str, words: list[str]) -> None:
    decision = check(tool, words)
    if not decision.allowed or (len(words) == 1 and words[0] in tables.ABOUT):
        return
    chain: list[list[str]] = [[]]
    for word in words:
        if word == "--":
            chain.append([])
        else:
            chain[-1].append(word)
    known = {*tables.CTL_OPTIONS, *tables.CTL_COMMAND_OPTIONS}
    for segment in chain:
        assert {w.partition("=")[0] for w in segment if w.startswith("-")} <= known
        assert any(w in tables.CTL[tool] for w in segment)
    assert "--dry-run" in decision.argv


@given(
    st.sampled_from(sorted(TOOLS)),
    st.lists(st.one_of(st.sampled_from(VOCABULARY), st.text(max_size=12)), max_size=6),
)
def test_no_argv_breaks_the_policy(tool: str, words: list[str]) -> None:
    for mode in ("read-only", "allow-write", "strict"):
        decision = check(tool, words, mode=mode, capture=True)  # type: ignore[arg-type]
        assert decision.allowed or "read-only" in decision.reason
