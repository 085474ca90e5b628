"""What the OpenFlow tables of br-int are for: the logical table behind a number, or its own purpose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ko_tui.backend.explain.catalogue import Catalogue, catalogue, shared
from ko_tui.backend.explain.language import Language
from ko_tui.backend.explain.pipelines import stage_at
from ko_tui.backend.ovn.versions import DEFAULT, KNOWN, OvnVersion
from ko_tui.backend.ovs.ofproto_trace import OfRule
from ko_tui.backend.ovs.openflow import parse_dump

_TABLE_ID = re.compile(r"\btable_id=(\d+)")


@dataclass(frozen=True, slots=True)
class OpenFlowTable:
    """A table of br-int. ``stages`` are the logical tables that it may be, of a switch and of a router."""

    number: int
    title: str
    stages: tuple[str, ...] = ()
    known: bool = True
    key: str = ""  # its purpose in one word, for a table of ovn-controller's own: log_to_phy


@dataclass(frozen=True, slots=True)
class ExplainedOpenFlow:
    """One OpenFlow flow: its table, priority and the first digits of the southbound row that it was made from."""

    table: OpenFlowTable
    priority: int | None
    cookie: str
    source: str


def openflow_table(
    number: int, version: OvnVersion = DEFAULT, lang: Language = "en", router: bool | None = None
) -> OpenFlowTable:
    """What table ``number`` of br-int is in ``version``; ``router`` tells the kind of datapath when it is known."""
    words = catalogue(lang)
    kinds = ("router",) if router else ("switch", "router") if router is None else ("switch",)
    numbers = _numbers(version)
    key = numbers.get(number)
    if key is None or key in ("ingress", "egress"):
        starts = {name: at for at, name in numbers.items() if name in ("ingress", "egress")}
        for pipeline in ("egress", "ingress"):
            if number >= starts[pipeline]:
                names = [stage_at(version, f"{kind}_{pipeline}", number - starts[pipeline]) for kind in kinds]
                stages = tuple(name for name in names if name)
                if stages:
                    return OpenFlowTable(number, _stage_titles(stages, words), stages)
        return OpenFlowTable(number, words.say("openflow.unknown"), (), known=False)
    return OpenFlowTable(number, words.text("oftables", key) or key, key=key)


def _stage_titles(stages: tuple[str, ...], words: Catalogue) -> str:
    titles = []
    for stage in stages:
        text = words.stage(stage)
        titles.append(f"{stage}: {text.title}" if text else stage)
    return words.say("join.or").join(titles)


@cache
def _numbers(version: OvnVersion) -> dict[int, str]:
    """Table number to key, for one release."""
    found: dict[int, str] = {}
    places = shared("oftables")
    rows = {**places["tables"], "ingress": places["ingress"], "egress": places["egress"]}
    for key, texts in rows.items():
        for text in texts:
            number, _, span = text.partition("@")
            first, _, last = span.partition("-")
            at = KNOWN.index(version)
            low = KNOWN.index(first) if first in KNOWN else 0
            high = KNOWN.index(last) if last in KNOWN else len(KNOWN) - 1
            if low <= at <= high:
                found[int(number)] = key
    return found


def explain_openflow(
    text: str, version: OvnVersion = DEFAULT, lang: Language = "en"
) -> Iterator[ExplainedOpenFlow]:
    """Every flow among the lines of ``ovs-ofctl dump-flows`` or ``bridge/dump-flows``; other lines are passed over."""
    for flow in parse_dump(text):
        table = flow.table
        if (numbered := _TABLE_ID.search(flow.raw)) is not None:
            table = int(numbered[1])
        if flow.known and table is not None:
            yield _explained(table, flow.priority, flow.cookie, flow.raw, version, lang)


def explain_rule(rule: OfRule, version: OvnVersion = DEFAULT, lang: Language = "en") -> ExplainedOpenFlow:
    """A table look-up of ``ofproto/trace``."""
    return _explained(rule.table, rule.priority, rule.cookie, rule.raw, version, lang)


def _explained(
    table: int, priority: int | None, cookie: str, line: str, version: OvnVersion, lang: Language
) -> ExplainedOpenFlow:
    # A flow without a cookie is ovn-controller's own: no southbound row is behind it.
    behind = cookie if cookie.strip("0") else ""
    return ExplainedOpenFlow(openflow_table(table, version, lang), priority, behind, line.strip())
