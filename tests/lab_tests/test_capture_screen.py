"""The capture screen on real packets: decoded as they come, looked at, traced, kept in a file."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.message import Message

from ko_tui.app import KoTuiApp
from ko_tui.backend.session import SessionOptions, open_session
from ko_tui.config import Settings
from ko_tui.screens.capture import CaptureScreen
from ko_tui.screens.trace import TraceScreen
from tests.lab.running import RunningLab
from tests.lab_tests.test_ops_tcpdump import remote
from tests.screens.conftest import Driven

pytestmark = pytest.mark.lab


@asynccontextmanager
async def capturing(
    lab: RunningLab,
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    *values: tuple[str, str],
    size: tuple[int, int] = (120, 40),
) -> AsyncIterator[tuple[Driven, CaptureScreen]]:
    """The program on the lab, its capture under way."""
    monkeypatch.setenv("KO_TUI_STATE", str(directory / "state"))
    monkeypatch.chdir(directory)
    messages: list[Message] = []
    options = SessionOptions(kubeconfig=str(lab.kubeconfig), context="admin")
    app = KoTuiApp(lambda: open_session(options), settings=Settings(start="capture"))
    async with app.run_test(size=size, message_hook=messages.append) as pilot:
        driven = Driven(app, pilot, messages)
        await driven.settled()
        screen = app.screen
        assert isinstance(screen, CaptureScreen)
        for name, value in values:
            screen.field(name).value = value
        await driven.press("escape", "a")
        wanted = len(screen.field("endpoint").value.split(","))
        await driven.until(lambda: driven.text().count(": listening.") == wanted, "the captures to run")
        yield driven, screen


async def test_a_packet_is_seen_looked_at_and_traced(
    running_lab: RunningLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = (("endpoint", "default/client"), ("filter", "icmp"), ("file", "kept.pcap"))
    async with capturing(running_lab, tmp_path, monkeypatch, *values) as (driven, screen):
        assert running_lab.cluster.ping("default/client", "10.16.0.12", 1)
        await driven.until(lambda: "echo reply" in driven.text())
        assert "2 packets" in driven.text()
        await driven.press("ctrl+c")
        await driven.until(lambda: not remote(running_lab), "the capture in the cluster to end")
        await driven.until(lambda: "# written to kept.pcap" in driven.text(), "what became of the file")
        read = subprocess.run(["tcpdump", "-nr", "kept.pcap"], capture_output=True, text=True, check=True)
        assert read.stdout.count("ICMP echo") == 2
        screen.view.move_to(next(i for i, t in enumerate(screen.view.texts) if "echo request" in t))
        await driven.press("enter")
        await driven.until(lambda: "0000  " in driven.text())
        shown = driven.text()
        assert "seen at   default/client on kube-ovn-worker" in shown
        assert "10.16.0.10" in shown and "4500" in shown, "the first bytes of IPv4 are there"
        await driven.press("escape")
        await driven.until(lambda: driven.app.screen is screen)
        await driven.press("t")
        await driven.until(lambda: isinstance(driven.app.screen, TraceScreen))
        assert "Delivered to web-0.default" in driven.text()


async def test_two_places_in_order_of_time(
    running_lab: RunningLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = (("endpoint", "default/web-0,default/client"), ("filter", "icmp"))
    async with capturing(running_lab, tmp_path, monkeypatch, *values) as (driven, screen):
        assert running_lab.cluster.ping("default/client", "10.16.0.12", 1)
        await driven.until(lambda: "4 packets" in driven.text())
        seen = [t.split()[1] for t in screen.view.texts if not t.startswith("#")]
        assert seen == ["default/client:", "default/web-0:", "default/web-0:", "default/client:"]
        await driven.press("slash")
        await driven.type("reply")
        await driven.press("enter")
        await driven.until(lambda: "lines match" in driven.text())
    # Leaving the program ended what it ran in the cluster.
    assert not remote(running_lab)


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_capture_that_breaks_off_says_why_below_its_packets(
    running_lab: RunningLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    values = (("endpoint", "default/client"), ("filter", "icmp"), ("file", "kept.pcap"))
    async with capturing(running_lab, tmp_path, monkeypatch, *values, size=(80, 24)) as (driven, screen):
        assert running_lab.cluster.ping("default/client", "10.16.0.12", 1)
        await driven.until(lambda: "2 packets" in driven.text())
        if elsewhere:
            await driven.press("2")
            await driven.until(lambda: driven.app.screen is not screen)
        for pid in remote(running_lab):
            if b"timeout" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        await driven.until(lambda: "Capture: The capture failed." in driven.text())
        assert (driven.app.screen is screen) is not elsewhere, "no window is in the way of the packets"
        said = [t.removeprefix("# ") for t in screen.view.texts if t.startswith("# ")]
        assert "tcpdump ended with status 137" in " ".join(" ".join(said).split())
        assert max(len(t) for t in screen.view.texts if t.startswith("# ")) < 80
        assert "kept.pcap is partial: it holds 2 packets, each whole" in " ".join(said)
