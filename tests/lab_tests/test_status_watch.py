"""``ko-tui status --watch`` goes on when a look fails, and says so."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from queue import Queue
from threading import Thread

from tests.lab.handle import ApiOnlyLab

ROOT = Path(__file__).parent.parent.parent


def test_a_failed_look_is_told_and_the_next_one_comes(own_api: ApiOnlyLab, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ko_tui", "status", "--watch", "--json", "--shallow", "--interval", "1"]
    environment = own_api.environment(PYTHONPATH=str(ROOT), XDG_STATE_HOME=str(tmp_path))
    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        said: Queue[tuple[str, str]] = Queue()
        for name, stream in (("out", process.stdout), ("error", process.stderr)):
            Thread(
                target=lambda s, n: [said.put((n, line)) for line in s], args=(stream, name), daemon=True
            ).start()
        try:
            where, line = said.get(timeout=30)
            assert where == "out" and json.loads(line)["severity"] == "critical", line
            fault = own_api.faults.add("http_status", code=503)
            while where == "out":
                where, line = said.get(timeout=30)
            assert "API server cannot be reached" in line
            own_api.faults.remove(fault)
            while where == "error":
                where, line = said.get(timeout=30)
            assert json.loads(line)["findings"]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)
