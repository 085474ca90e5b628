"""``python -m tests.e2e.screenshots DIR``: what ko-tui looks like, taken from a real terminal (make screenshots).

A session over SSH, a trace by keys alone, and the read-only dashboard on the lab's cluster, at 80x24 and 160x48.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.e2e import ssh
from tests.e2e.terminal import PROGRAM, Terminal
from tests.lab.running import RunningLab


def shot(terminal: Terminal, path: Path, title: str, width: int) -> None:
    """Save what is on the screen as an SVG picture."""
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
    for line in terminal.screen(colours=True).split("\n"):
        console.print(Text.from_ansi(line, no_wrap=True), overflow="crop", no_wrap=True)
    path.write_text(console.export_svg(title=title, theme=MONOKAI, unique_id=path.stem))
    print(path)


def trace(terminal: Terminal) -> None:
    terminal.wait("client", "Running")
    terminal.keys("t")
    terminal.wait("From", "default/client")
    terminal.type("kube-dns")
    terminal.wait("svc/kube-system/kube-dns")
    terminal.keys("Enter")
    terminal.wait("Ready")


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    with RunningLab() as lab, tempfile.TemporaryDirectory() as home:
        for width, height in ((80, 24), (160, 48)):
            size = f"{width}x{height}"
            with Terminal(
                PROGRAM, Path(home), width=width, height=height, environment=lab.environment()
            ) as terminal:
                terminal.wait("client", "Running")
                shot(terminal, directory / f"pods-{size}.svg", "ko-tui: pods", width)
                trace(terminal)
                shot(terminal, directory / f"builder-{size}.svg", "ko-tui: a packet", width)
                terminal.keys("Enter")
                terminal.wait("Delivered to coredns")
                terminal.keys("j", "j", "j", "j")
                terminal.wait("It starts a new connection")
                shot(terminal, directory / f"trace-{size}.svg", "ko-tui: a trace, explained", width)
                terminal.keys(":")
                terminal.type("trace default/server prod/api-6b9f7 tcp 80")
                terminal.keys("Enter")
                terminal.wait("Dropped")
                terminal.keys("w")
                terminal.wait("NetworkPolicy")
                shot(terminal, directory / f"why-not-{size}.svg", "ko-tui: why not", width)
            with ssh.running(Path(home) / f"ssh-{size}") as server:
                far = server.argv(Path(home), {"KUBECONFIG": str(lab.kubeconfig)}, "--no-mouse")
                with Terminal(far, Path(home), width=width, height=height) as terminal:
                    terminal.wait("client", "Running")
                    terminal.keys("4")
                    terminal.wait("ovn-default", "flows")
                    shot(terminal, directory / f"ssh-{size}.svg", "ssh bastion ko-tui", width)
            dashboard = [*PROGRAM, "--dashboard"]
            with Terminal(
                dashboard, Path(home), width=width, height=height, environment=lab.environment()
            ) as terminal:
                terminal.wait("Well", "leader", "active", seconds=40)
                shot(terminal, directory / f"dashboard-{size}.svg", "ko-tui --dashboard", width)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
