"""Console: every command, completion of all that can be typed, refusals, and watching with differences marked."""

from __future__ import annotations

import itertools
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ko_tui.backend.session import Session, SessionOptions, open_session
from ko_tui.config import Settings
from ko_tui.screens.asking import Answered, Failed, Heard
from ko_tui.screens.console_changes import differences
from ko_tui.screens.console_words import completions, node_of
from ko_tui.widgets.prompt import PromptLine
from ko_tui.widgets.tones import plain
from tests.lab.running import RunningLab
from tests.screens.conftest import Driven, Running
from tests.screens.driving import drives
from tests.screens.recorded import Recorded

STARTS = Settings(start="console")
KNOWN = {
    "node": ["worker", "worker2"],
    "datapath": ["ovn-default"],
    "bridge worker": ["br-int", "br-provider"],
}


class Telling(Recorded):
    """A source whose nbctl says something else each time, when it is given things to say."""

    def __init__(self, *says: str) -> None:
        super().__init__()
        self.says: Iterator[str] = itertools.cycle(says or ("",))

    def answer(self, words: tuple[str, ...]) -> str:
        if "ovn-nbctl" in words:
            return next(self.says)
        return super().answer(words)


@asynccontextmanager
async def console(
    running: Running, *says: str, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Driven, Telling]]:
    source = Telling(*says)
    session = Session(source, SessionOptions(namespace="kube-system"))  # type: ignore[arg-type]
    async with running(size, open_session=lambda: session, settings=STARTS, settle=False) as driven:
        await driven.until(lambda: driven.app.screen.query_one(PromptLine).sign)
        await driven.until(lambda: {"node", "datapath"} <= set(driven.app.known), "names for completion")
        yield driven, source


async def give(driven: Driven, line: str) -> None:
    """Type a line at the console's own sign."""
    if not driven.app.screen.query_one(PromptLine).sign:
        await driven.press("i")
    await driven.paste(line)
    await driven.press("enter")


@drives("console.type", "console.again", "console.filter", "list.next", "list.previous")
async def test_a_line_is_run_searched_and_run_again(running: Running) -> None:
    said = "\n".join(f"line {n} {'here' if n in (3, 40) else ''}" for n in range(60))
    async with console(running, said) as (driven, source):
        await give(driven, "nbctl show")
        await driven.sees("60 lines", "line 3 here")
        assert [m for m in driven.heard(Heard) if m.topic == "tool"], "streamed"
        assert [m for m in driven.heard(Answered) if m.topic == "tool"][-1].value.argv[0] == "ovn-nbctl"
        await driven.press("slash")
        await driven.paste("here")
        await driven.press("enter")
        await driven.sees("2 lines match")
        view = driven.app.screen.view
        assert view.cursor == 3
        await driven.press("n")
        assert view.cursor == 40
        await driven.sees("line 40 here")
        await driven.press("N")
        assert view.cursor == 3
        await driven.press("slash")
        await driven.press("ctrl+u")
        await driven.paste("!here")
        await driven.sees("58 lines match")
        assert view.cursor == 4
        await driven.press("enter", "n")
        assert view.cursor == 5
        ran = len([w for w in source.ran if "ovn-nbctl" in w])
        await driven.press("a")
        await driven.until(lambda: len([w for w in source.ran if "ovn-nbctl" in w]) > ran)
        await driven.settled()
        await driven.press("i")
        await driven.sees("tab complete", "up history")


@drives("app.exact", "app.raw", "app.save")
async def test_the_output_is_saved_and_its_command_shown(running: Running, tmp_path: Path) -> None:
    async with console(running, "switch [red]a\x1b[31m\n") as (driven, _):
        await give(driven, "nbctl show")
        shown = await driven.sees("1 line ", "switch [red]a")
        assert "\x1b" not in shown
        await driven.press("e")
        await driven.sees("kubectl exec -n kube-system ovn-central-", "ovn-nbctl")
        await driven.press("escape", "R")
        await driven.sees("raw", "[red]a\\x1b[31m")
        await driven.press("escape")
        await driven.command(f"save {tmp_path}/out.txt")
        await driven.sees("Saved to")
        assert (tmp_path / "out.txt").read_text() == "switch [red]a\x1b[31m\n"


async def test_what_was_typed_comes_back_in_the_next_run(running: Running) -> None:
    for _ in range(2):
        async with console(running, "x") as (driven, _source):
            field = driven.app.screen.query_one(PromptLine).field
            if _:
                await driven.press("up")
                assert field.value == "nbctl list NAT"
                await driven.press("up")
                assert field.value == "nbctl show"
                await driven.press("down", "down")
                assert field.value == ""
            else:
                await give(driven, "nbctl show")
                await driven.settled()
                await give(driven, "nbctl list NAT")
                await driven.settled()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nbctl ls-add evil", ("Refused", "ls-add is not on the list", "--allow-write would allow it")),
        ("ofctl kube-ovn-worker add-flow br-int drop", ("Refused", "add-flow")),
        ("appctl kube-ovn-worker exit", ("Refused", "exit")),
        ("nbctl --db=tcp:192.0.2.1:6641 show", ("Refused", "--db")),
        ("rm -rf /", ("'rm' is not one of the tools", "nbctl, sbctl")),
        ("vsctl", ("vsctl needs a node",)),
        ('nbctl "open', ("cannot be split into words",)),
        ("kubectl ko nbctl ls-add evil", ("Refused", "ls-add is not on the list")),
        ("nbctl show | grep evil", ("No shell reads this line", "/ finds in the output")),
    ],
)
async def test_what_may_not_run_says_why_and_does_not(
    running: Running, line: str, words: tuple[str, ...]
) -> None:
    async with console(running, size=(60, 15)) as (driven, source):
        await give(driven, line)
        await driven.settled()
        said = " ".join(plain(row).strip() for row in driven.app.screen.view.unfolded)
        for word in words:
            assert word in said
        assert not [w for w in source.ran if "ovn-nbctl" in w or "exit" in w or "add-flow" in w]
        assert driven.heard(Failed) or "split" in said or "No shell" in said
        shown = driven.text().replace("\n", " ")
        assert words[0].split()[0].strip("'") in shown


@drives("app.back")
async def test_watching_marks_the_words_that_changed(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ko_tui.screens.console.WATCH_SECONDS", 0.1)
    first = "cookie=0x1, duration=1.2s, n_packets=5\ncookie=0x2, duration=1.2s, n_packets=0\ngone"
    second = "cookie=0x1, duration=9.9s, n_packets=7\ncookie=0x2, duration=9.9s, n_packets=0\nnew words"
    async with console(running, first, second) as (driven, _):
        await give(driven, "watch nbctl show")
        await driven.sees("watching", "n_packets=5")
        await driven.sees("∆ cookie=0x1", "1 gone", "2 changed")
        made = driven.app.screen.view.made
        first_line, second_line, third_line = ([t for t, tone in line if tone == "change"] for line in made)
        assert first_line in (["∆ ", "n_packets=7"], ["∆ ", "n_packets=5"])
        assert not second_line and third_line[0] == "+ "
        await driven.press("escape")
        await driven.sees("Stopped watching.")


def test_differences_leave_clocks_alone() -> None:
    before = [
        "a duration=1s, n=1",
        "used:0.5s, n=1",
        "old line",
        "same",
        "same",
        "udp,timeout=29",
    ]
    now = ["a duration=2s, n=2", "used:1.5s, n=1", "same", "new line 5", "udp,timeout=3"]
    lines, changed, gone = differences(before, now)
    assert [plain(line)[2:] for line in lines] == now
    assert [plain(line)[0] for line in lines] == ["∆", " ", " ", "+", " "]
    assert [t for t, tone in lines[0] if tone == "change"][1:] == ["n=2"]
    assert (changed, gone) == (2, 2)


def test_a_column_is_known_by_its_name() -> None:
    before = ["_uuid : 1", "options             : {a=b}", "", "_uuid : 2", "options             : {}"]
    now = ["_uuid : 1", "options             : {a=b, c=d}", "", "_uuid : 2", "options             : {}"]
    lines, changed, gone = differences(before, now)
    assert (changed, gone) == (1, 0)
    assert [t for t, tone in lines[1] if tone == "change"][1:] == ["c=d"]
    lines, changed, gone = differences(["x", "x", "y"], ["x", "z"])
    assert (changed, gone) == (1, 2)


async def test_a_command_that_hangs_can_be_stopped(running: Running) -> None:
    async with console(running, "never") as (driven, source):
        source.hold = threading.Event()
        await give(driven, "nbctl show")
        await driven.sees("running")
        await driven.press("ctrl+c")
        await driven.sees("Stopped: running")
        assert not driven.app.screen.questions
        source.hold.set()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", ["nbctl", "sbctl", "watch"]),
        ("ofc", ["ofctl"]),
        ("watch sb", ["watch sbctl"]),
        ("vsctl w", ["vsctl worker", "vsctl worker2"]),
        ("ofctl worker dump-fl", ["ofctl worker dump-flows"]),
        ("ofctl worker dump-flows br-p", ["ofctl worker dump-flows br-provider"]),
        (
            "vsctl worker list-ports ",
            ["vsctl worker list-ports br-int", "vsctl worker list-ports br-provider"],
        ),
        ("nbctl list Logical_Switch_", ["nbctl list Logical_Switch_Port"]),
        ("nbctl find ACL prio", ["nbctl find ACL priority="]),
        ("nbctl --columns=name,pri", ["nbctl --columns=name,priority"]),
        ("sbctl list Port_Binding --columns=cha", ["sbctl list Port_Binding --columns=chassis"]),
        ("sbctl get Chassis x nb_c", ["sbctl get Chassis x nb_cfg"]),
        ("sbctl lflow-list ovn", ["sbctl lflow-list ovn-default"]),
        ("dpctl worker dump-conntrack", ["dpctl worker dump-conntrack-exp"]),
        ("appctl worker -t ovn-c", ["appctl worker -t ovn-controller"]),
        ("appctl worker ofproto/tr", ["appctl worker ofproto/trace"]),
        ("nonsense ", []),
    ],
)
def test_completion(typed: str, offered: list[str]) -> None:
    found = [text for text, _ in completions(typed, KNOWN)]
    assert set(offered) <= set(found) if offered else not found
    assert all(text.startswith(typed.rpartition(" ")[0]) for text in found)


def test_the_node_of_a_line_is_known_once_it_is_whole() -> None:
    assert node_of("watch ofctl worker dump-flows br") == "worker"
    assert node_of("ofctl work") == "" and node_of("nbctl show x") == "" and node_of("") == ""


async def test_tab_goes_through_what_is_offered(running: Running) -> None:
    async with console(running) as (driven, _):
        field = driven.app.screen.query_one(PromptLine).field
        await driven.sees("nbctl", "sbctl", "9 in all")
        await driven.press("tab", "tab")
        assert field.value == "sbctl"
        await driven.press("shift+tab")
        assert field.value == "nbctl"
        await driven.press("ctrl+u")
        await driven.paste("vsctl kube-ovn-w")
        await driven.sees("kube-ovn-worker2")
        await driven.press("tab")
        assert field.value == "vsctl kube-ovn-worker"


@pytest.mark.lab
async def test_on_the_real_cluster_bridges_are_offered_and_output_comes(
    running: Running, running_lab: RunningLab
) -> None:
    options = SessionOptions(kubeconfig=str(running_lab.kubeconfig), context="admin")
    async with running(
        (120, 40), open_session=lambda: open_session(options), settings=STARTS, settle=False
    ) as driven:
        await driven.until(lambda: driven.app.known.get("node"))
        await driven.until(lambda: driven.app.screen.query_one(PromptLine).sign)
        await driven.paste("ofctl kube-ovn-worker dump-flows ")
        await driven.sees("br-provider", "br-int")
        await driven.paste("br-int")
        await driven.press("enter")
        await driven.sees("cookie=0x", " lines")
        await give(driven, "sbctl --columns=hostname list Chassis")
        await driven.sees("hostname", "kube-ovn-worker2")


async def test_what_writes_is_run_once_after_its_target_was_typed(running: Running) -> None:
    source = Telling("made")
    session = Session(source, SessionOptions(namespace="kube-system", mode="allow-write"))  # type: ignore[arg-type]
    wrote = lambda: [w for w in source.ran if "ls-add" in w]  # noqa: E731
    async with running(open_session=lambda: session, settings=STARTS, settle=False) as driven:
        await driven.until(lambda: driven.app.door.opened)
        await driven.until(lambda: driven.app.screen.query_one(PromptLine).sign)
        await give(driven, "nbctl ls-add fresh")
        await driven.sees(
            "This will change the cluster, at the database's leader:", "ls-add fresh", "Type nbctl"
        )
        assert not wrote()
        await driven.press("escape")
        await driven.sees("Nothing was changed.")
        assert not wrote()
        await give(driven, "nbctl ls-add fresh")
        await driven.sees("Type nbctl")
        await driven.paste("nbctl")
        await driven.press("enter")
        await driven.sees("made")
        assert len(wrote()) == 1
        await give(driven, "watch nbctl ls-add fresh")
        await driven.sees("only what reads is run again and again")
        assert len(wrote()) == 1
