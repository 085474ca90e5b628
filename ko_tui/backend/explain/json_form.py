"""The JSON form of an explained trace and of explained flows. The schema is told in docs/trace-json.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ko_tui.backend.explain.model import (
    ExplainedFlow,
    ExplainedStage,
    ExplainedTrace,
    ObjectRef,
    RegisterValue,
    Sentence,
)
from ko_tui.backend.ovn.trace_model import Outcome

SCHEMA = 1
"""Grows when a field changes its meaning or goes; new fields may come without."""


def to_json(explained: ExplainedTrace, commands: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The whole trace as plain values. ``commands`` are those that ran, as the caller tells them."""
    return {
        "schema": SCHEMA,
        "ovn_version": explained.version,
        "language": explained.lang,
        "verdict": str(explained.verdict),
        "headline": explained.headline,
        "outputs": explained.trace.outputs,
        "outcomes": [_outcome(outcome) for outcome in explained.outcomes],
        "hops": [{"kind": hop.kind, "name": hop.name, "note": hop.note} for hop in explained.hops],
        "notes": list(explained.notes),
        "next_steps": list(explained.next_steps),
        "errors": list(explained.trace.errors),
        "flow": explained.trace.flow,
        "stages": [stage_json(stage) for stage in explained.stages],
        "commands": [dict(command) for command in commands],
    }


def stage_json(stage: ExplainedStage) -> dict[str, Any]:
    """One stage of a trace."""
    own = stage.stage
    return {
        "datapath": stage.datapath,
        "pipeline": stage.pipeline,
        "depth": stage.depth,
        "table": own.table,
        "stage": own.name,
        "known": stage.known,
        "quiet": stage.quiet,
        "source": own.source,
        "priority": own.priority,
        "match": own.match,
        "no_match": own.no_match,
        "uuid": own.uuid,
        "actions": own.actions,
        "explanation": {
            "title": stage.title,
            "purpose": stage.purpose,
            "use": stage.use,
            "match": sentence_json(stage.match) if stage.match else None,
            "actions": [sentence_json(sentence) for sentence in stage.actions],
            "assumptions": list(stage.assumptions),
        },
        "registers": [_register(value) for value in stage.registers],
        "packet": dict(stage.packet),
        "changed": list(stage.changed),
        "objects": [_object(reference) for reference in stage.objects],
    }


def flow_json(flow: ExplainedFlow) -> dict[str, Any]:
    """One logical flow."""
    return {
        "datapath": flow.datapath,
        "pipeline": flow.pipeline,
        "table": flow.table,
        "stage": flow.stage,
        "known": flow.known,
        "priority": flow.priority,
        "uuid": flow.uuid,
        "explanation": {
            "title": flow.title,
            "purpose": flow.purpose,
            "use": flow.use,
            "match": sentence_json(flow.match),
            "actions": [sentence_json(sentence) for sentence in flow.actions],
        },
        "registers": [_register(value) for value in flow.registers],
        "objects": [_object(reference) for reference in flow.objects],
    }


def sentence_json(sentence: Sentence) -> dict[str, Any]:
    """A sentence with what it is made of."""
    made: dict[str, Any] = {"text": sentence.text, "source": sentence.source}
    if sentence.children:
        made["parts"] = [sentence_json(child) for child in sentence.children]
    return made


def _register(value: RegisterValue) -> dict[str, str]:
    return {
        "name": value.name,
        "title": value.title,
        "meaning": value.meaning,
        "value": value.value,
        "shown": value.shown,
    }


def _object(reference: ObjectRef) -> dict[str, Any]:
    return {
        "kind": reference.kind,
        "namespace": reference.namespace,
        "name": reference.name,
        "uuid": reference.uuid,
        "detail": reference.detail,
        "owner": _object(reference.owner) if reference.owner else None,
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "verdict": str(outcome.verdict),
        "reason": outcome.reason,
        "datapath": outcome.datapath,
        "pipeline": outcome.pipeline,
        "port": outcome.port,
        "port_type": outcome.port_type,
        "stage": outcome.stage.name if outcome.stage else "",
        "uuid": outcome.stage.uuid if outcome.stage else "",
    }
