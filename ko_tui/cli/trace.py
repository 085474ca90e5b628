"""``ko-tui trace``: a packet traced and explained on the terminal."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ko_tui.backend.errors import UsageError
from ko_tui.backend.packet import parse_tcp_flags

if TYPE_CHECKING:
    from ko_tui.backend.tracing.model import TraceRequest, TraceResult

SUMMARY = """Trace a packet through OVN and explain every stage.
The arguments are those of kubectl ko trace; a destination may also be svc/NAMESPACE/NAME[:PORT], a pod or a node."""
# A packet that OVN answers itself, or hands on for ARP, reaches what answers it.
REACHED = frozenset({"delivered", "replied"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="SOURCE DESTINATION [MAC] [PROTOCOL] [PORT]; options may be given as ttl=1 too",
    )
    packet = parser.add_argument_group("packet")
    packet.add_argument("--family", type=int, choices=(4, 6), help="IP family when both are possible")
    packet.add_argument("--src-port", type=int)
    packet.add_argument("--src-ip", default="", help="another source address than the port's own")
    packet.add_argument("--src-mac", default="", help="another source MAC than the port's own")
    packet.add_argument("--ttl", type=int)
    packet.add_argument("--tcp-flags", default="", help="such as syn,ack or 0x12 (default: syn)")
    packet.add_argument(
        "--ct", action="append", default=[], metavar="STATE", help="conntrack state of each pass, in order"
    )
    packet.add_argument("--backend", "--lb-dst", dest="backend", default="", metavar="IP[:PORT]")
    packet.add_argument("--select-id", type=int, default=None, help="member chosen by select (ECMP)")
    packet.add_argument(
        "--pod-namespace", default="", help="namespace of names without one (default: the context's)"
    )
    how = parser.add_argument_group("how")
    how.add_argument("--engine", choices=("ovn-trace", "local", "both"), help="default: ovn-trace")
    how.add_argument("--json", action="store_true", help="print JSON (docs/trace-json.md)")
    how.add_argument(
        "--raw", action="store_true", help="print what ovn-trace (and with --ovs ofproto/trace) printed"
    )
    how.add_argument(
        "--ovs",
        action="store_true",
        help="also ofproto/trace on the source's node, and on each node behind a tunnel: is that the same? "
        "If not, that is told and the exit status is 1",
    )
    how.add_argument(
        "--objects", action="store_true", help="name the object behind each flow (asks the databases)"
    )
    how.add_argument(
        "--why-not", action="store_true", help="for a drop: the flows that came nearest to matching"
    )
    how.add_argument(
        "--reply", action="store_true", help="trace the answer of what was delivered, and print that"
    )
    how.add_argument("--plan", action="store_true", help="print the packet and the commands, run nothing")
    offline = parser.add_argument_group("a saved southbound database")
    offline.add_argument("--datapath", default="", help="the switch or router where the packet enters")
    offline.add_argument("--microflow", default="", help="the packet, as ovn-trace takes it")
    offline.add_argument(
        "--batch", default="", metavar="FILE", help="JSON lines of traces; - reads standard input"
    )
    offline.add_argument("--format", choices=("explained", "json", "ovn-trace"), default="")


def run(args: argparse.Namespace) -> int:
    if args.ovs and (args.batch or args.microflow):
        raise UsageError(
            "--ovs asks running switches, and this packet is traced on saved contents.",
            "Name its source and destination instead.",
        )
    if args.batch or args.microflow:
        from ko_tui.cli.simulate import run_offline

        return run_offline(args)
    from ko_tui.backend.session import open_session
    from ko_tui.backend.tracing.plan import check_request
    from ko_tui.cli.options import session_options

    request = request_of(args)
    check_request(request)
    session = open_session(session_options(args))
    try:
        if request.namespace == "":
            request = _in_namespace(request, session.info.namespace or "default")
        plan = session.plan(request)
        if args.plan:
            from ko_tui.cli.render_plan import print_plan

            print_plan(session, plan)
            return 0
        result = session.trace(plan)
        if args.reply:
            result = session.trace(session.plan(session.reply(result)))
        if args.objects:
            from ko_tui.backend.tracing.objects import attach_objects

            attach_objects(session, result.explained.stages)
        if args.ovs:
            result = replace(result, datapath=session.datapath(result))
        return show(args, session, result)
    finally:
        session.close()


def request_of(args: argparse.Namespace) -> TraceRequest:
    """The request that the arguments make. Raises UsageError."""
    from ko_tui.backend.tracing.oneline import GRAMMAR, parse_line, parse_words

    if not args.words:
        raise UsageError(
            f"Nothing to trace was named: {GRAMMAR}.", "For example: default/client 10.96.0.10 udp 53."
        )
    namespace = args.pod_namespace
    words = args.words
    request = (
        parse_line(words[0], namespace=namespace)
        if len(words) == 1
        else parse_words(words, namespace=namespace)
    )
    # An option that was not given leaves what the line says.
    given = {
        "family": args.family,
        "src_port": args.src_port,
        "src_ip": args.src_ip,
        "src_mac": args.src_mac,
        "ttl": args.ttl,
        "tcp_flags": parse_tcp_flags(args.tcp_flags) if args.tcp_flags else None,
        "ct": tuple(args.ct),
        "backend": args.backend,
        "engine": args.engine,
        "select_id": args.select_id,
    }
    return replace(request, **{name: value for name, value in given.items() if value not in (None, "", ())})


def _in_namespace(request: TraceRequest, namespace: str) -> TraceRequest:
    return replace(request, namespace=namespace)


def show(args: argparse.Namespace, session: object, result: TraceResult) -> int:
    """Print a result in the form asked for; gives the exit status."""
    explained = result.explained
    if args.raw or args.format == "ovn-trace":
        sys.stdout.write(explained.trace.text)
        if result.datapath is not None:
            sys.stdout.write(f"\n{result.datapath.text}")
    elif args.json or args.format == "json":
        from ko_tui.backend.explain.json_form import to_json
        from ko_tui.backend.tracing.evidence import command_facts, origin_facts

        made = to_json(explained, commands=command_facts(result))
        made["traced"] = origin_facts(result, getattr(session, "info", None), time.time())
        if result.datapath is not None:
            from ko_tui.backend.tracing.datapath_json import datapath_json

            made["openflow"] = datapath_json(result.datapath)
        if args.why_not:
            from ko_tui.cli.why_not import simulated, why_not_json

            made["why_not"] = why_not_json(*simulated(session, result), lang=explained.lang)
        json.dump(made, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    else:
        from ko_tui.cli.render_trace import print_trace

        if args.why_not:  # it follows at once
            explained.next_steps = [step for step in explained.next_steps if "--why-not" not in step]

        print_trace(result.explained, plan=result.plan, commands=result.commands)
        if result.datapath is not None:
            from ko_tui.cli.render_datapath import print_datapath

            print_datapath(result.datapath)
        for difference in result.differences:
            print(f"  ! {difference}")
        if args.why_not:
            from ko_tui.cli.why_not import print_why_not, simulated

            print_why_not(*simulated(session, result), lang=explained.lang)
    if result.datapath is not None and result.datapath.findings:
        return 1
    return 0 if explained.verdict in REACHED else 1
