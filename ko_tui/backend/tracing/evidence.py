"""What ran for a trace, as plain facts for JSON and for the screen's list of commands."""

from __future__ import annotations

from typing import Any

from ko_tui.backend.tracing.model import TraceResult


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
