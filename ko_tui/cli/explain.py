"""``ko-tui explain``: OVN and OVS text in words, without a cluster."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ko_tui.backend.errors import UsageError
from ko_tui.backend.explain.language import Language, pick_language
from ko_tui.backend.ovn.versions import DEFAULT, OvnVersion, nearest

if TYPE_CHECKING:
    from rich.console import Console

NAME = "explain"
SUMMARY = """Explain OVN and OVS output: an ovn-trace, lflow-list lines, rows of list Logical_Flow (also in JSON), an
ofproto/trace, dump-flows lines, one match or one action. Reads a file or standard input; needs no cluster."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``ko-tui explain``; ``--lang`` is one of all commands."""
    parser.add_argument(
        "file", nargs="?", default="", metavar="FILE", help="text to explain; - or nothing: input"
    )
    parser.add_argument(
        "--match", default=None, metavar="X", help="explain one match; - with --check: one a line"
    )
    parser.add_argument(
        "--action", default=None, metavar="X", help="explain one action list; - with --check: one a line"
    )
    parser.add_argument(
        "--check", action="store_true", help="say whether the match or action is valid, and where not"
    )
    parser.add_argument(
        "--against",
        default=None,
        metavar="MICROFLOW",
        help='would this packet match? with --match - and --against -: JSON lines {"match", "microflow"}',
    )
    parser.add_argument(
        "--stage", default="", metavar="TABLE", help="table of the match or action: ls_in_acl_eval"
    )
    parser.add_argument(
        "--ovn-version", default="", metavar="V", help="OVN release, such as 24.03 (default: from the text)"
    )
    parser.add_argument(
        "--all", action="store_true", help="also tables where nothing happens, and what each is for"
    )
    parser.add_argument("--json", action="store_true", help="print JSON (docs/trace-json.md)")


def run(args: argparse.Namespace) -> int:
    """Explain what was given. Exit status: 0 explained (or valid), 1 nothing known in it, 2 usage or invalid."""
    version = nearest(args.ovn_version) if args.ovn_version else None
    lang = pick_language(args.lang, "", os.environ)
    if args.match is not None and args.action is not None:
        raise UsageError("Both --match and --action were given.", "Give one of them.")
    if args.check:
        return _check(args, version or DEFAULT)
    if args.against is not None:
        return _against(args, version or DEFAULT)
    if args.match is not None or args.action is not None:
        return _one(args, version or DEFAULT, lang)
    return _text(_read(args.file), args, version, lang)


def _read(name: str) -> str:
    if name in ("", "-"):
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    try:
        return Path(name).read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise UsageError(
            f"{name} cannot be read: {error.strerror}.", "Name a file, or - for input."
        ) from error


def _against(args: argparse.Namespace, version: OvnVersion) -> int:
    """Evaluate matches against packets: one of each, or JSON lines from standard input."""
    from ko_tui.backend.simulate.against import evaluate_lines

    if args.match == "-" and args.against == "-":
        return evaluate_lines(sys.stdin, sys.stdout, version=version)
    if args.match in (None, "-") or args.against == "-":
        raise UsageError("--against needs a match.", "Give --match X --against MICROFLOW, or - for both.")
    line = json.dumps({"match": args.match, "microflow": args.against})
    return evaluate_lines([line], sys.stdout, version=version)


def _check(args: argparse.Namespace, version: OvnVersion) -> int:
    from ko_tui.cli import language_check

    if args.match is None and args.action is None:
        raise UsageError(
            "--check needs --match or --action.", "For example: --match 'ip4 && tcp.dst == 80' --check."
        )
    kind: language_check.Kind = "match" if args.match is not None else "action"
    text = args.match if args.match is not None else args.action
    if text != "-":
        return language_check.check_one(kind, text, sys.stdout, sys.stderr, version, as_json=args.json)
    if kind == "match":
        good = language_check.check_match_lines(sys.stdin, sys.stdout, version)
    else:
        good = language_check.check_action_lines(sys.stdin, sys.stdout, version)
    return 0 if good else 2


def _one(args: argparse.Namespace, version: OvnVersion, lang: Language) -> int:
    from ko_tui.backend.explain.catalogue import catalogue
    from ko_tui.backend.explain.json_form import sentence_json
    from ko_tui.backend.explain.sentences_action import action_sentences
    from ko_tui.backend.explain.sentences_match import Context, match_sentence
    from ko_tui.cli.render_trace import print_sentences

    context = Context(catalogue(lang), version, args.stage)
    if args.match is not None:
        text = sys.stdin.read().strip() if args.match == "-" else args.match
        sentences = [match_sentence(text, context)]
    else:
        text = sys.stdin.read().strip() if args.action == "-" else args.action
        sentences = action_sentences(text, context)
    if args.json:
        _dump([sentence_json(sentence) for sentence in sentences])
    else:
        print_sentences(sentences, _console())
    return 0


def _text(text: str, args: argparse.Namespace, version: OvnVersion | None, lang: Language) -> int:
    kind = kind_of(text)
    if kind == "trace":
        return _trace(text, args, version, lang)
    if kind == "flows":
        return _flows(text, args, version, lang)
    if kind:
        return _openflow(kind, text, args, version or DEFAULT, lang)
    from ko_tui.backend.explain.catalogue import catalogue

    print(f"ko-tui: {catalogue(lang).say('ui.nothing')}", file=sys.stderr)
    return 1


def kind_of(text: str) -> str:
    """What ``text`` is: ``trace``, ``flows``, a kind of the switch's output, or empty for neither."""
    from ko_tui.backend.explain.flow_records import holds_records
    from ko_tui.cli.explain_openflow import kind_of as kind_of_switch

    if (
        "ingress(dp=" in text
        or "egress(dp=" in text
        or text.startswith(("# ", "error parsing flow", "unknown datapath"))
    ):
        return "trace"
    if ("), action=(" in text and "table=" in text) or holds_records(text):
        return "flows"
    return kind_of_switch(text)


def _trace(text: str, args: argparse.Namespace, version: OvnVersion | None, lang: Language) -> int:
    from ko_tui.backend.explain.json_form import to_json
    from ko_tui.backend.explain.trace import explain_trace
    from ko_tui.backend.ovn.trace import parse
    from ko_tui.cli.render_trace import print_trace

    explained = explain_trace(parse(text), version=version, lang=lang)
    if args.json:
        _dump(to_json(explained))
    else:
        print_trace(explained, console=_console(), everything=args.all)
    return 0


def _flows(text: str, args: argparse.Namespace, version: OvnVersion | None, lang: Language) -> int:
    from ko_tui.backend.explain.flow import explain_lines
    from ko_tui.backend.explain.flow_records import NotWhole
    from ko_tui.backend.explain.json_form import flow_json
    from ko_tui.cli.render_flow import print_flow

    try:
        flows = list(explain_lines(text, version=version, lang=lang))
    except NotWhole as error:
        raise UsageError(f"{error}.", "Give the whole output of ovn-sbctl --format=json.") from error
    if args.json:
        _dump([flow_json(flow) for flow in flows])
        return 0
    console = _console()
    for flow in flows:
        print_flow(flow, console, lang, everything=args.all)
    return 0


def _openflow(kind: str, text: str, args: argparse.Namespace, version: OvnVersion, lang: Language) -> int:
    from ko_tui.cli.explain_openflow import KINDS

    told = KINDS[kind](text, version, lang)
    if args.json:
        _dump(told.json())
    else:
        told.show(_console(), everything=args.all)
    return 0 if told else 1


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False)


def _dump(value: object) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
