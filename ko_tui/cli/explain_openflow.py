"""What ``ko-tui explain`` says of the switch's own output: ofproto/trace, dump-flows, and flows of the datapath."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ko_tui.backend.explain.catalogue import catalogue
from ko_tui.backend.explain.datapath_words import action_words
from ko_tui.backend.explain.language import Language
from ko_tui.backend.explain.openflow import ExplainedOpenFlow, explain_openflow, explain_rule
from ko_tui.backend.ovn.versions import OvnVersion
from ko_tui.backend.ovs import ofproto_trace
from ko_tui.backend.ovs.datapath import DatapathFlow, parse_dump
from ko_tui.backend.ovs.ofproto_trace import OfTrace, OfVerdict

if TYPE_CHECKING:
    from rich.console import Console


class Told:
    """Text of one kind, read and explained; false when there is nothing of it in the text."""

    def __init__(self, text: str, version: OvnVersion, lang: Language) -> None:
        self.version, self.lang = version, lang
        self.words = catalogue(lang)
        self.read(text)

    def read(self, text: str) -> None:
        """Find what is to be told."""

    def __bool__(self) -> bool:
        return True

    def json(self) -> Any:
        """Plain values (docs/trace-json.md)."""

    def show(self, out: Console, everything: bool = False) -> None:
        """On the terminal."""


class Flows(Told):
    """Lines of dump-flows."""

    def read(self, text: str) -> None:
        self.flows = list(explain_openflow(text, self.version, self.lang))

    def __bool__(self) -> bool:
        return bool(self.flows)

    def json(self) -> Any:
        return [_flow_json(flow) for flow in self.flows]

    def show(self, out: Console, everything: bool = False) -> None:
        from ko_tui.cli.render_flow import print_openflow

        for flow in self.flows:
            print_openflow(flow, out, self.lang)


class SwitchTrace(Told):
    """An ofproto/trace: the verdict first, then each pass with its look-ups and what the datapath does."""

    def read(self, text: str) -> None:
        self.trace: OfTrace = ofproto_trace.parse(text)
        self.passes = [
            (block, [(rule, explain_rule(rule, self.version, self.lang)) for rule in block.rules()])
            for block in self.trace.blocks
            if block.flow or block.datapath_actions or any(block.rules())
        ]

    def __bool__(self) -> bool:
        return bool(self.passes)

    @property
    def headline(self) -> str:
        trace = self.trace
        key = "no_end" if trace.verdict is OfVerdict.UNKNOWN else str(trace.verdict)
        said = self.words.say(f"openflow.{key}", ports=", ".join(trace.outputs))
        return f"{said}: {trace.problem}" if trace.problem else said

    def json(self) -> Any:
        trace = self.trace
        return {
            "verdict": str(trace.verdict),
            "headline": self.headline,
            "outputs": trace.outputs,
            "slow_path": trace.slow_path,
            "passes": [
                {
                    "bridge": block.bridge,
                    "flow": block.flow,
                    "datapath_actions": block.datapath_actions,
                    "words": action_words(block.datapath_actions),
                    "flows": [
                        {
                            **_flow_json(flow),
                            "match": rule.match,
                            "no_match": rule.no_match,
                            "actions": rule.actions,
                        }
                        for rule, flow in found
                    ],
                }
                for block, found in self.passes
            ],
        }

    def show(self, out: Console, everything: bool = False) -> None:
        from ko_tui.cli.render_flow import print_openflow
        from ko_tui.cli.render_trace import indented, plain_text

        bad = self.trace.verdict in (OfVerdict.DROPPED, OfVerdict.UNKNOWN)
        indented(out, plain_text(self.headline, "bold red" if bad else "bold green"), 0)
        for reason in self.trace.slow_path:
            indented(out, plain_text(f"! {reason}", "yellow"), 2)
        for block, found in self.passes:
            out.print()
            if block.recirculation:
                indented(out, plain_text(f"recirc({block.recirculation}) {block.resumed_because}", "dim"), 0)
            for rule, flow in found:
                print_openflow(flow, out, self.lang)
                for line in rule.lines if everything else []:
                    indented(out, plain_text(line.text, "dim"), 6)
            indented(out, plain_text(self.words.say("openflow.datapath"), "bold cyan"), 0)
            for sentence in action_words(block.datapath_actions):
                indented(out, plain_text(f"- {sentence}", ""), 3)


class DatapathFlows(Told):
    """Lines of dpctl/dump-flows: what packets of the last seconds met."""

    def read(self, text: str) -> None:
        self.flows: list[DatapathFlow] = [flow for flow in parse_dump(text) if flow.known]

    def __bool__(self) -> bool:
        return bool(self.flows)

    def json(self) -> Any:
        return [
            {
                "match": flow.match,
                "actions": flow.actions,
                "words": self.sentences(flow),
                "packets": flow.packets,
                "bytes": flow.bytes,
                "used": flow.used,
                "source": flow.raw.strip(),
            }
            for flow in self.flows
        ]

    def sentences(self, flow: DatapathFlow) -> list[str]:
        return action_words("drop" if flow.drops else flow.actions)

    def show(self, out: Console, everything: bool = False) -> None:
        from ko_tui.cli.render_trace import indented, plain_text

        for flow in self.flows:
            indented(out, plain_text(flow.match, "bold"), 0)
            used = self.words.say("openflow.never") if flow.used is None else ""
            seen = self.words.say("openflow.matches", count=f"{flow.packets:,}")
            indented(out, plain_text("; ".join(part for part in (seen, used) if part), "dim"), 3)
            for sentence in self.sentences(flow):
                indented(out, plain_text(f"- {sentence}", ""), 3)


KINDS: dict[str, type[Told]] = {"openflow": Flows, "ofproto": SwitchTrace, "datapath": DatapathFlows}


def kind_of(text: str) -> str:
    """Which of ``KINDS`` the text is, or nothing."""
    if "Datapath actions:" in text or 'bridge("' in text:
        return "ofproto"
    if ", actions:" in text and "packets:" in text:
        return "datapath"
    if "actions=" in text and any(sign in text for sign in ("table=", "table_id=", "cookie=", "priority=")):
        return "openflow"
    return ""


def _flow_json(flow: ExplainedOpenFlow) -> dict[str, Any]:
    return {
        "table": flow.table.number,
        "title": flow.table.title,
        "stages": list(flow.table.stages),
        "priority": flow.priority,
        "cookie": flow.cookie,
        "source": flow.source,
    }
