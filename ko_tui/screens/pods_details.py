"""What is known of one endpoint: its own facts at once, then what the cluster says, each part as it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from textual.timer import Timer
from textual.widgets import Static

from ko_tui.widgets.bars import age_words
from ko_tui.widgets.endpoint_detail import (
    annotation_lines,
    endpoint_lines,
    interface_lines,
    row_lines,
    touch_lines,
)
from ko_tui.widgets.glyphs import glyphs
from ko_tui.widgets.tones import Line, content

if TYPE_CHECKING:
    from ko_tui.backend.errors import KoError
    from ko_tui.backend.session import Session
    from ko_tui.backend.tracing.model import Endpoint

REST = 0.2  # seconds that the cursor rests on a line before the cluster is asked about it
Question = Callable[["Session", "Endpoint"], Sequence[Line]]


def _annotations(session: Session, endpoint: Endpoint) -> Sequence[Line]:
    from ko_tui.backend.cluster.annotation_words import annotation_words
    from ko_tui.backend.source.kinds import NODES, PODS

    kind = NODES if endpoint.kind == "node" else PODS
    found = session.source.get(kind, "" if kind is NODES else endpoint.namespace, endpoint.name)
    return annotation_lines(annotation_words(found.annotations, endpoint.provider))


def _services(session: Session, endpoint: Endpoint) -> Sequence[Line]:
    from ko_tui.backend.cluster.touching import services_of

    return touch_lines(services_of(session, endpoint), "No Service sends to it.")


def _backends(session: Session, endpoint: Endpoint) -> Sequence[Line]:
    from ko_tui.backend.cluster.touching import backends_of

    return touch_lines(backends_of(session, endpoint), "Nothing stands behind it: connections are refused.")


def _policies(session: Session, endpoint: Endpoint) -> Sequence[Line]:
    from ko_tui.backend.cluster.touching import policies_of

    return touch_lines(policies_of(session, endpoint), "No policy selects it.")


def _interface(session: Session, endpoint: Endpoint) -> Sequence[Line]:
    from ko_tui.backend.cluster.touching import interface_of

    return interface_lines(interface_of(session, endpoint), endpoint.node)


def _port(session: Session, endpoint: Endpoint) -> Sequence[Line]:
    found = session.rows("nb", "Logical_Switch_Port", where=(f'name="{endpoint.lsp}"',))
    if not found.value:
        return [[("The northbound database has no such port: Kube-OVN has not made it.", "bad")]]
    return row_lines(age_words(found.taken_at), found.value[0])


def _binding(session: Session, endpoint: Endpoint) -> Sequence[Line]:
    found = session.rows("sb", "Port_Binding", where=(f'logical_port="{endpoint.lsp}"',))
    if not found.value:
        return [[("The southbound database has no such port: ovn-northd has not made it.", "bad")]]
    row = found.value[0]
    lines: list[Line] = []
    if row.get("chassis") in (None, "", ()):
        lines.append([("No node has claimed it: it has no interface anywhere.", "bad")])
    elif row.get("up") is False:
        lines.append([("It is claimed, but its flows are not in place yet (up is false).", "warn")])
    return [*lines, *row_lines(age_words(found.taken_at), row)]


# Topic, title and question, in the order in which they are shown.
_OF_POD: tuple[tuple[str, str, Question], ...] = (
    ("detail-services", "Services", _services),
    ("detail-policies", "Policies", _policies),
    ("detail-interface", "Interface on the node", _interface),
    ("detail-annotations", "Annotations", _annotations),
    ("detail-port", "Logical switch port (northbound)", _port),
    ("detail-binding", "Port binding (southbound)", _binding),
)
_OF_NODE = tuple(part for part in _OF_POD if part[0] not in ("detail-services", "detail-policies"))
_OF_SERVICE: tuple[tuple[str, str, Question], ...] = (("detail-backends", "Backends", _backends),)


def parts_of(endpoint: Endpoint) -> tuple[tuple[str, str, Question], ...]:
    """What can be asked about an endpoint."""
    if endpoint.kind == "service":
        return _OF_SERVICE
    if endpoint.kind == "address":
        return ()
    parts = _OF_NODE if endpoint.kind == "node" else _OF_POD
    if endpoint.lsp and not endpoint.host_network:
        return parts
    return tuple(p for p in parts if p[0] in ("detail-services", "detail-policies", "detail-annotations"))


class Details:
    """Mixed into the pods screen: keeps ``#details`` at the line under the cursor."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._detailed: Endpoint | None = None
        self._told: dict[str, Sequence[Line]] = {}  # by topic; those still asked are missing
        self._resting: Timer | None = None

    def show_details(self: Any) -> None:
        """The line under the cursor is another, or says something else now."""
        pane = self.query_one("#details")
        if not pane.display:
            self._leave_details()
            return
        endpoint = self.table.current
        if endpoint is None:
            self._leave_details()
            self.query_one("#detail-words", Static).update(content([[("Nothing chosen.", "dim")]]))
            return
        if endpoint == self._detailed:
            return
        same = self._detailed is not None and self._detailed.key == endpoint.key
        self._leave_details(keep=same)
        self._detailed = endpoint
        if not same:
            pane.scroll_home(animate=False)
        self._draw_details()
        self._resting = self.set_timer(REST, lambda: self._ask_details(endpoint))

    def ask_details_again(self: Any) -> None:
        """The person wants it new; what is shown stays until it is there."""
        if self._detailed is not None:
            self._ask_details(self._detailed)

    def _leave_details(self: Any, keep: bool = False) -> None:
        if self._resting is not None:
            self._resting.stop()
            self._resting = None
        if self._detailed is not None:
            for topic, _, _ in parts_of(self._detailed):
                self.cancel_question(topic)
        self._detailed = None
        if not keep:
            self._told.clear()

    def _ask_details(self: Any, endpoint: Endpoint) -> None:
        for topic, _, question in parts_of(endpoint):
            self._ask_part(topic, question, endpoint)

    def _ask_part(self: Any, topic: str, question: Question, endpoint: Endpoint) -> None:
        def told(lines: Sequence[Line]) -> None:
            self._told[topic] = lines
            self._draw_details()

        def failed(error: KoError) -> None:
            told(
                [[(f"{glyphs().warn} {error.title}: ", "warn"), (error.what, "")], [(error.next_step, "dim")]]
            )

        self.ask(topic, lambda session, _: question(session, endpoint), told, failed=failed)

    def _draw_details(self: Any) -> None:
        endpoint = self._detailed
        if endpoint is None:
            return
        lines: list[Line] = endpoint_lines(endpoint)
        for topic, title, _ in parts_of(endpoint):
            lines += [[("", "")], [(title, "head")]]
            lines += self._told.get(topic, [[(f"asking{glyphs().ellipsis}", "dim")]])
        self.query_one("#detail-words", Static).update(content(lines))
