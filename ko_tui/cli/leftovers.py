"""What killed runs have left in a cluster: told at the start of every command, and offered for removal."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ko_tui.cli.visible import visible

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

OWN = frozenset({"cleanup", "perf", "diagnose"})  # these look into the cluster too
OWN_RESTORE = frozenset({"nb", "status"})  # these tell of a restore themselves
WORD = "remove"


def tell(word: str) -> None:
    """Say on standard error what the journals of this machine know; asks no cluster, and never fails."""
    if not any_journal():
        return
    if word not in OWN:
        _tell_created()
    if word not in OWN_RESTORE:
        _tell_restores()


def _tell_restores() -> None:
    from ko_tui.backend.operations.journal import stopped
    from ko_tui.backend.operations.restore import how_to_go_on

    for journal in stopped():
        _say(
            f"the restore of {journal.context}, begun {journal.events[0].time}, stopped at {journal.following!r}.\n"
            f"  {how_to_go_on(journal)}"
        )


def _tell_created() -> None:
    from ko_tui.backend.operations.created_journal import read_all

    for journal in read_all()[0]:
        names = ", ".join(thing.name for thing in journal.things)
        print(
            visible(
                f"ko-tui: {journal.operation} of {journal.started} was killed before it removed what it had made in "
                f"{journal.context}, namespace {journal.namespace}: {names}.\n"
                f"  Remove them: ko-tui --context {journal.context} --allow-write cleanup"
            ),
            file=sys.stderr,
        )


def any_journal() -> bool:
    """Is there a journal at all? Most starts end here, having imported nothing."""
    import platformdirs

    state = Path(platformdirs.user_state_dir("ko-tui", appauthor=False))
    for name in ("created", "restore"):
        with contextlib.suppress(OSError):
            if any(entry.suffix == ".json" for entry in (state / name).iterdir()):
                return True
    return False


def offer(session: Session) -> None:
    """Say what this cluster still holds of killed runs; with --allow-write and a terminal, offer to remove it."""
    if not session.live:
        return
    from ko_tui.backend.errors import KoError
    from ko_tui.backend.operations.created import find_leftovers, remove

    try:
        found = [leftover for leftover in find_leftovers(session) if not leftover.busy]
    except KoError:
        return  # the command itself will say what is wrong
    if not found:
        return
    for leftover in found:
        _say(f"left by a run that was killed: {leftover}")
    if session.options.mode != "allow-write":
        _say("nothing is removed in read-only mode: ko-tui --allow-write cleanup removes it")
    elif not sys.stdin.isatty():
        _say("ko-tui --allow-write cleanup removes it")
    else:
        print(f"Type {WORD} to remove it first, or Enter to leave it: ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip() == WORD:
            for problem in remove(session, found, on_text=_say):
                _say(f"left in the cluster: {problem}")


def _say(text: str) -> None:
    print(f"ko-tui: {visible(text)}", file=sys.stderr, flush=True)
