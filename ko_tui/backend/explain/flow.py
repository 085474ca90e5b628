"""One logical flow explained, and the lines of ``ovn-sbctl lflow-list`` taken apart for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ko_tui.backend.explain.catalogue import catalogue
from ko_tui.backend.explain.flow_records import flow_records, holds_records
from ko_tui.backend.explain.formatters import show
from ko_tui.backend.explain.headline import purpose_of
from ko_tui.backend.explain.language import Language
from ko_tui.backend.explain.model import ExplainedFlow, RegisterValue
from ko_tui.backend.explain.names import Names
from ko_tui.backend.explain.objects import match_objects
from ko_tui.backend.explain.pipelines import infer_version
from ko_tui.backend.explain.sentences_action import action_sentences
from ko_tui.backend.explain.sentences_match import Context, match_sentence
from ko_tui.backend.ovn.actions import Assign, Result, walk
from ko_tui.backend.ovn.actions import parse as parse_actions
from ko_tui.backend.ovn.expression import ExpressionError, fields
from ko_tui.backend.ovn.expression import parse as parse_match
from ko_tui.backend.ovn.trace_model import Stage
from ko_tui.backend.ovn.versions import DEFAULT, OvnVersion

_LINE = re.compile(
    r"^\s*(?:uuid=(?:0x)?(?P<uuid>[0-9a-f-]+),\s*)?table=(?P<table>\d+)\s*\(\s*(?P<stage>\S*?)\s*\),\s*"
    r"priority=(?P<priority>\d+)\s*,\s*match=\((?P<match>.*)\),\s*action=\((?P<actions>.*)\)\s*$"
)
_HEADER = re.compile(
    r'^Datapath: (?:"(?P<name>.*)" )?\(?(?P<uuid>[0-9a-f-]+)\)?\s+Pipeline: (?P<pipeline>\w+)'
)


@dataclass(frozen=True, slots=True)
class FlowLine:
    """A line of lflow-list in its parts, with the datapath and pipeline of the header above it."""

    table: int
    stage: str
    priority: int
    match: str
    actions: str
    datapath: str = ""
    pipeline: str = ""
    uuid: str = ""


def flow_lines(text: str) -> Iterator[FlowLine]:
    """The flows among the lines of ``text``, or the rows of a list; other lines are passed over. Raises NotWhole."""
    if holds_records(text):
        for row in flow_records(text):
            yield FlowLine(
                row.table,
                row.stage,
                row.priority,
                row.match,
                row.actions,
                row.datapath,
                row.pipeline,
                row.uuid,
            )
        return
    datapath = pipeline = ""
    for line in text.splitlines():
        if found := _HEADER.match(line):
            datapath, pipeline = found["name"] or found["uuid"], found["pipeline"]
        elif found := _LINE.match(line):
            yield FlowLine(
                int(found["table"]),
                found["stage"],
                int(found["priority"]),
                found["match"],
                found["actions"],
                datapath,
                pipeline,
                found["uuid"] or "",
            )


def explain_flow(
    stage: str,
    match: str,
    actions: str,
    *,
    priority: int | None = None,
    version: OvnVersion = DEFAULT,
    lang: Language = "en",
    names: Names | None = None,
) -> ExplainedFlow:
    """A logical flow in words: its table, match, actions and the registers that it reads or writes."""
    words = catalogue(lang)
    context = Context(words, version, stage, names or Names())
    text = words.stage(stage)
    try:
        tree = parse_match(match, version=version)
    except ExpressionError:
        tree = None
    return ExplainedFlow(
        stage=stage,
        title=text.title if text else words.say("stage.unknown"),
        purpose=words.purpose(text) if text else words.say("stage.unknown_purpose"),
        known=text is not None,
        priority=priority,
        use=purpose_of(Stage(0, stage, "", match=match, priority=priority), words),
        match=match_sentence(match, context),
        actions=action_sentences(actions, context),
        registers=_registers(match, actions, context),
        objects=match_objects(tree, context.names) if tree is not None else [],
    )


def explain_lines(
    text: str, *, version: OvnVersion | None = None, lang: Language = "en", names: Names | None = None
) -> Iterator[ExplainedFlow]:
    """Every flow of lflow-list text explained; the release is taken from its tables when it is not given."""
    lines = list(flow_lines(text))
    if version is None:
        version = infer_version((line.stage, line.table) for line in lines) or DEFAULT
    for line in lines:
        flow = explain_flow(
            line.stage,
            line.match,
            line.actions,
            priority=line.priority,
            version=version,
            lang=lang,
            names=names,
        )
        flow.datapath, flow.pipeline = line.datapath, line.pipeline
        flow.table, flow.uuid = line.table, line.uuid
        yield flow


def _registers(match: str, actions: str, context: Context) -> list[RegisterValue]:
    names: dict[str, str] = {}
    try:
        for ref in fields(parse_match(match, version=context.version)):
            names.setdefault(str(ref), "")
    except ExpressionError:
        pass
    for action in walk(parse_actions(actions, version=context.version, strict=False)):
        if isinstance(action, Assign):
            names[str(action.field)] = str(action.value)
        elif isinstance(action, Result):
            names.setdefault(str(action.field), "")
    made = []
    for name, value in names.items():
        register = context.register(name)
        text = context.words.register(register.key) if register else None
        if register is not None and text is not None:
            shown = show(register.kind, value, context.words) if value else ""
            made.append(RegisterValue(name, text.title, text.meaning, value, shown))
    return made
