"""What the explanation costs beside the text it explains. Processor time, so that a busy machine does not matter."""

from __future__ import annotations

import json
import lzma
import time
from pathlib import Path

TRACES = Path(__file__).parent.parent / "tests" / "fixtures" / "traces" / "25.03.3.jsonl.xz"


def _report(name: str, value: float, goal: float) -> None:
    print(f"{name} {value:.1f} <={goal:g} {'ok' if value <= goal else 'short'}", flush=True)


def main() -> None:
    """Milliseconds: words loaded and the first trace explained; a trace explained later; its JSON."""
    rows = [json.loads(line) for line in lzma.decompress(TRACES.read_bytes()).decode().splitlines()]
    texts = [row["stdout"] for row in rows]
    service = next(row["stdout"] for row in rows if row["id"] == "trace-svc-dns-udp")
    from ko_tui.backend.explain.json_form import to_json
    from ko_tui.backend.explain.trace import explain_trace
    from ko_tui.backend.ovn.trace import parse

    parsed = parse(service)
    start = time.process_time()
    explain_trace(parsed)
    _report("explain_first_trace_ms", (time.process_time() - start) * 1000, 150)
    traces = [parse(text) for text in texts]
    start = time.process_time()
    explained = [explain_trace(trace) for trace in traces]
    _report("explain_trace_ms", (time.process_time() - start) * 1000 / len(traces), 40)
    start = time.process_time()
    for each in explained:
        json.dumps(to_json(each))
    _report("explain_json_ms", (time.process_time() - start) * 1000 / len(traces), 10)


if __name__ == "__main__":
    main()
