"""Logical and OpenFlow flows in words on the terminal, with their own text highlighted below."""

from __future__ import annotations

from pygments import lex
from pygments.lexer import Lexer
from pygments.styles import get_style_by_name
from rich.console import Console
from rich.style import Style
from rich.text import Text

from ko_tui.backend.explain.catalogue import catalogue
from ko_tui.backend.explain.language import Language
from ko_tui.backend.explain.model import ExplainedFlow
from ko_tui.backend.explain.openflow import ExplainedOpenFlow
from ko_tui.cli.render_trace import indented, plain_text, print_sentence
from ko_tui.cli.visible import visible
from ko_tui.lexers import OpenFlowLexer

_STYLE = get_style_by_name("friendly")


def print_flow(flow: ExplainedFlow, out: Console, lang: Language, everything: bool = False) -> None:
    """One logical flow: where it stands, what it tests and does, what its registers mean."""
    words = catalogue(lang)
    where = " ".join(part for part in (flow.datapath, flow.pipeline) if part)
    head = plain_text(f"{flow.table if flow.table is not None else '':>2} {flow.stage}", "bold")
    head.append(visible(f"  {flow.title}"))
    if where:
        head.append(visible(f"  [{where}]"), "cyan")
    if flow.priority is not None:
        head.append(f"  {words.say('openflow.priority', priority=flow.priority)}", "dim")
    indented(out, head, 0)
    if everything:
        indented(out, plain_text(flow.purpose, "dim"), 3)
    print_sentence(words.say("ui.if"), flow.match, out, 3, "cyan")
    for sentence in flow.actions:
        print_sentence(words.say("ui.then"), sentence, out, 3, "")
    if flow.use:
        indented(out, plain_text(f"{words.say('ui.use')} {flow.use}", "green"), 3)
    for register in flow.registers:
        indented(out, plain_text(f"{register.name}: {register.title}. {register.meaning}", "dim"), 5)


def print_openflow(flow: ExplainedOpenFlow, out: Console, lang: Language) -> None:
    """One OpenFlow flow: what its table is for, and its own text."""
    words = catalogue(lang)
    head = plain_text(words.say("openflow.table", table=flow.table.number), "bold")
    head.append(visible(f"  {flow.table.title}"), "" if flow.table.known else "yellow")
    if flow.cookie:
        head.append(f"  {words.say('openflow.cookie', cookie=flow.cookie)}", "dim")
    indented(out, head, 0)
    out.print(highlighted(flow.source, OpenFlowLexer()), soft_wrap=True)


def highlighted(text: str, lexer: Lexer) -> Text:
    """``text`` coloured by a Pygments lexer, as plain Rich text."""
    made = Text("   ")
    for kind, value in lex(visible(text), lexer):
        colour = _STYLE.style_for_token(kind)
        style = Style(color=f"#{colour['color']}" if colour["color"] else None, bold=colour["bold"] or None)
        made.append(value, style)
    made.rstrip()
    return made
