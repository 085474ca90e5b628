"""The JSON form of the node's own trace. The schema is told in docs/trace-json.md."""

from __future__ import annotations

from typing import Any

from ko_tui.backend.tracing.datapath_model import DatapathTrace, NodePass, Step


def datapath_json(trace: DatapathTrace) -> dict[str, Any]:
    """The whole of it as plain values."""
    return {
        "agrees": trace.agrees,
        "summary": trace.summary,
        "stages_met": trace.compared,
        "stages": trace.stages,
        "findings": [
            {"title": f.title, "what": f.what, "next_step": f.next_step, "stage": f.at}
            for f in trace.findings
        ],
        "notes": list(trace.notes),
        "passes": [_pass(part) for part in trace.passes],
        "commands": [
            {
                "tool": run.tool,
                "argv": list(run.argv),
                "pod": f"{run.pod.namespace}/{run.pod.name}",
                "container": run.pod.container,
                "kubectl": run.kubectl(),
                "exit_code": run.exit_code,
                "duration_ms": round(run.duration_ms, 1),
            }
            for run in trace.commands
        ],
    }


def _pass(part: NodePass) -> dict[str, Any]:
    return {
        "node": part.node,
        "in_port": part.in_port,
        "port": part.port,
        "flow": part.flow,
        "why": part.why,
        "end": part.end,
        "ends": part.ends,
        "actions": list(part.actions),
        "slow_path": list(part.slow_path),
        "lookups": [_step(step) for step in part.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    rule = step.rule
    return {
        "bridge": step.bridge,
        "pass": step.block,
        "depth": step.depth,
        "table": rule.table,
        "stage": step.stage,
        "logical": step.logical,
        "priority": rule.priority,
        "match": rule.match,
        "logical_match": step.match,
        "cookie": step.uuid,
        "no_match": rule.no_match,
        "actions": rule.actions,
        "trace_stage": step.at,
        "fit": step.fit,
        "why": step.why,
    }
