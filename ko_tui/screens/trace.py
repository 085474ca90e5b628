"""A finished trace: verdict and picture on top, its stages, and the one under the cursor explained."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Static

from ko_tui.commands import Command, bindings
from ko_tui.screens.guide import guide
from ko_tui.screens.place import PlaceScreen
from ko_tui.visible import visible
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.line_view import LineView
from ko_tui.widgets.side_pane import SidePane
from ko_tui.widgets.stage_detail import stage_lines
from ko_tui.widgets.stage_list import StageList
from ko_tui.widgets.step_detail import summary_lines
from ko_tui.widgets.tones import Line, Tone, content, plain
from ko_tui.widgets.topology import picture

if TYPE_CHECKING:
    from ko_tui.backend.explain.model import ObjectRef
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel
    from ko_tui.backend.tracing.datapath_model import DatapathTrace
    from ko_tui.backend.tracing.live_counts import LiveCounts
    from ko_tui.backend.tracing.model import TraceRequest, TraceResult

TALL = 30  # rows from which the picture has boxes
_TONES: dict[str, Tone] = {"delivered": "good", "replied": "good", "dropped": "bad"}


class TraceScreen(PlaceScreen):
    """One result. ``kind`` says what it is in the crumbs: the trace, or its reply."""

    mode = "trace"
    enter = "whole explanation"
    commands: ClassVar[tuple[Command, ...]] = (
        Command("trace.reply", "b", "Trace the reply of what was delivered", "reply"),
        Command("trace.why-not", "w", "Why other flows of this stage did not match", "why not"),
        Command("trace.edit", "E", "Change the packet and trace again", "edit"),
        Command("trace.again", "a", "Run the same trace again", action="again"),
        Command(
            "trace.openflow", "O", "The same packet through the nodes' OpenFlow", "OpenFlow", colon=("ofproto",)
        ),
        Command("trace.counts", "c", "Packets counted at each stage; again: what came since", "counts"),
        Command("trace.no-counts", "C", "Take the counts away"),
        Command("trace.jump", "o", "Go to the object behind this flow", "object"),
        Command("trace.yaml", "Y", "The object behind this flow, as YAML", "YAML", action="object_yaml"),
        Command("trace.logical", "L", "This flow in Pipeline", "in Pipeline"),
        Command("trace.zoom", "z", "One pane over the whole screen, and back", "zoom"),
        Command("trace.pane", "tab", "Go to the explanation and back", action="other_pane"),
        Command("trace.picture", "p", "The picture, on and off", action="toggle_picture"),
        Command("trace.filter", "slash", "Find in the stages; n next, N previous", "/find", action="filter"),
        Command("trace.name", "", "Give this trace a name", action="name", colon=("name",), usage="NAME"),
        Command(
            "trace.export", "", "Write it to FILE: .txt, .md, .json or .html", action="save", colon=("export",),
            usage="FILE.html", complete="file",
        ),
    )  # fmt: skip
    BINDINGS = bindings(commands)

    def __init__(self, result: TraceResult | None = None, kind: str = "") -> None:
        super().__init__()
        self._result = result
        self.kind = kind
        self.with_picture = True
        self.counted: LiveCounts | None = None

    @property
    def result(self) -> TraceResult:
        assert self._result is not None
        return self._result

    def body(self) -> Iterable[Widget]:
        yield Static(id="verdict", markup=False)
        with Container(classes="panes"):
            yield StageList(id="stages", open_quiet=self.ko.settings.show_quiet_stages)
            with SidePane(id="explanation"):
                yield Static(id="explanation-words", markup=False)

    @property
    def stages(self) -> StageList:
        return self.query_one(StageList)

    def crumbs(self) -> Sequence[str]:
        return (self.result.plan.request.line(), self.kind)

    def on_mount(self) -> None:
        super().on_mount()
        self.stages.show(self.result.explained)
        self.stages.focus()
        self._head()
        self._explain()
        guide(self, "result")
        if self.ko.settings.openflow_seconds:
            from ko_tui.screens.datapath import look_again

            look_again(self)

    def load(self, *, fresh: bool = False) -> None:
        if fresh:
            self.action_again()
            return
        count = len(self.result.explained.stages)
        self.had(f"{count} stages", time.time() if not self.taken_at else self.taken_at)
        self._find_objects()

    def _find_objects(self) -> None:
        """Whose flows they are is asked after the trace is on the screen; without an answer nothing is missing."""
        result = self.result

        def arrived(objects: dict[str, ObjectRef]) -> None:
            for stage in result.explained.stages:
                if not stage.objects and (thing := objects.get(stage.stage.uuid)) is not None:
                    stage.objects = [thing]
            self._explain(stay=True)

        self.ask(
            "objects", lambda session, _cancel: session.objects(result), arrived, failed=lambda _error: None
        )

    def facts(self) -> list[tuple[str, Tone]]:
        only = {"changes": "only changes", "drops": "only ends"}.get(self.stages.show_only, "")
        return [*super().facts(), *([(only, "warn")] if only else [])]  # type: ignore[list-item]

    # -- drawing ----------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        if self.is_mounted:
            self._head()

    def _head(self) -> None:
        explained = self.result.explained
        g = glyphs()
        verdict = str(explained.verdict)
        tone: Tone = _TONES.get(verdict, "warn")
        sign = {"good": g.ok, "bad": g.bad}.get(tone, g.unknown)
        headline = visible(explained.headline)
        words = "" if headline.lower().startswith(verdict) else f"{verdict.upper()}  "
        lines: list[Line] = [[(f" {sign} {words}", tone), (headline, tone if not words else "strong")]]
        width = self.app.size.width
        if self.with_picture:
            # The headline has said why it was dropped.
            hops = [replace(hop, note="") if hop.kind == "drop" else hop for hop in explained.hops]
            lines += picture(hops, width, boxes=self.app.size.height >= TALL)
        lines += [[(f" {g.warn} {visible(note)}", "warn")] for note in explained.notes[:3]]
        if len(explained.notes) > 3:
            lines.append([(f"   and {len(explained.notes) - 3} more notes: e", "dim")])
        lines += [[(f" {g.warn} {visible(d)}", "warn")] for d in self.result.differences[:3]]
        # Where OVN's part ends well, the keys at the foot say enough; e has all steps.
        if explained.next_steps and not self._arrives():
            lines.append([(f" {g.arrow} {visible(explained.next_steps[0])}", "")])
        if self.result.datapath is not None:
            lines += summary_lines(self.result.datapath)[:2]
        self.query_one("#verdict", Static).update(content(lines))

    def _arrives(self) -> bool:
        """Whether a pod or Service that was named got it: then OVN has done its part."""
        named = self.result.plan.destination.kind not in ("address", "node")
        return named and str(self.result.explained.verdict) == "delivered"

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        event.stop()
        self._explain()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        self.action_zoom_explanation()

    def _lines(self) -> list[Line]:
        number = self.stages.current_number
        if number < 0:
            return [[("The trace has no stages.", "dim")]]
        return stage_lines(self.result.explained, number)

    def _explain(self, *, stay: bool = False) -> None:
        self.query_one("#explanation-words", Static).update(content(self._lines()))
        if not stay:
            self.query_one("#explanation", SidePane).scroll_home(animate=False)
        self.show_place()

    # -- panes ------------------------------------------------------------------------------------------------

    def action_other_pane(self) -> None:
        pane = self.query_one("#explanation")
        if self.focused is pane:
            self.stages.display = True
            self.stages.focus()
        else:
            pane.display = True
            pane.focus()

    def action_zoom_explanation(self) -> None:
        pane = self.query_one("#explanation")
        pane.display = True
        self.set_focus(pane)
        self.stages.display = False

    def action_zoom(self) -> None:
        pane = self.query_one("#explanation")
        if not (pane.display and self.stages.display):
            pane.display = self.stages.display = True
            return
        (self.stages if self.focused is pane else pane).display = False

    def action_toggle_picture(self) -> None:
        self.with_picture = not self.with_picture
        self._head()

    async def action_back(self) -> None:
        pane = self.query_one("#explanation")
        if not (pane.display and self.stages.display) or self.focused is pane:
            pane.display = self.stages.display = True
            self.stages.focus()
            return
        await super().action_back()

    def list_view(self) -> LineView | None:
        return self.stages

    # -- doing ------------------------------------------------------------------------------------------------

    def action_reply(self) -> None:
        result = self.result

        def question(session: Session, cancel: Cancel) -> TraceResult:
            return session.trace(session.plan(session.reply(result)), cancel=cancel)

        self.ask("trace", question, self._another("reply"), label="tracing the reply")

    def action_again(self) -> None:
        request = self.result.plan.request

        def question(session: Session, cancel: Cancel) -> TraceResult:
            return session.trace(session.plan(request), cancel=cancel)

        def renewed(result: TraceResult) -> None:
            self._result = result
            self.taken_at = 0.0
            self.counted = self.stages.counts = None
            self.stages.show(result.explained)
            self._head()
            self._explain()
            self.load()
            self.tell("Traced again.", "good")

        self.ask("trace", question, renewed, label="tracing")

    def _another(self, kind: str):  # type: ignore[no-untyped-def]
        def arrived(result: TraceResult) -> None:
            self.app.push_screen(TraceScreen(result, kind))

        return arrived

    def action_why_not(self) -> None:
        stage = self.stages.current
        if stage is None:
            return
        from ko_tui.screens.why_not import ask_why_not

        ask_why_not(self, self.result, self.stages.current_number)

    async def action_edit(self) -> None:
        request: TraceRequest = self.result.plan.request
        while len(self.app.screen_stack) > 1:
            await self.app.pop_screen()
        from ko_tui.screens.builder import BuilderScreen

        builder = self.app.screen
        if isinstance(builder, BuilderScreen):
            builder.fill(request)
            builder.field("port" if builder.field("port").value else "destination").input.focus()

    async def action_jump(self) -> None:
        stage = self.stages.current
        thing: ObjectRef | None = stage.objects[0] if stage is not None and stage.objects else None
        if stage is None:
            return
        while thing is not None and thing.owner is not None:
            thing = thing.owner
        if thing is not None and thing.kind in ("Pod", "Service", "Node", "VirtualMachine"):
            await self.visit("pods", thing.name)
        elif thing is not None:
            await self.visit("console", f"nbctl list {thing.kind} {thing.uuid or thing.name}")
        else:
            await self.action_logical()

    async def action_logical(self) -> None:
        stage = self.stages.current
        if stage is None or not stage.stage.uuid:
            self.tell("No flow matched here.", "warn")
            return
        await self.visit("pipeline", f"{stage.datapath} {stage.stage.name} /{stage.stage.uuid}")

    def action_object_yaml(self) -> None:
        stage = self.stages.current
        if stage is None:
            return
        from ko_tui.screens.jumps import behind_flow, show_object

        named = stage.objects[0] if stage.objects else None
        uuid = stage.stage.uuid
        show_object(self, lambda session: (behind_flow(session, uuid) if uuid else None) or named)

    # -- the nodes' own way -----------------------------------------------------------------------------------

    def _with_datapath(self, then: Callable[[TraceResult], None]) -> None:
        """Have the packet traced through the nodes' OpenFlow, if it was not yet."""
        result = self.result
        if result.datapath is not None:
            then(result)
            return

        def arrived(datapath: DatapathTrace) -> None:
            self._result = replace(result, datapath=datapath)
            self._head()
            then(self._result)

        self.ask("datapath", lambda session, cancel: session.datapath(result, cancel=cancel), arrived,
                 label="tracing on the nodes")  # fmt: skip

    def action_openflow(self) -> None:
        stage = self.stages.current_number

        def shown(result: TraceResult) -> None:
            from ko_tui.screens.datapath import DatapathScreen

            self.app.push_screen(DatapathScreen(result, stage))

        self._with_datapath(shown)

    def action_counts(self) -> None:
        before = self.counted

        def counted(result: TraceResult) -> None:
            datapath = result.datapath
            assert datapath is not None
            self.ask("counts", lambda session, cancel: session.live_counts(datapath, before, cancel=cancel),
                     arrived, label="counting packets")  # fmt: skip

        def arrived(answer: LiveCounts) -> None:
            from ko_tui.screens.datapath import counts_words

            self.counted = answer
            self.stages.show_counts(answer.stages)
            self.tell(counts_words(answer), "good" if answer.grown else "")

        self._with_datapath(counted)

    def action_no_counts(self) -> None:
        self.counted = None
        self.stages.show_counts(None)

    def action_name(self) -> None:
        self.tell("Which name? :name NAME", "warn")

    def take_name(self, words: str) -> None:
        request = self.result.plan.request
        self.ko.traces_made.add(request.line(), name=words, verdict=str(self.result.explained.verdict))
        self.tell(f"Kept as {words!r}; the builder lists it first.", "good")

    def copy_text(self) -> str:
        from ko_tui.screens.trace_export import head_lines

        if self.focused is self.query_one("#explanation"):
            return "\n".join(plain(line) for line in self._lines()) + "\n"
        return (
            "\n".join(
                [*head_lines(self.result), *(plain(x) for x in picture(self.result.explained.hops, 100))]
            )
            + "\n"
        )

    def take_save(self, words: str) -> None:
        from ko_tui.screens.trace_export import FORMS, export

        session = self.ko.door.opened
        info = session.info if session is not None else None
        name = words or f"trace-{time.strftime('%Y%m%d-%H%M%S')}.txt"
        path = Path(name).expanduser()
        written = self.write_new(
            path, export(self.result, FORMS.get(path.suffix, "text"), info, self.taken_at)
        )
        if written and not words:
            self.tell_pieces(
                [
                    (f"Saved to {path.resolve()}  ", "good"),
                    (":save FILE.md .json .html for other forms", "dim"),
                ]
            )

    def save_text(self) -> str:
        from ko_tui.screens.trace_export import as_text

        return as_text(self.result)

    def exact_commands(self) -> list[str]:
        datapath = self.result.datapath
        runs = [run.kubectl() for run in (*self.result.commands, *(datapath.commands if datapath else ()))]
        notes = [f"# {visible(note)}" for note in self.result.explained.notes]
        notes += [f"# > {visible(step)}" for step in self.result.explained.next_steps]
        return [*runs, *([] if runs else [" ".join(self.result.plan.ovn_trace)]), *notes]

    def raw_text(self) -> tuple[str, str]:
        return self.result.explained.trace.text, "trace"
