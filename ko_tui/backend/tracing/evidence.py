"""What ran for a trace, as plain facts for JSON and for the screen's list of commands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ko_tui.backend.source.interface import SourceInfo
from ko_tui.backend.tracing.model import TraceResult


def origin_facts(result: TraceResult, info: SourceInfo | None, taken_at: float) -> dict[str, Any]:
    """What was asked, where and when. ``taken_at`` is time.time() seconds; ``saved_at`` that of a saved cluster."""
    at = datetime.fromtimestamp(taken_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "line": result.plan.request.line(),
        "cluster": info.label if info is not None else "",
        "saved_at": info.taken_at if info is not None else "",
        "at": at,
        "engine": result.engine,
        "duration_ms": round(result.duration_ms, 1),
        "datapath": result.plan.packet.datapath,
        "microflow": result.plan.packet.microflow(),
    }


def command_facts(result: TraceResult) -> list[dict[str, Any]]:
    """One object a command: tool, argv, pod, container, kubectl, exit_code, duration_ms."""
    return [
        {
            "tool": run.tool,
            "argv": list(run.argv),
            "pod": f"{run.pod.namespace}/{run.pod.name}",
            "container": run.pod.container,
            "kubectl": run.kubectl(),
            "exit_code": run.exit_code,
            "duration_ms": round(run.duration_ms, 1),
        }
        for run in result.commands
    ]
