"""An explained trace as a file: text, Markdown, JSON, or one HTML page with the picture."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ko_tui.visible import visible
from ko_tui.widgets.stage_detail import stage_lines
from ko_tui.widgets.stage_list import group_words
from ko_tui.widgets.step_detail import datapath_lines
from ko_tui.widgets.tones import Line, plain
from ko_tui.widgets.topology import picture

if TYPE_CHECKING:
    from ko_tui.backend.explain.model import ExplainedTrace
    from ko_tui.backend.source.interface import SourceInfo
    from ko_tui.backend.tracing.model import TraceResult

FORMS = {".txt": "text", ".md": "markdown", ".json": "json", ".html": "html"}
_STYLE = """body{background:#14171d;color:#d6dae2;font:14px/1.45 system-ui,sans-serif;margin:2em auto;
max-width:72em;padding:0 1em}
pre{font:13px/1.25 ui-monospace,monospace;white-space:pre-wrap;margin:.2em 0}pre.way{white-space:pre;overflow-x:auto}
h2{font-size:1.05em;border-bottom:1px solid #3a4352;margin-top:1.6em}details{margin:.15em 0}summary{cursor:pointer}
.dim{color:#8b93a1}.name{color:#8fbcbb}.good{color:#8fbf7f}.bad{color:#ec7a7a;font-weight:bold}.warn,.change{color:#e0b46c}
.accent{color:#b3a1e0}.head{color:#7aa2d6;font-weight:bold}.strong{font-weight:bold}.code{color:#b9c4d6}"""


def export(result: TraceResult, form: str, info: SourceInfo | None, taken_at: float) -> str:
    """The file's text; ``form`` is text, markdown, json or html. It says where and when it was traced.

    ``taken_at`` is time.time() seconds.
    """
    if form == "json":
        from ko_tui.backend.explain.json_form import to_json
        from ko_tui.backend.tracing.evidence import command_facts, origin_facts

        facts = to_json(result.explained, commands=command_facts(result))
        facts["traced"] = origin_facts(result, info, taken_at)
        if result.datapath is not None:
            from ko_tui.backend.tracing.datapath_json import datapath_json

            facts["openflow"] = datapath_json(result.datapath)
        return json.dumps(facts, ensure_ascii=False, indent=2) + "\n"
    origin = origin_words(result, info.label if info is not None else "", taken_at)
    return {"markdown": as_markdown, "html": as_html}.get(form, as_text)(result, origin)


def origin_words(result: TraceResult, cluster: str, taken_at: float) -> str:
    """Whoever reads it later wants to know; ``taken_at`` is time.time() seconds."""
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(taken_at))
    release = result.explained.version
    parts = (
        f"Traced {when}",
        f"cluster {cluster}",
        f"by {result.engine}",
        f"OVN {release}" if release else "",
    )
    return visible(", ".join(part for part in parts if part))


def head_lines(result: TraceResult) -> list[str]:
    """The packet, the verdict, and what is to be known about it, as plain lines."""
    explained = result.explained
    verdict, headline = str(explained.verdict), explained.headline
    said = headline if headline.lower().startswith(verdict) else f"{verdict.upper()}: {headline}"
    notes = (f"! {note}" for note in (*explained.notes, *result.differences))
    steps = (f"> {step}" for step in explained.next_steps)
    return [visible(line) for line in (result.plan.request.line(), said, *notes, *steps)]


def sections(trace: ExplainedTrace) -> list[tuple[str, int]]:
    """(title of a new group or "", number of the stage) for every stage in order."""
    found = []
    group: tuple[object, ...] = ()
    for number, stage in enumerate(trace.stages):
        key = (stage.datapath, stage.pipeline, stage.depth)
        found.append((group_words(stage) if key != group else "", number))
        group = key
    return found


def as_text(result: TraceResult, origin: str = "") -> str:
    trace = result.explained
    lines = [*head_lines(result), *([origin] if origin else []), "", *_plain(picture(trace.hops, 120)), ""]
    for title, number in sections(trace):
        if title:
            lines += ["", f"=== {title}"]
        lines += ["", *(_plain(stage_lines(trace, number)))]
    if result.datapath is not None:
        lines += ["", "=== OpenFlow", "", *_plain(datapath_lines(result.datapath))]
    return "\n".join([*lines, "", *_commands(result)]) + "\n"


def as_markdown(result: TraceResult, origin: str = "") -> str:
    trace = result.explained
    head = head_lines(result)
    lines = [f"# {_md(head[0])}", "", f"**{_md(head[1])}**", "", *(f"- {_md(n)}" for n in head[2:])]
    lines += ["", _md(origin)] if origin else []
    lines += ["", "```", *_plain(picture(trace.hops, 120)), "```"]
    for title, number in sections(trace):
        if title:
            lines += ["", f"## {_md(title)}"]
        stage = trace.stages[number]
        lines += [
            "",
            f"### {stage.stage.table} {_md(visible(stage.stage.name))}: {_md(visible(stage.title))}",
            "",
        ]
        lines += ["```", *_fenced(_plain(stage_lines(trace, number)[1:])), "```"]
    if result.datapath is not None:
        lines += ["", "## OpenFlow", "", "```", *_fenced(_plain(datapath_lines(result.datapath))), "```"]
    return "\n".join([*lines, "", "## Commands", "", "```", *_fenced(_commands(result)), "```"]) + "\n"


def as_html(result: TraceResult, origin: str = "") -> str:
    trace = result.explained
    head = head_lines(result)
    tone = "bad" if trace.verdict == "dropped" else "good"
    parts = [
        "<!doctype html><html><head><meta charset='utf-8'>",
        f"<title>{html.escape(head[0])}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(head[0])}</h1><p class='{tone}'>{html.escape(head[1])}</p>",
        *(f"<p class='warn'>{html.escape(note)}</p>" for note in head[2:]),
        *([f"<p class='dim'>{html.escape(origin)}</p>"] if origin else []),
        f"<pre class='way'>{_html(picture(trace.hops, 140))}</pre>",
    ]
    for title, number in sections(trace):
        if title:
            parts.append(f"<h2>{html.escape(title)}</h2>")
        stage = trace.stages[number]
        lines = stage_lines(trace, number)
        name = html.escape(visible(stage.stage.name))
        quiet = "" if stage.quiet else " open"
        parts.append(
            f"<details{quiet}><summary><span class='dim'>{stage.stage.table}</span> <span class='name'>{name}</span> "
            f"{html.escape(visible(stage.title))}</summary><pre>{_html(lines[1:])}</pre></details>"
        )
    if result.datapath is not None:
        parts.append(f"<h2>OpenFlow</h2><pre>{_html(datapath_lines(result.datapath))}</pre>")
    parts.append("<h2>Commands</h2><pre>" + html.escape("\n".join(_commands(result))) + "</pre>")
    parts.append("<h2>Raw</h2><details><summary>what ovn-trace printed</summary><pre>")
    parts.append(html.escape(visible(trace.trace.text)) + "</pre></details></body></html>\n")
    return "\n".join(parts)


def _plain(lines: Sequence[Line]) -> list[str]:
    return [plain(line).rstrip() for line in lines]


def _commands(result: TraceResult) -> list[str]:
    more = result.datapath.commands if result.datapath is not None else ()
    return [visible(run.kubectl()) for run in (*result.commands, *more)] or [
        visible(" ".join(result.plan.ovn_trace))
    ]


def _md(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|" else c for c in text)


def _fenced(lines: Sequence[str]) -> list[str]:
    return [line.replace("```", "'''") for line in lines]


def _html(lines: Sequence[Line]) -> str:
    rows = []
    for line in lines:
        cells = [
            f"<span class='{tone}'>{html.escape(text)}</span>" if tone else html.escape(text)
            for text, tone in line
        ]
        rows.append("".join(cells))
    return "\n".join(rows)
