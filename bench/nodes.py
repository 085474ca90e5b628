"""A thousand nodes of which five never answer: how long until all others have, and until the five are given up."""

from __future__ import annotations

import time

from ko_tui.backend.operations.env_check import SECONDS, env_check
from ko_tui.backend.operations.model import Check, Level
from ko_tui.backend.session import Session, SessionOptions
from ko_tui.backend.source.kubeconfig import load
from ko_tui.backend.source.live import LiveSource
from tests.lab.scale import ScaleLab, node_name

NODES = 1000
SILENT = range(0, NODES, NODES // 5)
QUESTIONS = 9  # of env-check to each node
EACH = 0.02  # seconds for a question: the lab starts a real program for each, on the same machine


def main() -> None:
    with ScaleLab(0, NODES) as lab:
        for name in ("ovs-appctl", "ps"):
            program = lab.bin / name
            program.write_text("#!/bin/sh\necho COMMAND\n")
            program.chmod(0o755)
        lab.faults.add("no_handshake", pod=f"-({'|'.join(f'{number:04d}' for number in SILENT)})$")
        target = load(str(lab.kubeconfig), {}).target("admin", None)
        session = Session(LiveSource(target, environment={}), SessionOptions())
        silent = {node_name(number) for number in SILENT}
        began = time.perf_counter()
        others = [0.0]

        def came(checks: list[Check]) -> None:
            if checks[0].place not in silent:
                others[0] = time.perf_counter() - began

        report = env_check(session, on_checks=came)
        whole = time.perf_counter() - began
        session.close()
    named = {c.place for c in report.checks if c.level is Level.UNKNOWN and c.place in silent}
    goal = NODES * QUESTIONS * EACH
    print(
        f"nodes.env_check_of_the_others {others[0]:.1f}s <={goal:.0f}s {'ok' if others[0] <= goal else 'short'}"
    )
    most = max(others[0], SECONDS) + 5
    print(f"nodes.env_check_of_all {whole:.1f}s <={most:.0f}s {'ok' if whole <= most else 'short'}")
    print(f"nodes.silent_ones_named {len(named)} =={len(silent)} {'ok' if named == silent else 'short'}")


if __name__ == "__main__":
    main()
