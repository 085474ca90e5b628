"""Logical flows of a southbound database, found by datapath, pipeline and table, decoded when they are needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ko_tui.backend.ovn.actions import Action, Drop, Next, UnknownAction
from ko_tui.backend.ovn.actions import parse as parse_actions
from ko_tui.backend.ovn.actions.tree import Pipeline
from ko_tui.backend.ovn.expression import parse as parse_match
from ko_tui.backend.ovn.lexer import LanguageError, quote
from ko_tui.backend.ovn.symbols import table as symbol_table
from ko_tui.backend.simulate.classifier import Classifier
from ko_tui.backend.simulate.matching import Scope, Test, UnknownName, all_of, always, compile_match, never
from ko_tui.backend.simulate.ovn_hash import RowPlaces, bucket, chain, mask_for
from ko_tui.backend.simulate.packet_state import State
from ko_tui.backend.simulate.prerequisites import prerequisites
from ko_tui.backend.simulate.southbound import Datapath, Southbound
from ko_tui.backend.source.ovsdb_file import Table

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
Rank = tuple[int, int, int]


class _Head(msgspec.Struct, gc=False):
    """What of a Logical_Flow says where it belongs."""

    pipeline: str = ""
    table_id: int = 0
    logical_datapath: list[Any] = []
    logical_dp_group: list[Any] = []


class _Body(msgspec.Struct, gc=False):
    """The rest of a Logical_Flow."""

    priority: int = 0
    match: str = ""
    actions: str = ""
    external_ids: list[Any] = []


_head = msgspec.json.Decoder(_Head)
_body = msgspec.json.Decoder(_Body)


def _homes_of(head: _Head) -> Iterator[tuple[str, tuple[str, int]]]:
    for reference in (head.logical_datapath, head.logical_dp_group):
        if reference and reference[0] == "uuid":
            yield reference[1], (head.pipeline, head.table_id)


@dataclass(eq=False, slots=True)
class Flow:
    """A logical flow as one datapath has it. Lower ``rank`` wins."""

    uuid: str
    pipeline: Pipeline
    table: int
    priority: int
    match: str
    actions_text: str
    external_ids: dict[str, str]
    rank: Rank
    stage: Stage
    test: Test | None = None
    actions: list[Action] = field(default_factory=list)
    broken: str = ""  # why ovn-trace would leave the flow out
    trivial: bool = False  # matches everything and goes on to the next table: not shown

    @property
    def name(self) -> str:
        """The stage's name, ``ls_in_acl``."""
        return self.external_ids.get("stage-name", "")

    @property
    def source(self) -> str:
        """The line of northd's code that made the flow."""
        return self.external_ids.get("source", "")

    def matches(self, state: State) -> bool:
        """Whether the packet matches; False for a flow that ovn-trace cannot read."""
        test = self.test
        if test is None:
            test = self.stage.compile(self)
        return test(state)

    def ready(self) -> None:
        """Compile if that has not been done."""
        if self.test is None:
            self.stage.compile(self)


class Stage:
    """One table of one pipeline of one datapath."""

    def __init__(
        self, index: FlowIndex, datapath: Datapath, pipeline: Pipeline, table: int, flows: list[Flow]
    ) -> None:
        self.index = index
        self.datapath = datapath
        self.pipeline: Pipeline = pipeline
        self.table = table
        self.flows = flows
        self.scope = index.scope(datapath)
        for flow in flows:
            flow.stage = self
        self.ties: list[list[Flow]] = []
        """Flows of equal priority in one bucket of the IDL's table: other rows may change their order."""
        self._classifier: Classifier | None = None

    @property
    def name(self) -> str | None:
        """The stage's name; None when the datapath has no flow in it."""
        return min(self.flows, key=lambda f: f.rank).name if self.flows else None

    def lookup(self, state: State) -> Flow | None:
        """The flow that the packet hits, or None."""
        if self._classifier is None:
            self._classifier = Classifier(self.flows, self.scope, self.index.groups_of(self.datapath))
        return self._classifier.lookup(state)

    def change(self, gone: set[str], came: Sequence[Flow]) -> None:
        """Leave out flows by their UUIDs and take others in; then bring ties in order."""
        left = [flow for flow in self.flows if flow.uuid in gone]
        if left or came:
            self.flows = [*(flow for flow in self.flows if flow.uuid not in gone), *came]
        keys = {flow.rank[:2] for flow in (*left, *came)}
        self.ties = [tie for tie in self.ties if tie[0].rank[:2] not in keys] + alike(self.flows, keys)
        moved = self.index.settle(self)
        if self._classifier is not None and (left or came or moved):
            self._classifier.change(left, came, moved)

    def compile(self, flow: Flow) -> Test:
        """Parse a flow's match and actions; a flow that cannot be read never matches."""
        sb = self.index.southbound
        try:
            match = compile_match(parse_match(flow.match, symbols=self.scope.symbols), self.scope)
            flow.actions = self.index.actions(flow.actions_text, self.pipeline, self.table)
            asked = prerequisites(flow.actions, self.scope.symbols, any_family=not sb.before("25.03"))
            flow.test = all_of([match, *map(self.scope.predicate, asked)])
        except (LanguageError, UnknownName) as error:
            flow.broken = f"{error}"
            sb.warnings.append(f"flow {flow.uuid[:8]} is left out: {error}")
            flow.test = never
        flow.trivial = (
            flow.test is always
            and len(flow.actions) == 1
            and isinstance(flow.actions[0], Next)
            and flow.actions[0].target(self.pipeline, self.table)[1] == self.table + 1
        )
        return flow.test


def alike(flows: Iterable[Flow], keys: set[tuple[int, int]] | None = None) -> list[list[Flow]]:
    """Flows of equal priority and bucket, where there are several; only of these priorities and buckets."""
    found: dict[tuple[int, int], list[Flow]] = {}
    for flow in flows:
        key = flow.rank[:2]
        if keys is None or key in keys:
            found.setdefault(key, []).append(flow)
    return [equal for equal in found.values() if len(equal) > 1]


Place = tuple[str, int]
"""Pipeline and table."""
Homes = dict[str, dict[Place, list[str]]]
"""Datapath or datapath group -> the UUIDs of its flows, by place."""


class FlowIndex:
    """Where each logical flow belongs, and the stages that were looked at so far."""

    def __init__(
        self, southbound: Southbound, homes: Homes | None = None, hashes: dict[str, int] | None = None
    ) -> None:
        self.southbound = southbound
        self._hashes: dict[str, int] = {} if hashes is None else hashes
        self._rows = southbound.database.table("Logical_Flow")
        self._mask = mask_for(len(self._rows))
        self._places: RowPlaces | None = None
        self._homes: Homes = {} if homes is None else homes
        self._groups: dict[str, list[str]] = {}  # datapath -> datapath groups
        self._stages: dict[tuple[str, str, int], Stage] = {}
        self._scopes: dict[str, Scope] = {}
        self._members: dict[str, dict[int, tuple[str, ...]]] = {}
        self._actions: dict[tuple[str, str, int], list[Action]] = {}
        self._texts: dict[str, str] = {}
        if homes is None:
            for uuid, head in self._rows.structs(_Head):
                for home, place in _homes_of(head):
                    self._homes.setdefault(home, {}).setdefault(place, []).append(uuid)
        for row in southbound.database.table("Logical_DP_Group").rows():
            for datapath in row["datapaths"]:
                self._groups.setdefault(datapath, []).append(row["_uuid"])

    def updated(self, southbound: Southbound, flows: Iterable[str]) -> FlowIndex:
        """The index of ``southbound``, which differs by these flows, and in nothing else if it is the same object.

        This one is not to be used any more. Stages that were looked at are brought up to date.
        """
        homes, mine = dict(self._homes), set[str]()
        rows = southbound.database.table("Logical_Flow")
        touched: dict[tuple[str, Place], set[str]] = {}
        for uuid in flows:
            before, after = self._home_set(self._rows, uuid), self._home_set(rows, uuid)
            for each in before | after:
                touched.setdefault(each, set()).add(uuid)
            for home, place in before ^ after:
                if home not in mine:
                    mine.add(home)
                    homes[home] = {where: [*uuids] for where, uuids in homes.get(home, {}).items()}
                if (home, place) in after:
                    homes[home].setdefault(place, []).append(uuid)
                else:
                    homes[home][place].remove(uuid)
        made = FlowIndex(southbound, homes, self._hashes)
        if southbound is self.southbound and made._mask == self._mask:
            made._scopes, made._members, made._actions = self._scopes, self._members, self._actions
            for (datapath, pipeline, table), stage in self._stages.items():
                stage.index, place = made, (pipeline, table)
                made._stages[datapath, pipeline, table] = stage
                changed, present = set[str](), set[str]()
                for home in (datapath, *self._groups.get(datapath, ())):
                    if (home, place) in touched:
                        changed |= touched[home, place]
                        present.update(homes[home].get(place, ()))
                if changed or stage.ties:
                    stage.change(changed, [made._flow(uuid, stage) for uuid in sorted(changed & present)])
        return made

    @staticmethod
    def _home_set(rows: Table, uuid: str) -> set[tuple[str, Place]]:
        return set(_homes_of(rows.struct(uuid, _head))) if uuid in rows else set()

    def stage(self, datapath: Datapath, pipeline: Pipeline, table: int) -> Stage:
        """A stage of a datapath; one without flows when the datapath has none there."""
        key = (datapath.uuid, pipeline, table)
        stage = self._stages.get(key)
        if stage is None:
            stage = self._stages[key] = self._read(datapath, pipeline, table)
        return stage

    def tables(self, datapath: Datapath, pipeline: Pipeline) -> list[int]:
        """The numbers of the tables in which the datapath has flows."""
        homes = (datapath.uuid, *self._groups.get(datapath.uuid, ()))
        return sorted({t for home in homes for p, t in self._homes.get(home, {}) if p == pipeline})

    def _read(self, datapath: Datapath, pipeline: Pipeline, table: int) -> Stage:
        stage = Stage(self, datapath, pipeline, table, [])
        for home in (datapath.uuid, *self._groups.get(datapath.uuid, ())):
            for uuid in self._homes.get(home, {}).get((pipeline, table), ()):
                stage.flows.append(self._flow(uuid, stage))
        stage.ties = alike(stage.flows)
        self.settle(stage)
        return stage

    def _flow(self, uuid: str, stage: Stage) -> Flow:
        body = self._rows.struct(uuid, _body)
        return Flow(
            uuid,
            stage.pipeline,
            stage.table,
            body.priority,
            body.match,
            body.actions,
            self._ids(body.external_ids),
            (-body.priority, bucket(uuid, self._mask), 0),
            stage,
        )

    def settle(self, stage: Stage) -> list[Flow]:
        """Order a stage's ties as the IDL walks its table; gives the flows whose rank is a new one."""
        moved: list[Flow] = []
        for equal in stage.ties:
            if self._places is None:
                self._places = RowPlaces(self._rows, len(self._rows), self._hashes)
            places = [(self._places.of(flow.uuid), flow) for flow in equal]
            for number, flow in enumerate(chain(places, len(self._rows))):
                if flow.rank[2] != number:
                    flow.rank = (*flow.rank[:2], number)
                    moved.append(flow)
        return moved

    def _ids(self, json: list[Any]) -> dict[str, str]:
        pairs = json[1] if len(json) == 2 else []
        return dict(pairs)

    def scope(self, datapath: Datapath) -> Scope:
        """What names mean in matches of a datapath."""
        found = self._scopes.get(datapath.uuid)
        if found is None:
            sb = self.southbound
            found = self._scopes[datapath.uuid] = Scope(
                sb.version,
                sb.address_sets.get,
                lambda group: sb.group_ports(datapath, group),
                lambda port: sb.port_number(datapath, port),
                sb.resident,
            )
        return found

    def groups_of(self, datapath: Datapath) -> dict[int, tuple[str, ...]]:
        """Port key -> the port groups that hold the port."""
        found = self._members.get(datapath.uuid)
        if found is None:
            prefix = f"{datapath.tunnel_key}_"
            sb, gathered = self.southbound, dict[int, list[str]]()
            for name, ports in sb.port_groups.items():
                if name.startswith(prefix):
                    for port in ports:
                        number = sb.port_number(datapath, port)
                        if number is not None:
                            gathered.setdefault(number, []).append(name[len(prefix) :])
            found = self._members[datapath.uuid] = {k: tuple(v) for k, v in gathered.items()}
        return found

    def actions(self, text: str, pipeline: Pipeline, table: int) -> list[Action]:
        """The actions of a flow; equal texts share them. Raises ActionError."""
        key = (text, pipeline, table)
        found = self._actions.get(key)
        if found is None:
            found = self._actions[key] = self._parse_actions(text, pipeline, table)
        return found

    def _parse_actions(self, text: str, pipeline: Pipeline, table: int) -> list[Action]:
        version = self.southbound.version
        try:
            parsed = parse_actions(text, version=version, pipeline=pipeline, table=table)
        except LanguageError as error:
            # A release between two known ones may know more than the older of them.
            symbols = symbol_table(version)
            parsed = parse_actions(
                text, version=version, pipeline=pipeline, table=table, symbols=symbols, strict=False
            )
            if any(isinstance(action, UnknownAction) for action in parsed):
                raise error from None
        return [] if len(parsed) == 1 and isinstance(parsed[0], Drop) else parsed

    def friendly(self, text: str) -> str:
        """A match or action with each port's name in the form that people know."""
        found = self._texts.get(text)
        if found is None:
            found = text if '"' not in text else _STRING.sub(self._friendly_string, text)
            self._texts[text] = found
        return found

    def _friendly_string(self, found: re.Match[str]) -> str:
        port = self.southbound.ports.get(found[1])
        if port is None or port.friendly == found[1]:
            return found[0]
        return quote(port.friendly)
