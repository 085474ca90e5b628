"""Packets of pods, VMs and nodes, decoded as they come, and kept in a pcap file when one is named."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Grid
from textual.widget import Widget
from textual.widgets import Input

from ko_tui.backend.errors import KoError, UsageError
from ko_tui.commands import Command, bindings
from ko_tui.screens.asking import Question
from ko_tui.screens.matching import Matcher
from ko_tui.screens.place import PlaceScreen
from ko_tui.widgets.choice_list import ChoiceList
from ko_tui.widgets.field import Field, FieldInput
from ko_tui.widgets.folding import folded
from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.text_view import TextView
from ko_tui.widgets.tones import Line, plain

if TYPE_CHECKING:
    from ko_tui.backend.capture.capture import Interleaved, Seen
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel

TICK = 0.1  # seconds between looks at what has come: a flood must leave time for keys and for painting
KEPT = 100_000  # lines on the screen; the file has all
_LINE = re.compile(
    r"(?P<time>[\d:.]+ )(?P<place>\S+/\S+: )?(?P<protocol>(?:geneve .*?\| )?(?:vlan \d+ )?\S+ )"
    r"(?P<ends>\S* > \S* ?)(?P<rest>.*)"
)
_BAD = re.compile(r"\bRST\b|unreachable|time exceeded|too big|cut short")
NOTE = "# "  # begins a line that is no packet
FIELDS = (
    ("endpoint", "At", "a pod, VM or node; several with commas", ""),
    ("filter", "Filter", "all packets (tcp port 80 and host 10.16.0.5)", ""),
    ("count", "Count", "0: until the time is up", ""),
    ("seconds", "Seconds", "60", "60"),
    ("file", "pcap file", "none", ""),
)

WAITING = "Name where to look, then Enter. Payload is cut off: headers are what is wanted."


class CaptureScreen(PlaceScreen):
    """A form of one glance, and the packets below it."""

    mode = "capture"
    commands: ClassVar[tuple[Command, ...]] = (
        Command("capture.start", "a", "Start the capture", "start", action="start"),
        Command("capture.trace", "t", "Trace the packet under the cursor", "trace it", action="trace"),
        Command("capture.fields", "i", "Go to the fields", "fields", action="fields"),
        Command("capture.filter", "slash", "Find in what was captured", "/find", action="filter"),
    )
    BINDINGS = bindings(commands)

    def __init__(self) -> None:
        super().__init__()
        self.matcher = Matcher()
        self.seen = 0
        self._packets: dict[int, Seen] = {}  # by the number of their line
        self._order: Interleaved | None = None
        self._arrived: deque[Seen | str] = deque()  # filled by the capture's thread: packets and notes
        self._flight: Question | None = None  # stopped by the person, it still says what became of its file

    def body(self) -> Iterable[Widget]:
        with Grid(id="capture-fields"):
            for name, label, hint, value in FIELDS:
                yield Field(name, label, hint=hint, value=value)
        yield ChoiceList(id="choices")
        yield TextView(WAITING, coloured, id="packets")

    @property
    def view(self) -> TextView:
        return self.query_one("#packets", TextView)

    @property
    def choices(self) -> ChoiceList:
        return self.query_one(ChoiceList)

    def field(self, name: str) -> Field:
        return self.query_one(f"#field-{name}", Field)

    def on_mount(self) -> None:
        super().on_mount()
        self.choices.display = False
        self.field("endpoint").input.focus()
        self._look = self.set_interval(TICK, self._show_arrived, pause=True)

    def crumbs(self) -> Sequence[str]:
        return (self.field("endpoint").value,)

    def load(self, *, fresh: bool = False) -> None:
        def question(session: Session, cancel: Cancel) -> Matcher:
            return Matcher(session.inventory(refresh=fresh, cancel=cancel).endpoints)

        def arrived(matcher: Matcher) -> None:
            self.matcher = matcher
            self.ko.known["endpoint"] = [e.key for e in matcher.endpoints]
            if self._trouble is not None and not self.seen:
                self.view.show_text(WAITING)
            self.had(self.count_words)
            self._offer()

        self.ask("inventory", question, arrived, failed=self.show_trouble)

    def show_reason(self, said: Sequence[str]) -> None:
        if not self.seen:
            self.view.show_lines([[(part, "")] for one in said for part in (one, "")], fold=True)

    def hints(self) -> Sequence[tuple[str, str]]:
        if isinstance(self.focused, FieldInput):
            return (("enter", "take the match" if self.choices.marked else "start"), ("tab", "next field"))
        return (("enter", "the packet"),) if self._packets else ()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        if event.view is self.view:
            self.action_packet()

    def list_view(self) -> LineView | None:
        return self.view

    def arrive(self, words: str) -> None:
        """``ENDPOINT [FILTER]``; with a filter it starts at once."""
        endpoint, _, found = words.partition(" ")
        self.field("endpoint").value = endpoint
        self.field("filter").value = found
        (self.field("filter").input if not found else self.field("count").input).focus()
        if found:
            self.action_start()

    # -- the form -------------------------------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._offer()

    def on_descendant_focus(self) -> None:
        self._offer()

    def _offer(self) -> None:
        focused = self.focused
        field = focused.query_ancestor(Field) if isinstance(focused, FieldInput) else None
        items = []
        if field is not None and field.field_name == "endpoint":
            last = field.value.rpartition(",")[2].strip()
            if self.matcher.find(last) is None:
                items = self.matcher.items(last, sources=True)
        self.choices.display = bool(items)
        self.choices.offer(
            f"{len(items)} that fit", items, marked=bool(items) and bool(field and field.value)
        )

    def on_field_input_stepped(self, event: FieldInput.Stepped) -> None:
        event.stop()
        if event.key != "tab" and self.choices.marked:
            self.choices.move_to(self.choices.cursor + event.step, step=event.step)
            return
        inputs = [f.input for f in self.query(Field)]
        at = inputs.index(event.field.input) + event.step
        (self.view if at >= len(inputs) else inputs[at]).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        item = self.choices.current
        if self.choices.marked and item is not None:
            field = self.field("endpoint")
            before = field.value.rpartition(",")[0]
            field.value = f"{before},{item.value}" if before else item.value
            self._offer()
        else:
            self.action_start()

    async def action_back(self) -> None:
        if isinstance(self.focused, FieldInput):
            self.choices.display = False
            self.view.focus()
        else:
            await super().action_back()

    def action_fields(self) -> None:
        self.field("endpoint").input.focus()

    # -- capturing ------------------------------------------------------------------------------------------------

    def action_start(self) -> None:
        values = {f.field_name: f.value for f in self.query(Field)}
        names = [n.strip() for n in values["endpoint"].split(",") if n.strip()]
        if not names:
            self.tell("Name a pod, VM or node first.", "warn")
            self.action_fields()
            return
        try:
            count, seconds = int(values["count"] or 0), int(values["seconds"] or 60)
        except ValueError:
            self.show_failure(UsageError("Count and seconds must be numbers."))
            return
        self.seen = 0
        self._packets.clear()
        self._order = None
        # Its own: an earlier capture that is being stopped may still speak.
        arrived = self._arrived = deque()
        self.view.show_text("")
        self.view.focus()
        many = len(names) > 1

        def question(session: Session, cancel: Cancel) -> list[str]:
            from ko_tui.backend.capture.capture import CaptureRequest, Interleaved, capture, check_filter
            from ko_tui.backend.tracing.lookup import find_endpoint

            namespace = session.info.namespace or "default"
            endpoints = tuple(find_endpoint(session, name, namespace) for name in names)
            request = CaptureRequest(
                endpoints, check_filter(values["filter"].split()), count, seconds, file=values["file"]
            )

            if many:
                self._order = Interleaved()

            return capture(session, request, cancel=cancel, on_seen=arrived.append, on_note=arrived.append)

        self.ask("capture", question, self._ended, label="capturing", failed=self._failed)
        self._flight = self.questions["capture"]
        self._look.resume()

    def _show_arrived(self, over: bool = False) -> None:
        """What has come since the last look, packets of several captures in the order of their time; all there is
        when it is ``over``."""
        over = over or self._flight is None or self._flight.done.is_set()
        due: list[Seen] = []
        for _ in range(len(self._arrived)):
            heard = self._arrived.popleft()
            if isinstance(heard, str):
                self._show(due)
                due = []
                self._note(heard)
            else:
                due += [heard] if self._order is None else self._order.put(heard)
        if self._order is not None:
            due += self._order.rest() if over else self._order.due()
        self._show(due)
        if over:
            self._look.pause()

    def _show(self, packets: Sequence[Seen]) -> None:
        if not packets:
            return
        lines: list[str] = []
        full = False
        for seen in packets:
            self.seen += 1
            at = len(self.view.texts) + len(lines)
            if at < KEPT:
                self._packets[at] = seen
                lines.append(_line(seen, self._order is not None))
                full = at == KEPT - 1
        self.view.add_texts(lines)
        if full:
            file = self.field("file").value
            rest = (
                f"what follows is in {file}" if file else "what follows is counted; a pcap file would keep it"
            )
            self._note(f"{KEPT:,} lines are kept here: {rest}.")
        self.count_words = f"{self.seen:,} packets"
        self.show_place()

    def _ended(self, problems: list[str]) -> None:
        self._show_arrived(over=True)
        self.had(f"{self.seen:,} packets", time.time())
        for problem in problems:
            self._note(problem)
        file = self.field("file").value
        kept = "what came before" if problems else "it"
        words = f"The capture is over{f'; {kept} is in {file}' if file else ''}."
        self.tell(words, "warn" if problems else "good")

    def _failed(self, error: KoError) -> None:
        """Said below what was seen; a window too when there is nothing to read but it."""
        self._show_arrived(over=True)
        self.had(f"{self.seen:,} packets")
        for said in (f"{error.title}: {error.what}", error.next_step):
            if said:
                self._note(said)
        front = self.app.screen
        if self.seen or front is not self:
            (front if isinstance(front, PlaceScreen) else self).tell(f"Capture: {error.title}.", "bad")
        else:
            self.show_failure(error)

    def _note(self, words: str) -> None:
        """What is no packet, between the packets, in as many lines as it takes."""
        width = self.view.outer_size.width - self.view.styles.scrollbar_size_vertical - len(NOTE)
        self.view.add_texts([NOTE + plain(row) for row in folded([[(words, "")]], width)])

    # -- one packet -----------------------------------------------------------------------------------------------

    def action_packet(self) -> None:
        seen = self._packets.get(self.view.cursor)
        if seen is None:
            self.tell("There is no packet on this line; a starts a capture.", "warn")
            return
        from ko_tui.backend.capture.details import details
        from ko_tui.screens.texts import TextScreen

        self.app.push_screen(TextScreen("capture", "packet", details(seen)))

    async def action_trace(self) -> None:
        """What the cluster would do with such a packet, from the endpoint that has its source address."""
        seen = self._packets.get(self.view.cursor)
        if seen is None:
            self.tell("There is no packet on this line; a starts a capture.", "warn")
            return
        from ko_tui.backend.capture.details import address_and_port, traced_as

        address = address_and_port(seen.decoded.source)[0]
        sender = next((e for e in self.matcher.endpoints if address in e.ips and not e.traceable), None)
        if sender is None:
            self.tell(f"No pod, VM or node has {address}, where the packet comes from.", "warn")
        elif not (line := traced_as(seen, sender.key)):
            self.tell(f"A packet of {seen.decoded.protocol} cannot be traced.", "warn")
        else:
            await self.visit("trace", line)

    def save_text(self) -> str:
        return self.view.whole()


def _line(seen: Seen, many: bool) -> str:
    from ko_tui.backend.capture.pcap import clock

    place = f"{seen.endpoint.key}: " if many else ""
    return f"{clock(seen.packet.time)} {place}{seen.decoded.line()}"


def coloured(line: str) -> Line:
    """A packet's line in tones: when, where, what; what refuses a connection stands out."""
    if line.startswith(NOTE):
        return [(line, "dim")]
    found = _LINE.match(line)
    if found is None:
        return [(line, "")]
    bad = _BAD.search(found["rest"]) is not None
    return [
        (found["time"], "dim"),
        (found["place"] or "", "name"),
        (found["protocol"], "accent"),
        (found["ends"], "code"),
        (found["rest"], "warn" if bad else ""),
    ]
