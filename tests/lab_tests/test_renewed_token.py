"""A token that expires while something is under way, and is renewed by a credential plugin: nobody notices."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import KoError
from ko_tui.backend.ovn.trace_model import Verdict
from ko_tui.backend.session import Session, SessionOptions
from ko_tui.backend.source.interface import Cancel, NotAuthorised, PodRef, WatchEvent
from ko_tui.backend.source.kinds import NODES, PODS
from ko_tui.backend.tracing.oneline import parse_line
from tests.lab.api.identity import MASTERS, User
from tests.lab.handle import ApiOnlyLab
from tests.lab.places import until
from tests.lab.running import RunningLab
from tests.lab.scale import ScaleLab
from tests.lab_tests.test_pods_live import QUICK, ask, own_files, pod, pods_screen
from tests.unit.source_lab import changed_config, opened

__all__ = ["own_files"]
V1 = "client.authentication.k8s.io/v1"
CLIENT = PodRef("default", "client", "client")
# Prints the token that its issuer holds now, one run after another on file; or complains as a login that has ended.
PLUGIN = f"""#!{sys.executable}
import json, os, sys
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "runs"), "a") as f: f.write("x")
token = open(os.path.join(here, "token")).read()
if not token:
    sys.exit("your login has ended: log in again")
print(json.dumps({{"kind": "ExecCredential", "apiVersion": {V1!r}, "status": {{"token": token}}}}))
"""


class Issuer:
    """Gives tokens to the plugin and takes them back from the API server."""

    def __init__(self, lab: ApiOnlyLab, directory: Path) -> None:
        self._tokens = lab.server.authenticator.tokens
        self._directory = directory
        self._number = 0
        plugin = directory / "plugin"
        plugin.write_text(PLUGIN)
        plugin.chmod(0o700)
        spec = {"apiVersion": V1, "command": str(plugin), "interactiveMode": "Never"}
        self.config = changed_config(lab, f"issued-{id(self)}", {"exec": spec})
        self.renew()

    def renew(self) -> None:
        """The token so far is refused from now on; the plugin gives the next one."""
        self.end()
        self._number += 1
        self._tokens[self._token()] = User("issued", (MASTERS,))
        (self._directory / "token").write_text(self._token())

    def end(self) -> None:
        """The token so far is refused, and the plugin gives none."""
        self._tokens.pop(self._token(), None)
        (self._directory / "token").write_text("")

    @property
    def runs(self) -> int:
        return len((self._directory / "runs").read_text())

    def _token(self) -> str:
        return f"issued-{id(self)}-{self._number}"


@pytest.fixture
def issuer(own_api: ApiOnlyLab, tmp_path: Path) -> Iterator[Issuer]:
    yield Issuer(own_api, tmp_path)


def test_between_two_pages_of_a_list(tmp_path: Path) -> None:
    with ScaleLab(1_100, 2) as lab:
        issuer = Issuer(lab, tmp_path)
        pages: list[int] = []

        def page(items: object) -> None:
            pages.append(len(items))  # type: ignore[arg-type]
            issuer.renew()

        with opened(lab, "x", kubeconfig=issuer.config) as source:
            found = source.list(PODS, on_page=page)
        assert found.complete and len(found.items) == sum(pages) > 1_100
        assert len({f"{p.namespace}/{p.name}" for p in found.items}) == len(found.items)
        assert len(pages) >= 3 and issuer.runs == len(pages)


def test_while_a_watch_holds(own_api: ApiOnlyLab, issuer: Issuer) -> None:
    with opened(own_api, "x", kubeconfig=issuer.config, pace=QUICK) as source:
        version = source.list(PODS).resource_version
        cancel = Cancel()
        events: list[WatchEvent] = []

        def follow() -> None:
            for event in source.watch(PODS, resource_version=version, cancel=cancel):
                events.append(event)

        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        names = lambda: [e.object.name for e in events if e.object is not None]  # noqa: E731
        with opened(own_api) as other:
            other.create(PODS, "default", pod("before"))
            until(lambda: "before" in names(), "the first pod")
            issuer.renew()
            own_api.faults.add("drop_watch", after=0, times=1)
            for name in ("cut", "after"):
                other.create(PODS, "default", pod(name))
            until(lambda: "after" in names(), "the pod after it")
        cancel.cancel()
        follower.join(10)
        assert names()[:1] == ["before"] and set(names()) == {"before", "cut", "after"}
        told = [e.type for e in events if e.type in ("LOST", "BACK", "RESYNC")]
        assert told == ["LOST", "BACK"]  # the cut, and no word of the token
        assert issuer.runs == 2


def test_while_an_exec_runs_and_for_the_next_one(own_api: ApiOnlyLab, issuer: Issuer) -> None:
    """The server asks for the token at the handshake alone; what runs goes on, the next one renews."""
    ended = threading.Event()
    got: list[bytes] = []

    def output(piece: bytes) -> None:
        if not ended.is_set():
            ended.set()
            issuer.renew()
        got.append(piece)

    with opened(own_api, "x", kubeconfig=issuer.config) as source:
        source.exec(CLIENT, ["seq", "200000"], on_stdout=output)
        assert b"".join(got).split()[-1] == b"200000" and issuer.runs == 1
        assert source.exec(CLIENT, ["echo", "next"]).stdout == b"next\n"
        assert issuer.runs == 2


def test_many_at_once_share_one_renewal(own_api: ApiOnlyLab, issuer: Issuer) -> None:
    with opened(own_api, "x", kubeconfig=issuer.config) as source:
        source.list(NODES)
        issuer.renew()
        said: list[bytes] = []
        places = [PodRef("default", name) for name in ("client", "web-0", "server")] * 4
        threads = [
            threading.Thread(target=lambda p=p: said.append(source.exec(p, ["echo", "x"]).stdout))
            for p in places
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert said == [b"x\n"] * len(places) and issuer.runs == 2


@pytest.mark.lab
def test_between_the_commands_of_a_trace(running_lab: RunningLab, tmp_path: Path) -> None:
    """Every command of the trace finds its token refused."""
    issuer = Issuer(running_lab, tmp_path)
    ran: list[str] = []

    def note(run: CommandRun, _allowed: bool, _reason: str) -> None:
        ran.append(run.tool)
        issuer.renew()

    with opened(running_lab, "x", kubeconfig=issuer.config) as source:
        session = Session(source, SessionOptions(), audit=note)
        result = session.trace(session.plan(parse_line("default/client default/server icmp")))
        assert result.explained.verdict is Verdict.DELIVERED
        assert "ovn-trace" in ran and issuer.runs >= 2
        session.close()


def test_a_plugin_that_gives_none_says_why_and_the_session_lives_on(
    own_api: ApiOnlyLab, issuer: Issuer
) -> None:
    with opened(own_api, "x", kubeconfig=issuer.config) as source:
        source.list(NODES)
        issuer.end()
        for question in (lambda: source.list(NODES), lambda: source.exec(CLIENT, ["true"])):
            with pytest.raises(NotAuthorised, match="log in again") as caught:
                question()
            error: KoError = caught.value
            assert error.title == "The credential plugin failed" and error.next_step
        issuer.renew()
        assert source.list(NODES).items and source.exec(CLIENT, ["true"]).exit_code == 0


async def test_the_pods_screen_goes_on(own_api: ApiOnlyLab, issuer: Issuer) -> None:
    async with pods_screen(own_api, issuer.config, "x") as (driven, _, screen):
        with opened(own_api) as other:
            issuer.renew()
            own_api.faults.add("drop_watch", after=0, times=1, path="/pods")
            await ask(other.create, PODS, "default", pod("wake"))
            await ask(other.create, PODS, "default", pod("after"))
            await driven.sees("wake", "after", "live")
            assert issuer.runs == 2 and not screen.unwatched and "stopped" not in driven.text()


async def test_the_pods_screen_says_that_the_login_has_ended(own_api: ApiOnlyLab, issuer: Issuer) -> None:
    """What was listed stays in sight with its age; r after a new login brings the news back."""
    async with pods_screen(own_api, issuer.config, "x") as (driven, _, screen):
        count = screen.table.count
        with opened(own_api) as other:
            issuer.end()
            own_api.faults.add("drop_watch", after=0, times=1, path="/pods")
            await ask(other.create, PODS, "default", pod("wake"))
            await driven.sees("The credential plugin failed", "your login has ended")
            assert not screen.live and screen.table.count >= count and "client" in driven.text()
            issuer.renew()
            await driven.press("r")
            await driven.sees("live", "wake")
            await asyncio.to_thread(other.create, PODS, "default", pod("after"))
            await driven.sees("after")
            assert not screen.unwatched and "plugin" not in driven.text()
