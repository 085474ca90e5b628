"""``python -m bench [NAME ...]``: every figure, one line each: ``name value goal ok|short``.

With ``BENCH_JSON=file`` the same as JSON. Each area is a module of its own, run in a process of its own so that
memory figures do not mix.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def areas() -> list[str]:
    return sorted(p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_"))


def parse(line: str) -> dict[str, str] | None:
    """A figure's line as its four parts; None for any other line."""
    words = line.split()
    if len(words) >= 4 and words[-1] in ("ok", "short"):
        return {"name": words[0], "value": words[1], "goal": " ".join(words[2:-1]), "verdict": words[-1]}
    return None


def main(wanted: list[str]) -> int:
    figures: list[dict[str, str]] = []
    failed = []
    for area in wanted or areas():
        process = subprocess.Popen(
            [sys.executable, "-m", f"bench.{area}"], stdout=subprocess.PIPE, text=True, cwd=HERE.parent
        )
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if (figure := parse(line)) is not None:
                figures.append({"area": area, **figure})
        if process.wait() != 0:
            failed.append(area)
            print(f"# {area} ended with status {process.returncode}", file=sys.stderr)
    if path := os.environ.get("BENCH_JSON"):
        Path(path).write_text(json.dumps({"figures": figures, "failed": failed}, indent=2) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
