"""``ko-tui trace --datapath D --microflow M`` and ``--batch``: traces on a saved southbound database."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ko_tui.backend.errors import KoError, UsageError
from ko_tui.backend.ovn.trace_model import Trace, Verdict

if TYPE_CHECKING:
    from ko_tui.backend.simulate import Options, Simulation, Simulator

REACHED = frozenset({Verdict.DELIVERED, Verdict.REPLIED})


def run_offline(args: argparse.Namespace) -> int:
    """Trace on the database of ``--snapshot``; gives the exit status (see ko_tui.cli)."""
    from ko_tui.backend.simulate import Options, Simulator

    options = Options(
        ct=tuple(args.ct), lb_dst=args.backend, select_id=_select_id(args.select_id), version=""
    )
    with _databases(args) as (database, northbound):
        simulator = Simulator(database)
        if args.batch:
            return run_batch(simulator, args.batch, sys.stdout)
        return _one(simulator, args, options, northbound)


@contextmanager
def _databases(args: argparse.Namespace) -> Iterator[tuple[Any, Any]]:
    """The southbound database of a saved cluster or, fetched whole, of the live one; and the saved northbound."""
    if args.snapshot or args.demo:
        from ko_tui.backend.source.snapshot import demo_path, open_snapshot
        from ko_tui.cli.why_not import saved_northbound

        source = open_snapshot(args.snapshot or demo_path())
        try:
            yield source.database("sb"), saved_northbound(source) if args.why_not else None
        finally:
            source.close()
        return
    from ko_tui.backend.session import open_session
    from ko_tui.backend.simulate.live import fetch_southbound
    from ko_tui.cli.options import session_options

    session = open_session(session_options(args))
    try:
        yield fetch_southbound(session), None
    finally:
        session.close()


def _one(simulator: Simulator, args: argparse.Namespace, options: Options, northbound: Any) -> int:
    made = simulator.run(args.datapath or None, args.microflow, options)
    if args.raw or args.format == "ovn-trace":
        sys.stdout.write(made.text)
        return 2 if made.failed else _status(made.trace())
    if made.failed:
        raise UsageError(made.text.strip(), "Write the packet as ovn-trace(8) takes it.")
    trace = made.trace()
    why = (simulator, made, northbound) if args.why_not else None
    show(trace, args, why)
    return _status(trace)


def show(
    trace: Trace, args: argparse.Namespace, why: tuple[Simulator, Simulation, Any] | None = None
) -> None:
    """The trace explained, in words or as JSON, with ``why`` it ended so when that was asked for."""
    import os

    from ko_tui.backend.explain.language import pick_language
    from ko_tui.backend.explain.trace import explain_trace

    explained = explain_trace(trace, lang=pick_language(args.lang, "", os.environ))
    if args.json or args.format == "json":
        from ko_tui.backend.explain.json_form import to_json

        document = to_json(explained)
        if why is not None:
            from ko_tui.cli.why_not import why_not_json

            document["why_not"] = why_not_json(*why, lang=explained.lang)
        json.dump(document, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return
    from ko_tui.cli.render_trace import print_trace

    print_trace(explained)
    if why is not None:
        from ko_tui.cli.why_not import print_why_not

        print_why_not(*why, lang=explained.lang)


def run_batch(simulator: Simulator, path: str, out: TextIO) -> int:
    """A JSON line for each line of ``path`` (``-``: standard input); gives 1 when a line was no request."""
    bad = 0
    with _lines(path) as lines:
        for line in lines:
            if not line.strip():
                continue
            answer = answer_line(simulator, line)
            bad |= "error" in answer
            out.write(json.dumps(answer, ensure_ascii=False) + "\n")
            out.flush()
    return 1 if bad else 0


def answer_line(simulator: Simulator, line: str) -> dict[str, Any]:
    """``{"datapath","microflow","ct","lb_dst","select_id"}`` to ``{"verdict","text","ms"}``, or ``{"error"}``."""
    started = time.perf_counter()
    try:
        datapath, microflow, options = _request(line)
        made: Simulation = simulator.run(datapath, microflow, options)
    except KoError as error:
        return {"error": error.what}
    if made.failed:
        return {"error": made.text.strip()}
    ms = (time.perf_counter() - started) * 1000
    trace = made.trace()
    return {"verdict": str(trace.verdict), "text": made.text, "ms": round(ms, 3)}


def _request(line: str) -> tuple[str | None, str, Options]:
    from ko_tui.backend.simulate import Options

    try:
        asked = json.loads(line)
    except ValueError as error:
        raise UsageError(f"not JSON: {error}") from None
    if not isinstance(asked, dict) or not isinstance(asked.get("microflow"), str):
        raise UsageError('a request is an object with a string "microflow"')
    ct = asked.get("ct") or ()
    if isinstance(ct, str):
        ct = (ct,)
    if not isinstance(ct, list | tuple) or not all(isinstance(state, str) for state in ct):
        raise UsageError('"ct" is a list of states, such as ["new", "est,rpl"]')
    datapath, backend = asked.get("datapath") or None, asked.get("lb_dst") or ""
    if not isinstance(datapath, str | None) or not isinstance(backend, str):
        raise UsageError('"datapath" and "lb_dst" are strings')
    return datapath, asked["microflow"], Options(tuple(ct), backend, _select_id(asked.get("select_id")))


def _select_id(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 0xFFFF:
        raise UsageError("select_id is a number from 0 to 65535")
    return value


@contextmanager
def _lines(path: str) -> Iterator[TextIO]:
    if path == "-":
        yield sys.stdin
        return
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as stream:
            yield stream
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None


def _status(trace: Trace) -> int:
    return 0 if trace.verdict in REACHED else 1
