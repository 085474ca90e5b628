"""Faults on request: what goes wrong, for which requests, how often.

Each fault names its kind, narrows what it meets, and is used up after ``times`` hits (0: it stays).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args, get_type_hints

Kind = Literal[
    "http_status",  # answer with ``code`` (401, 403, 410, 500 ...)
    "latency",  # wait ``seconds`` before answering
    "hang",  # take the request and never answer
    "expired_continue",  # 410 for the next page of a list
    "drop_watch",  # cut a watch's connection after ``after`` events
    "gone_watch",  # an ERROR event with 410 after ``after`` events
    "no_handshake",  # exec: never answer the WebSocket upgrade
    "cut_stream",  # exec: drop the connection after ``after`` bytes of output
    "no_status",  # exec: close properly, but without the status on channel 3
    "freeze_program",  # exec: stop the program (SIGSTOP) right after its start
    "slow_frames",  # exec: wait ``seconds`` before each frame
    "frame_size",  # exec: frames of ``after`` bytes at most (splits UTF-8)
    "keep_process",  # exec: leave the program running when the client has gone
    "silent_peer",  # exec: after ``after`` bytes send nothing more, not even pongs
]
KINDS = get_args(Kind)


@dataclass(slots=True)
class Fault:
    """One fault. Empty conditions meet everything; ``path``, ``pod`` and ``command`` are regular expressions
    that are searched for, ``command`` in the argv joined by blanks. ``hits`` counts."""

    kind: Kind
    path: str = ""
    verb: str = ""
    user: str = ""
    pod: str = ""
    command: str = ""
    times: int = 0
    after: int = 0
    code: int = 500
    message: str = ""
    seconds: float = 0.0
    hits: int = 0
    id: int = field(default=0)


class Faults:
    """The faults of one server; any thread may add and remove them while it runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._next = 1
        # 1.35 and later ask for ``create`` on pods/exec as well as the request's own verb.
        self.exec_needs_create = False

    def add(self, kind: Kind, **conditions: Any) -> Fault:
        """Begin a fault; ValueError for a kind or condition that does not exist."""
        if kind not in KINDS:
            raise ValueError(f"no such fault: {kind}; there are {', '.join(KINDS)}")
        hints = get_type_hints(Fault)
        known = {f.name for f in fields(Fault)} - {"hits", "id", "kind"}
        for name, value in conditions.items():
            if name not in known:
                raise ValueError(f"no such condition: {name}; there are {', '.join(sorted(known))}")
            wanted = (int, float) if hints[name] is float else hints[name]
            if not isinstance(value, wanted):
                raise ValueError(f"{name} must be {hints[name].__name__}")
        with self._lock:
            fault = Fault(kind, **conditions, id=self._next)
            self._next += 1
            self._faults.append(fault)
        return fault

    @contextmanager
    def active(self, kind: Kind, **conditions: Any) -> Iterator[Fault]:
        """A fault for the time of a ``with`` block; ``hits`` tells whether it was met."""
        fault = self.add(kind, **conditions)
        try:
            yield fault
        finally:
            self.remove(fault)

    def remove(self, fault: Fault | int) -> None:
        wanted = fault if isinstance(fault, int) else fault.id
        with self._lock:
            self._faults = [f for f in self._faults if f.id != wanted]

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()
        self.exec_needs_create = False

    def shown(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def take(self, kind: Kind, **about: str) -> Fault | None:
        """The first fault of a kind that meets this request, counted as hit; None when there is none."""
        with self._lock:
            for fault in self._faults:
                if fault.kind == kind and _meets(fault, about):
                    fault.hits += 1
                    if fault.times and fault.hits >= fault.times:
                        self._faults.remove(fault)
                    return fault
        return None


def _meets(fault: Fault, about: dict[str, str]) -> bool:
    if fault.verb and fault.verb != about.get("verb"):
        return False
    if fault.user and fault.user != about.get("user"):
        return False
    patterns = (("path", fault.path), ("pod", fault.pod), ("command", fault.command))
    return all(not pattern or re.search(pattern, about.get(name, "")) for name, pattern in patterns)
