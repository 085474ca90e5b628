"""Logical flows as ``ovn-sbctl lflow-list`` prints them (ovn-sbctl(8)): a store that loads a stream as it arrives.

The text itself is the store. lflow-list groups flows by datapath, pipeline and table, so a run of lines with the same
table is kept as one piece of bytes; only where runs begin and end is looked for while loading. A flow is taken apart
when it is looked at, its match and actions when they are asked for. Lines of ``--ovs`` stay with their flow.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, overload

if TYPE_CHECKING:
    from ko_tui.backend.ovn.actions import Action
    from ko_tui.backend.ovn.expression import Expression
    from ko_tui.backend.ovn.versions import OvnVersion

Pipeline = Literal["ingress", "egress"]

_HEADER = re.compile(
    rb'^Datapath: (?:"(?P<name>.*)" \()?(?P<uuid>[0-9a-f-]{36})\)?  Pipeline: (?P<pipeline>ingress|egress)'
)
_PLACE = re.compile(rb"^  (?:uuid=0x[0-9a-f]+, )?table=(?P<table>\d+) *\((?P<stage>[^)]*?) *\)")
_FLOW = re.compile(
    r"^  (?:uuid=0x(?P<uuid>[0-9a-f]+), )?table=(?P<table>\d+) *\((?P<stage>[^)]*?) *\), "
    r"priority=(?P<priority>\d+) *, match=\((?P<match>.*)\), action=\((?P<actions>.*)\)$"
)
_UUID_WIDTH = len("  uuid=0x00000000, ") - len("  ")


@dataclass(frozen=True, slots=True)
class Flow:
    """One logical flow. ``uuid`` is the first eight hexadecimal digits, or ""; ``known`` is False for a line that
    could not be taken apart and is kept as ``raw``."""

    datapath: str
    pipeline: Pipeline
    table: int
    stage: str
    priority: int
    match: str
    actions: str
    uuid: str = ""
    openflow: tuple[str, ...] = ()
    raw: str = ""
    known: bool = True
    hint: str = ""  # first eight digits of the northbound row behind it, where the store knows it
    source: str = ""  # northd's file and line, likewise

    def expression(self, version: OvnVersion = "25.03") -> Expression:
        """The match as a tree. Raises ExpressionError."""
        from ko_tui.backend.ovn.expression import parse_cached

        return parse_cached(self.match, version=version)

    def action_list(self, version: OvnVersion = "25.03") -> list[Action]:
        """The actions as a list; what is unknown is kept as text and marked."""
        from ko_tui.backend.ovn.actions import parse

        return parse(self.actions, version=version, pipeline=self.pipeline, table=self.table, strict=False)


@dataclass(frozen=True, slots=True)
class StageFlows:
    """How many flows a stage of a datapath holds."""

    pipeline: Pipeline
    table: int
    stage: str
    count: int


@dataclass(frozen=True, slots=True)
class DatapathFlows:
    name: str
    uuid: str
    count: int


class _Run:
    """Consecutive lines of one table of one datapath."""

    __slots__ = ("_offsets", "count", "datapath", "name", "pieces", "pipeline", "stage", "table")

    def __init__(self, datapath: str, name: str, pipeline: Pipeline, table: int, stage: str) -> None:
        self.datapath, self.name, self.pipeline = datapath, name, pipeline
        self.table, self.stage = table, stage
        self.pieces: list[bytes] = []
        self.count = 0
        self._offsets: array[int] | None = None

    def text(self) -> bytes:
        if len(self.pieces) > 1:
            self.pieces = [b"".join(self.pieces)]
        return self.pieces[0] if self.pieces else b""

    def offsets(self) -> array[int]:
        """Where each flow begins; found once, when the run is first looked into."""
        if self._offsets is None:
            text, found, at = self.text(), array("Q"), 0
            while at < len(text):
                if text[at : at + 3] != b"   ":
                    found.append(at)
                at = text.find(b"\n", at) + 1 or len(text)
            found.append(len(text))
            self._offsets = found
        return self._offsets

    def flow(self, index: int) -> Flow:
        offsets = self.offsets()
        text = self.text()[offsets[index] : offsets[index + 1]].decode("utf-8", "replace")
        first, *rest = text.rstrip("\n").split("\n")
        return _flow(first, tuple(line.strip() for line in rest), self)


class FlowList(Sequence[Flow]):
    """The flows of a stage, taken apart one at a time."""

    def __init__(self, runs: list[_Run]) -> None:
        self._runs = runs
        self._count = sum(run.count for run in runs)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Flow: ...
    @overload
    def __getitem__(self, index: slice) -> list[Flow]: ...
    def __getitem__(self, index: int | slice) -> Flow | list[Flow]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        if index < 0:
            index += self._count
        for run in self._runs:
            if index < run.count:
                return run.flow(index)
            index -= run.count
        raise IndexError(index)

    def __iter__(self) -> Iterator[Flow]:
        for run in self._runs:
            for index in range(run.count):
                yield run.flow(index)

    def containing(self, word: str) -> Iterator[int]:
        """Indexes of flows whose line holds ``word``; looks at bytes, takes nothing apart."""
        wanted, base = word.encode(), 0
        for run in self._runs:
            text, offsets, at = run.text(), run.offsets(), 0
            while (at := text.find(wanted, at)) >= 0:
                index = _before(offsets, at)
                yield base + index
                at = offsets[index + 1]
            base += run.count


class FlowStore:
    """Feed it the output of lflow-list in pieces of any size, then ``finish``."""

    def __init__(self) -> None:
        self._rest = b""
        self._runs: list[_Run] = []
        self._run: _Run | None = None
        self._uuid, self._name = "", ""
        self._pipeline: Pipeline = "ingress"
        self._prefix = b"\0"
        self._skip = 0
        self.others: list[str] = []  # lines that belong to no flow: --vflows sections, warnings

    def __len__(self) -> int:
        return sum(run.count for run in self._runs)

    def feed(self, part: bytes) -> None:
        """Take a piece of the stream."""
        text = self._rest + part if self._rest else part
        cut = text.rfind(b"\n") + 1
        if not cut:
            self._rest = text
            return
        self._rest = text[cut:]
        self._take(text[:cut])

    def finish(self) -> None:
        """The stream has ended; a last line without its end is taken too."""
        if self._rest:
            rest, self._rest = self._rest, b""
            self._take(rest + b"\n")

    def _take(self, text: bytes) -> None:
        """Walk over whole lines; ``start`` is where the part begins that is not yet in a run."""
        start = at = 0
        count = 0
        prefix, skip = self._prefix, self._skip
        for line in text.split(b"\n"):
            if line.startswith(prefix, skip):
                count += 1
            elif line.startswith(b"   ") or not line:
                pass  # OpenFlow of --ovs, or the empty line before a header
            else:
                self._keep(text[start:at], count)
                start, count = at, 0
                if self._begin(line):
                    count = 1
                else:
                    start = at + len(line) + 1
                prefix, skip = self._prefix, self._skip
            at += len(line) + 1
        self._keep(text[start:], count)

    def _keep(self, piece: bytes, count: int) -> None:
        if self._run is not None and count:
            self._run.pieces.append(piece.rstrip(b"\n") + b"\n")
            self._run.count += count
        elif self._run is not None and self._run.pieces and piece.startswith(b"    "):
            self._run.pieces.append(piece.rstrip(b"\n") + b"\n")

    def _begin(self, line: bytes) -> bool:
        """A line that does not go on with the run; True when it is a flow and begins one."""
        if (header := _HEADER.match(line)) is not None:
            self._uuid = header["uuid"].decode()
            self._name = (header["name"] or header["uuid"]).decode("utf-8", "replace")
            self._pipeline = cast(Pipeline, header["pipeline"].decode())
            self._run, self._prefix = None, b"\0"
            return False
        place = _PLACE.match(line)
        if place is None or not self._uuid:
            if line.strip():
                self.others.append(line.decode("utf-8", "replace"))
            self._run, self._prefix = None, b"\0"
            return False
        self._skip = _UUID_WIDTH + 2 if line.startswith(b"  uuid=") else 0
        self._prefix = line[self._skip : place.end()]
        self._run = _Run(
            self._uuid,
            self._name,
            self._pipeline,
            int(place["table"]),
            place["stage"].decode("utf-8", "replace"),
        )
        self._runs.append(self._run)
        return True

    # -- what is in it ------------------------------------------------------------------------------------------

    def datapaths(self) -> list[DatapathFlows]:
        """In the order of the stream."""
        counts: dict[str, int] = {}
        names: dict[str, str] = {}
        for run in self._runs:
            counts[run.datapath] = counts.get(run.datapath, 0) + run.count
            names[run.datapath] = run.name
        return [DatapathFlows(names[uuid], uuid, count) for uuid, count in counts.items()]

    def stages(self, datapath: str) -> list[StageFlows]:
        """The tables of a datapath (by name or UUID): ingress, then egress, each by number."""
        counts: dict[tuple[Pipeline, int, str], int] = {}
        for run in self._of(datapath):
            key = (run.pipeline, run.table, run.stage)
            counts[key] = counts.get(key, 0) + run.count
        ordered = sorted(counts, key=lambda k: (k[0] == "egress", k[1]))
        return [StageFlows(*key, counts[key]) for key in ordered]

    def flows(self, datapath: str, pipeline: Pipeline | None = None, stage: str | None = None) -> FlowList:
        """The flows of a datapath, of one pipeline and one stage when named, in the order of the stream."""
        return FlowList(
            [
                run
                for run in self._of(datapath)
                if (pipeline is None or run.pipeline == pipeline) and (stage is None or run.stage == stage)
            ]
        )

    def _of(self, datapath: str) -> list[_Run]:
        return [run for run in self._runs if datapath in (run.datapath, run.name)]


def _flow(line: str, openflow: tuple[str, ...], run: _Run) -> Flow:
    found = _FLOW.match(line)
    if found is None:
        return Flow(run.name, run.pipeline, run.table, run.stage, 0, "", "", "", openflow, line, False)
    match, actions = found["match"], found["actions"]
    # The two are kept apart by the first "), action=(": a match holds none, an action may.
    whole = f"{match}), action=({actions}"
    match, _, actions = whole.partition("), action=(")
    uuid = (found["uuid"] or "").zfill(8) if found["uuid"] else ""
    return Flow(
        run.name,
        run.pipeline,
        run.table,
        run.stage,
        int(found["priority"]),
        match,
        actions,
        uuid,
        openflow,
        line,
    )


def _before(offsets: array[int], at: int) -> int:
    """The index of the flow that holds byte ``at``."""
    from bisect import bisect_right

    return bisect_right(offsets, at) - 1
