"""What can follow ``:``: names of commands, then what their arguments may be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ko_tui.commands import Command, by_colon
from ko_tui.screens.directory import commands_here
from ko_tui.screens.known_names import learn
from ko_tui.screens.trace_form import BY_NAME
from ko_tui.widgets.prompt import Completer

MOST = 200
PROTOCOLS = ("tcp", "udp", "icmp", "sctp", "arp request", "nd")


def completer(screen: Any) -> Completer:
    """A completer for the command line opened on ``screen``."""
    commands: list[Command] = []
    for _, command in commands_here(screen):
        if command.colon and command.id not in {c.id for c in commands}:
            commands.append(command)

    def complete(text: str) -> Sequence[tuple[str, str]]:
        name, space, words = text.lstrip().partition(" ")
        if not space:
            return [
                (
                    f"{c.colon[0]} " if c.usage else c.colon[0],
                    f"{c.summary.rpartition(': ')[2]}  {c.usage}".strip(),
                )
                for c in sorted(commands, key=lambda c: c.colon[0])
                if any(word.startswith(name) for word in c.colon)
            ]
        command = by_colon(name, commands)
        if command is None:
            return ()
        learn(screen, command.complete)
        return [(f"{name} {rest}", what) for rest, what in arguments(screen, command, words)] or (
            [(text, command.usage)] if command.usage and not words else []
        )

    return complete


def arguments(screen: Any, command: Command, words: str) -> list[tuple[str, str]]:
    """What the words could become, with what each is."""
    known: dict[str, list[str]] = screen.ko.known
    before, _, last = words.rpartition(" ")
    lead = f"{before} " if before else ""
    if command.complete == "trace":
        parts = before.split()
        if len(parts) < 2:
            return [(lead + n, ("from", "to")[len(parts)]) for n in fitting(known.get("endpoint", []), last)]
        from ko_tui.backend.tracing.oneline import SETTINGS

        name, sign, value = last.partition("=")
        if sign:
            chosen = BY_NAME.get(name.replace("-", "_"))
            choices = chosen.choices if chosen is not None else ()
            return [(f"{lead}{name}={c}", "setting") for c in choices if c.startswith(value) and c != "auto"]
        named = [(f"{lead}{s}=", "setting") for s in SETTINGS if s.startswith(last)]
        if any(p in PROTOCOLS for p in parts[2:]):
            return named
        return [(lead + p, "protocol") for p in PROTOCOLS if p.startswith(last)] + named
    if command.complete == "theme":
        return [(n, "theme") for n in fitting(["ansi", *sorted(screen.app.available_themes)], words)]
    if command.complete == "datapath" and len(before.split()) == 1 and not last.startswith("/"):
        return [(lead + n, "stage") for n in fitting(known.get(f"stage {before}") or stage_names(), last)]
    if command.complete and not before:
        return [(n, command.complete) for n in fitting(known.get(command.complete, []), last)]
    return []


def stage_names() -> list[str]:
    """The stages of every release, for a datapath that was not opened yet."""
    from ko_tui.backend.explain.catalogue import section_of

    return list(section_of("en", "stages"))


def fitting(names: Sequence[str], typed: str) -> list[str]:
    """Names that begin with what was typed, then those that hold it."""
    typed = typed.lower()
    first = [n for n in names if n.lower().startswith(typed)][:MOST]
    if len(first) < MOST and typed:
        chosen = set(first)
        first += [n for n in names if typed in n.lower() and n not in chosen][: MOST - len(first)]
    return first
