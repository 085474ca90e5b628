"""The screens on a real pseudo-terminal, against an empty Textual app and Textual's own table of the same rows."""

from __future__ import annotations

import compileall
import signal
import statistics
import sys
import tempfile
from pathlib import Path

import ko_tui
from bench._terminal import Pty

PODS = 50_000
DOWN, PAGE_DOWN = b"\x1b[B", b"\x1b[6~"
QUIET_ENV = {"TEXTUAL_ANIMATIONS": "none"}


def figure(name: str, value: float, goal: float, *, unit: str = "") -> None:
    """One line; every goal here is a most."""
    print(f"{name} {value:.2f}{unit} <={goal:g}{unit} {'ok' if value <= goal else 'short'}", flush=True)


def first_paint() -> None:
    """From the start to the first words on the screen, as a ratio: by the clock, and by the processor's time, which a
    busy machine changes less. The least of several runs, by turns."""
    ours: list[tuple[float, float]] = []
    empty: list[tuple[float, float]] = []
    # As an installer does: else a changed file would be compiled at every start.
    compileall.compile_dir(Path(ko_tui.__file__).parent, quiet=1)
    compileall.compile_dir(Path(__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory() as state:
        env = {**QUIET_ENV, "KO_TUI_STATE": state, "KUBECONFIG": "/nonexistent"}
        for _ in range(9):
            with Pty([sys.executable, "-m", "bench._empty"], env=QUIET_ENV) as terminal:
                empty.append((terminal.wait(b"1 Status"), terminal.run_time()))
            with Pty([sys.executable, "-m", "ko_tui"], env=env) as terminal:
                ours.append((terminal.wait(b"Status"), terminal.run_time()))
    (clock, ran), (their_clock, they_ran) = (
        map(min, zip(*ours, strict=True)),
        map(min, zip(*empty, strict=True)),
    )
    figure("first-paint-to-empty-app", clock / their_clock, 1.3, unit="x")
    figure("first-paint-cpu-to-empty-app", ran / they_ran, 1.3, unit="x")
    print(
        f"# first paint: {clock:.3f} s ({ran:.3f} s of CPU), an empty Textual app {their_clock:.3f} s ({they_ran:.3f})"
    )


def keys(terminal: Pty, key: bytes, times: int) -> tuple[float, float]:
    """Bytes and CPU milliseconds of one key, on average; each key waits until its painting is over."""
    terminal.settle()
    before, total = terminal.cpu(), 0
    for _ in range(times):
        terminal.press(key)
        total += terminal.settle(0.06)
    return total / times, (terminal.cpu() - before) * 1000 / times


def changes(terminal: Pty, sign: int, times: int) -> tuple[float, float]:
    """Bytes and CPU milliseconds of one pod's change in sight, on average; the first makes ready and does not count."""
    terminal.press(b"g")
    terminal.settle()
    terminal.signal(sign)
    terminal.settle(0.7)
    before, total = terminal.cpu(), 0
    for _ in range(times):
        terminal.signal(sign)
        total += terminal.settle(0.7)
    return total / times, (terminal.cpu() - before) * 1000 / times


def typing(terminal: Pty, opening: bytes, letters: bytes) -> float:
    """CPU milliseconds of one letter of a filter, with its result painted."""
    terminal.press(opening)
    terminal.settle()
    costs = []
    for letter in letters:
        before = terminal.cpu()
        terminal.press(bytes([letter]))
        terminal.settle(0.15)
        costs.append((terminal.cpu() - before) * 1000)
    return statistics.mean(costs)


def many_pods() -> None:
    """The pods screen with 50,000 pods, and DataTable with the same rows."""
    with tempfile.TemporaryDirectory() as state:
        env = {**QUIET_ENV, "KO_TUI_STATE": state}
        with Pty([sys.executable, "-m", "bench._rows", "pods", str(PODS)], env=env) as terminal:
            seconds = terminal.wait(b"50,000 endpoints")
            terminal.settle()
            cpu, memory = terminal.cpu(), terminal.resident()
            arrow = keys(terminal, DOWN, 60)
            page = keys(terminal, PAGE_DOWN, 12)
            change = changes(terminal, signal.SIGUSR1, 12)
            new = changes(terminal, signal.SIGUSR2, 12)
            letter = typing(terminal, b"/", b"load-42")
    with Pty([sys.executable, "-m", "bench._rows", "rows", str(PODS)], env=QUIET_ENV) as terminal:
        terminal.wait(b"load-00-00000")
        terminal.settle()
        theirs_cpu = terminal.cpu()
        theirs_arrow = keys(terminal, DOWN, 60)
        theirs_page = keys(terminal, PAGE_DOWN, 12)
        theirs_letter = typing(terminal, b"\x1b[Z", b"load-42")
    figure("arrow-key-bytes", arrow[0], 1024)
    figure("page-down-bytes", page[0], 8192)
    figure("filter-key-cpu-ms", letter, 50)
    figure("pod-changed-cpu-ms", change[1], 20)
    figure("pod-changed-bytes", change[0], 1024)
    figure("pod-new-cpu-ms", new[1], 25)
    figure("memory-50k-pods-mb", memory, 150)
    figure("arrow-key-bytes-to-datatable", arrow[0] / theirs_arrow[0], 1, unit="x")
    figure("arrow-key-cpu-to-datatable", arrow[1] / max(theirs_arrow[1], 0.01), 1, unit="x")
    figure("page-down-bytes-to-datatable", page[0] / theirs_page[0], 1, unit="x")
    figure("page-down-cpu-to-datatable", page[1] / max(theirs_page[1], 0.01), 1, unit="x")
    figure("filter-key-cpu-to-datatable", letter / max(theirs_letter, 0.01), 1, unit="x")
    print(f"# 50,000 pods after {seconds:.1f} s and {cpu:.1f} s of CPU (DataTable: {theirs_cpu:.1f} s)")


if __name__ == "__main__":
    first_paint()
    many_pods()
