"""``ko-tui nbctl|sbctl|vsctl|ofctl|dpctl|appctl|icnbctl|icsbctl ...``: the tools of kubectl ko, under the policy."""

from __future__ import annotations

import argparse
import codecs
import sys
from typing import TextIO

from ko_tui.backend.errors import PolicyRefusal, UsageError
from ko_tui.backend.source.interface import OnBytes, PodRef, SourceInfo
from ko_tui.cli.options import session_options
from ko_tui.cli.visible import visible

# No option of any tool is called so.
OWN = frozenset(
    {"--allow-write", "--read-only-strict", "--yes", "--kubeconfig", "--context", "--snapshot", "--demo"}
)
HELP_BEHIND = "With --no-leader-only it answers all the same; it may be behind."
HELP_CUT_OFF = (
    "OVN's own tools take no answer from it, not even with --no-leader-only. It is read all the same by ko-tui status, "
    "ko-tui trace and ko-tui nb backup; bring the other ovn-central pods back."
)
SUMMARY = "Run an OVN or OVS tool where it can answer. Options of ko-tui itself come before the word."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs=argparse.REMAINDER)


def run(args: argparse.Namespace) -> int:
    from ko_tui.backend.command.tools import prepare, run_tool

    words = [w for i, w in enumerate(args.words) if not (i == 0 and w == "--")]
    options = session_options(args)
    own = next((w for w in words if w.partition("=")[0] in OWN), "")
    if own:
        raise UsageError(
            f"{own} is an option of ko-tui, and {words[0]} takes none of those behind it.",
            f"Write it before the word: ko-tui {own} {words[0]} ...",
        )
    try:
        call = prepare(words, options.mode)  # before any cluster: a refusal needs none
    except PolicyRefusal as refusal:
        note_refusal(words, options.context, refusal.what)
        raise

    from ko_tui.backend.session import open_session

    session = open_session(options)
    try:
        if call.decision.writes:
            from ko_tui.cli.confirm import confirm

            confirm(" ".join(call.argv), target=call.node or call.tool.word, given=args.yes)
        done = run_tool(session, call, on_stdout=_to(sys.stdout), on_stderr=_to(sys.stderr))
        if done.exit_code == 0:
            return 0
        # Its own status would look like ours: 2 is a refusal here, 1 the answer no.
        print(f"ko-tui: {call.argv[0]} ended with status {done.exit_code} in {done.pod}.", file=sys.stderr)
        if call.tool.place in ("nb", "sb"):
            leader = session.leader(call.tool.place)
            if not leader.certain:
                print(f"  {visible(leader.why)}", file=sys.stderr)
                print(f"  {HELP_CUT_OFF if leader.cut_off else HELP_BEHIND}", file=sys.stderr)
        return 3
    finally:
        session.close()


def note_refusal(words: list[str], context: str, reason: str) -> None:
    """The audit log holds what was refused before a cluster was asked, too."""
    from ko_tui.backend.command.audit import AuditLog
    from ko_tui.backend.command.run import CommandRun

    refused = CommandRun(tuple(words), PodRef("", ""), error=reason)
    AuditLog(SourceInfo("live", context)).note(refused, False, reason)


def _to(stream: TextIO) -> OnBytes:
    """Bytes as they come: to a pipe untouched, to a terminal with control characters shown."""
    if not stream.isatty():

        def write(part: bytes) -> None:
            stream.buffer.write(part)
            stream.buffer.flush()

        return write
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def show(part: bytes) -> None:
        stream.write(visible(decoder.decode(part)))
        stream.flush()

    return show
