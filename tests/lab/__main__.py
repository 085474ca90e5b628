"""``python -m tests.lab``: a lab by hand.

up [--dir D] [--api-only] [--port N]    start it and stay until Ctrl-C or SIGTERM
run [--api-only] -- CMD ...             start it, run a command with KUBECONFIG set, tear it down
api --pods N [--nodes M]                an API with made pods, for tests of size
clean                                   remove what labs left behind whose process is gone
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from tests.lab.cluster import LabFailed, LabUnavailable, clean_stale
from tests.lab.handle import ApiOnlyLab
from tests.lab.running import RunningLab


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab", description="A real OVN cluster with an API."
    )
    actions = parser.add_subparsers(dest="action", required=True)
    up = actions.add_parser("up", help="start and stay until Ctrl-C")
    run = actions.add_parser("run", help="run a command with KUBECONFIG set")
    api = actions.add_parser("api", help="an API with made pods and nodes")
    actions.add_parser("clean", help="remove what killed labs left behind")
    for each in (up, run, api):
        each.add_argument("--dir", type=Path, help="where the lab keeps its files (default: a temporary one)")
        each.add_argument("--port", type=int, default=0, help="port of the API (default: a free one)")
    for each in (up, run):
        each.add_argument(
            "--api-only", action="store_true", help="no OVN: exec runs programs of this machine"
        )
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD")
    api.add_argument("--pods", type=int, default=50_000)
    api.add_argument("--nodes", type=int, default=500)
    asked = parser.parse_args(words)
    if asked.action == "clean":
        for name in clean_stale():
            print(f"lab {name}: removed")
        return 0
    try:
        with _ending_on_signals(), _lab(asked) as lab:
            if asked.action == "run":
                command = asked.command[1:] if asked.command[:1] == ["--"] else asked.command
                return subprocess.run(command, env=lab.environment()).returncode if command else 2
            _say(lab)
            while True:
                signal.pause()
    except LabUnavailable as error:
        print(f"lab: {error}", file=sys.stderr)
        return 3
    except LabFailed as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _lab(asked: argparse.Namespace) -> ApiOnlyLab:
    if asked.action == "api":
        from tests.lab.scale import ScaleLab

        return ScaleLab(asked.pods, asked.nodes, asked.dir, port=asked.port)
    if asked.api_only:
        return ApiOnlyLab(asked.dir, port=asked.port)
    return RunningLab(asked.dir, port=asked.port)


def _say(lab: ApiOnlyLab) -> None:
    print(f"export KUBECONFIG={lab.kubeconfig}", flush=True)
    print("# contexts: admin, admin-token, reader (exec in kube-system only), noexec", flush=True)
    print(f"# {lab.url}; faults: POST /_lab/faults. Ctrl-C ends the lab.", flush=True)


@contextlib.contextmanager
def _ending_on_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the lab as Ctrl-C does; a second Ctrl-C while it is torn down changes nothing."""

    def end(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, end)
    yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
