"""The tools of ``kubectl ko`` by their words: which program, in which pod, for which node.

``nbctl`` and ``sbctl`` go to the server that leads its database, ``icnbctl`` and ``icsbctl`` to the interconnection
database's leader, the others to the Open vSwitch container of a node (kube-ovn dist/images/kubectl-ko).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from ko_tui.backend.command.policy import READ_ONLY, Decision, Mode, check
from ko_tui.backend.command.run import CommandRun
from ko_tui.backend.errors import PolicyRefusal, UsageError
from ko_tui.backend.source.interface import Cancel, ExecFailed, OnBytes, PodRef

if TYPE_CHECKING:
    from ko_tui.backend.cluster.leader import Database
    from ko_tui.backend.session import Session

Place = Literal["nb", "sb", "ic-nb", "ic-sb", "node"]
TOOL_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Tool:
    """A word of kubectl ko: the program behind it and where it runs."""

    word: str
    program: str
    place: Place


TOOLS: dict[str, Tool] = {
    tool.word: tool
    for tool in (
        Tool("nbctl", "ovn-nbctl", "nb"),
        Tool("sbctl", "ovn-sbctl", "sb"),
        Tool("icnbctl", "ovn-ic-nbctl", "ic-nb"),
        Tool("icsbctl", "ovn-ic-sbctl", "ic-sb"),
        Tool("vsctl", "ovs-vsctl", "node"),
        Tool("ofctl", "ovs-ofctl", "node"),
        Tool("dpctl", "ovs-dpctl", "node"),
        Tool("appctl", "ovs-appctl", "node"),
    )
}
# Daemons of OVN have their control sockets in /var/run/ovn, where ovs-appctl does not look.
_OVN_DAEMONS = frozenset({"ovn-controller", "ovn-northd", "ovn-ic"})
# Short options that take a value.
_SHORT_VALUES = {
    **dict.fromkeys(("ovn-nbctl", "ovn-sbctl", "ovn-ic-nbctl", "ovn-ic-sbctl", "ovs-vsctl"), "tdf"),
    "ovs-ofctl": "tO",
    "ovs-dpctl": "t",
    "ovs-appctl": "tT",
}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the policy has seen: ``argv`` is what will run, with the policy's own time limit and belts."""

    tool: Tool
    argv: tuple[str, ...]
    node: str
    decision: Decision


def split_call(words: Sequence[str]) -> tuple[Tool, str, tuple[str, ...]]:
    """``["vsctl", "worker", "show"]`` -> (tool, node, arguments). Raises UsageError."""
    if not words or words[0] not in TOOLS:
        named = words[0] if words else ""
        raise UsageError(f"{named!r} is not one of the tools.", f"They are {', '.join(TOOLS)}.")
    tool = TOOLS[words[0]]
    if tool.place != "node":
        return tool, "", tuple(words[1:])
    if len(words) < 2 or words[1].startswith("-"):
        raise UsageError(
            f"{tool.word} needs a node.", f"For example: {tool.word} NODE ...; see kubectl get nodes."
        )
    return tool, words[1], tuple(words[2:])


def prepare(words: Sequence[str], mode: Mode = READ_ONLY) -> ToolCall:
    """Check a call against the policy; needs no cluster. Raises UsageError or PolicyRefusal with the reason."""
    tool, node, arguments = split_call(words)
    if not arguments:
        where = f" for the node {node!r}" if node else ""
        raise UsageError(f"{tool.program} needs a command{where}.", f"See ko-tui {' '.join(words)} --help.")
    arguments = _apart(tool, arguments)
    program = _program(tool, arguments)
    decision = check(program, arguments, mode=mode)
    if not decision.allowed:
        raise PolicyRefusal(decision.reason, "What may run read-only is listed by ko-tui rbac --explain.")
    return ToolCall(tool, (program, *decision.argv), node, decision)


def _apart(tool: Tool, arguments: Sequence[str]) -> tuple[str, ...]:
    """``-OOpenFlow15`` as ``-O OpenFlow15``: getopt(3) reads both alike, the lists know the second."""
    letters = _SHORT_VALUES[tool.program]
    apart: list[str] = []
    for word in arguments:
        glued = len(word) > 2 and word[0] == "-" and word[1] in letters
        apart += [word[:2], word[2:]] if glued else [word]
    return tuple(apart)


def _program(tool: Tool, arguments: Sequence[str]) -> str:
    if tool.word == "appctl":
        for flag, value in pairwise(arguments):
            if flag in ("-t", "--target") and (value in _OVN_DAEMONS or value.startswith("/var/run/ovn/")):
                return "ovn-appctl"
        for argument in arguments:
            if argument.startswith("--target=") and argument.partition("=")[2] in _OVN_DAEMONS:
                return "ovn-appctl"
    return tool.program


def place_of(session: Session, call: ToolCall) -> PodRef:
    """The container the call runs in. Raises NoSuchPart."""
    from ko_tui.backend.cluster.pods import NoSuchPart, is_ready, ref  # a refusal comes before any cluster

    place = call.tool.place
    if place == "nb" or place == "sb":
        return session.leader(place).pod
    if place == "node":
        return session.ovs(call.node)
    label = f"ovn-{place}-leader"
    pods = [p for p in session.app_pods("ovn-ic-server") if is_ready(p)]
    leading = [p for p in pods if p.labels.get(label) == "true"] or pods
    if not leading:
        raise NoSuchPart(
            "No ovn-ic-server pod is ready.",
            "This cluster may not use OVN interconnection; see kubectl get pods.",
        )
    return ref(leading[0])


def run_tool(
    session: Session,
    call: ToolCall,
    *,
    timeout: float = TOOL_SECONDS,
    cancel: Cancel | None = None,
    on_stdout: OnBytes | None = None,
    on_stderr: OnBytes | None = None,
) -> CommandRun:
    """Run a prepared call; a non-zero exit status is a result. When the leader of a database moves meanwhile, a call
    that only reads is run again where it moved to. Raises the typed errors of the source."""
    place = call.tool.place
    if not session.live:
        from ko_tui.backend.command.saved_rows import answer

        saved = answer(session, call)
        if saved is not None:
            if on_stdout is not None:
                on_stdout(saved.stdout.encode())
            return saved
    if place == "nb" or place == "sb":
        if not call.decision.writes:
            return _run_on_leader(session, place, call, timeout, cancel, on_stdout, on_stderr)
        from ko_tui.backend.cluster.leading import ask_anew

        ask_anew(session, place)  # what writes is never run twice, so it goes to who leads at this moment
    return session.runner.run(
        place_of(session, call),
        call.argv,
        timeout=timeout,
        cancel=cancel,
        on_stdout=on_stdout,
        on_stderr=on_stderr,
        trusted=True,
    )


def _run_on_leader(
    session: Session,
    database: Database,
    call: ToolCall,
    timeout: float,
    cancel: Cancel | None,
    on_stdout: OnBytes | None,
    on_stderr: OnBytes | None,
) -> CommandRun:
    """What a server says that leads no longer is not shown: only the words of the last run are."""
    from ko_tui.backend.cluster.leading import run_on_leader

    told = on_stderr or (lambda _: None)
    try:
        run, _ = run_on_leader(
            session,
            database,
            lambda _: call.argv,
            timeout=timeout,
            cancel=cancel,
            on_stdout=on_stdout,
            trusted=True,
        )
    except ExecFailed as failed:
        told(failed.stderr)
        raise
    told(run.stderr.encode())
    return run
