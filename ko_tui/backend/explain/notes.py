"""Warnings about a trace as a whole: random choices, defaults, what is not shown."""

from __future__ import annotations

from collections import Counter

from ko_tui.backend.explain.catalogue import Catalogue
from ko_tui.backend.explain.model import ExplainedStage
from ko_tui.backend.explain.reasons import reason_text
from ko_tui.backend.explain.running_packet import UNKNOWN
from ko_tui.backend.ovn.trace_model import Outcome, Trace, Verdict


def notes(trace: Trace, stages: list[ExplainedStage], words: Catalogue) -> list[str]:
    """What a reader should know before he trusts the verdict, the weightiest first."""
    found: list[str] = []
    if trace.verdict is not Verdict.UNKNOWN:
        found += [words.say("note.error", message=error) for error in trace.errors[:3]]
    drops = [outcome for outcome in trace.outcomes if outcome.verdict is Verdict.DROPPED]
    if trace.verdict is not Verdict.DROPPED and drops:
        found.append(words.say("note.drops", reasons=_reasons(drops, stages, trace.flow, words)))
    for stage in stages:
        found += _of_stage(stage, words)
    unknown = dict.fromkeys(stage.stage.name for stage in stages if not stage.known)
    if unknown:
        found.append(words.say("note.unknown_stages", names=words.say("join.list").join(unknown)))
    return list(dict.fromkeys(found))


def _reasons(drops: list[Outcome], stages: list[ExplainedStage], flow: str, words: Catalogue) -> str:
    """``2 in ls_out_acl (an access rule (ACL) refused it), 1 in ...``: the same ends counted together."""
    counts = Counter(
        (drop.stage.name if drop.stage else drop.datapath, reason_text(drop, stages, flow, words))
        for drop in drops
    )
    return words.say("join.list").join(
        words.say("note.drops_one", count=count, stage=stage, reason=reason)
        for (stage, reason), count in counts.most_common()
    )


def _of_stage(stage: ExplainedStage, words: Catalogue) -> list[str]:
    made = []
    said = set(stage.assumptions)
    if words.text("assumptions", "random_backend") in said:
        text = next((t for t in stage.stage.actions if "backends=" in t), "")
        count = text.partition("backends=")[2].partition(";")[0].count(",") + 1
        backend = next(
            (
                stage.packet[name]
                for name in ("ip4.dst", "ip6.dst")
                if stage.packet.get(name, UNKNOWN) != UNKNOWN
            ),
            "",
        )
        if backend:
            made.append(words.say("note.random_backend", count=count, backend=backend))
        else:
            made.append(words.say("note.random_backend_unknown", count=count))
    for assumption, note in (
        ("random_choice", "note.random_choice"),
        ("default_ct", "note.default_ct"),
        ("chassisredirect", "note.gateway"),
    ):
        if words.text("assumptions", assumption) in said:
            made.append(words.say(note))
    return made
