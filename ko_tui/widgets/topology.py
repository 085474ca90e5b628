"""The way of a packet as a picture: boxes for ports, switches and routers, and what changed on the way below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from ko_tui.visible import one_line
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.line_table import cut
from ko_tui.widgets.tones import Line, Piece, Tone

if TYPE_CHECKING:
    from ko_tui.backend.explain.model import Hop

_ENDS: dict[str, Tone] = {"drop": "bad", "reply": "good", "controller": "warn"}
_WORDS = {"drop": "DROPPED", "reply": "answered", "controller": "to controller"}
LEAST = 8  # characters of a name that must stay readable in a box


def _sign(kind: str) -> str:
    g = glyphs()
    return {"drop": g.bad, "reply": g.ok, "controller": g.unknown}.get(kind, "")


def short(name: str, width: int) -> str:
    """A name cut in the middle: both ends of a pod's name say something."""
    return cut(one_line(name), width, middle=True)


def picture(hops: Sequence[Hop], width: int, *, boxes: bool = True) -> list[Line]:
    """The whole way within ``width`` cells: boxes side by side where they fit, else a chain of names in lines."""
    if not hops:
        return []
    lines = _boxes(hops, width) if boxes else []
    return [*(lines or _chain(hops, width)), *_notes(hops, width)]


def _tone(hop: Hop) -> Tone:
    if hop.kind in _ENDS:
        return _ENDS[hop.kind]
    return {"router": "accent", "switch": "name"}.get(hop.kind, "strong")  # type: ignore[return-value]


def _label(hop: Hop) -> str:
    sign = _sign(hop.kind)
    name = one_line(hop.name or _WORDS.get(hop.kind, hop.kind))
    return f"{sign} {name}" if sign else name


def _boxes(hops: Sequence[Hop], width: int) -> list[Line]:
    g = glyphs()
    join = 3
    room = width - 2 - join * (len(hops) - 1) - 4 * len(hops)
    needs = [cell_len(_label(h)) for h in hops]
    wanted = list(needs)
    while sum(wanted) > room:
        widest = max(range(len(wanted)), key=wanted.__getitem__)
        if wanted[widest] <= LEAST:
            return []
        wanted[widest] -= 1
    top: list[Piece] = [(" ", "")]
    middle: list[Piece] = [(" ", "")]
    bottom: list[Piece] = [(" ", "")]
    for number, (hop, size) in enumerate(zip(hops, wanted, strict=True)):
        tone = _tone(hop)
        frame: Tone = tone if hop.kind in _ENDS else "dim"
        kind = short(_WORDS.get(hop.kind, hop.kind), size)
        last = number == len(hops) - 1
        edge = g.down if last else g.tee
        name = set_cell_size(short(_label(hop), size), size)
        bar = g.line * (size - cell_len(kind))
        top += [(f"{g.box_tl}{g.line}", frame), (kind, frame), (f"{bar}{g.line}{g.box_tr}", frame)]
        middle += [(f"{g.down} ", frame), (name, tone), (f" {edge}", frame)]
        bottom += [(f"{g.box_bl}{g.line * (size + 2)}{g.box_br}", frame)]
        if not last:
            top.append((" " * join, ""))
            middle.append((f"{g.line}{g.line}{g.head}", "dim"))
            bottom.append((" " * join, ""))
    return [top, middle, bottom]


def _chain(hops: Sequence[Hop], width: int) -> list[Line]:
    """Names in a row, cut so that all fit; in several rows when they would say nothing any more."""
    g = glyphs()
    arrow = f" {g.line}{g.head} "
    labels = [_label(h) for h in hops]
    frames = [{"switch": "[]", "router": "()"}.get(h.kind, "") for h in hops]
    room = width - 2 - len(arrow) * (len(hops) - 1) - sum(map(len, frames))
    sizes = [cell_len(text) for text in labels]
    while sum(sizes) > room and max(sizes) > LEAST + 2:
        sizes[max(range(len(sizes)), key=sizes.__getitem__)] -= 1
    lines: list[list[Piece]] = [[(" ", "")]]
    used = 1
    for number, (hop, text, size, frame) in enumerate(zip(hops, labels, sizes, frames, strict=True)):
        shown = short(text, size)
        shown = f"{frame[0]}{shown}{frame[1]}" if frame else shown
        need = cell_len(shown) + (len(arrow) if number else 0)
        if used + need > width and number:
            lines.append([("  ", "")])
            used = 2
        if number:
            lines[-1].append((arrow, "dim"))
        lines[-1].append((shown, _tone(hop)))
        used += need
    return list(lines)


def _notes(hops: Sequence[Hop], width: int) -> list[Line]:
    g = glyphs()
    lines: list[Line] = []
    for hop in hops:
        if hop.note and not (hop.kind == "router" and hop.note.startswith("next hop")):
            tone: Tone = _ENDS.get(hop.kind, "warn")
            sign = _sign(hop.kind) or g.changed
            place = f"{one_line(hop.name)}: " if hop.name and hop.kind not in _ENDS else ""
            lines.append(
                [(f" {sign} ", tone), (place, "dim"), (one_line(hop.note).replace("->", g.arrow), tone)]
            )
    return lines
