"""The order in which OVN's tools walk their hash tables, where what they print depends on it.

ovn-trace takes the first of several equally good rows (load balancer addresses, flows of equal priority), and
"first" is the order of an Open vSwitch ``hmap``. Facts: include/openvswitch/hmap.h, lib/hmap.c, lib/hash.c
(MurmurHash3), lib/uuid.h, lib/shash.c, lib/ovsdb-idl.c.

A new node comes first in its bucket, and every growth of the table turns the buckets' chains round. The IDL adds
a table's rows in the order of the JSON object that brought them, which is itself a hash table of their UUIDs' text.
Rows that share a bucket there come in the order in which the server holds them: its history (what was written when,
what was compacted), which is in no contents. Of a few rows among thousands the order here is therefore only likely.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")
EXACT = 20_000
"""Up to this many rows their places are counted; beyond, they are estimated from their hashes."""


def mask_for(count: int) -> int:
    """The bucket mask of an hmap that grew to ``count`` nodes one by one."""
    half = count // 2
    mask = (1 << half.bit_length()) - 1
    return 3 if mask == 1 else mask


def growths(count: int) -> list[int]:
    """How many nodes an hmap held each time it grew, up to ``count``."""
    sizes = [2] if count >= 2 else []
    size = 8
    while size <= count:
        sizes.append(size)
        size *= 2
    return sizes


def bucket(uuid: str, mask: int) -> int:
    """The bucket of a row: OVN hashes a UUID by its first 32 bits."""
    return int(uuid[:8], 16) & mask


def chain(places: Sequence[tuple[float, T]], count: int) -> list[T]:
    """Nodes of one bucket in walking order; ``places`` says when each was added (1 first), of ``count`` in all."""
    grown = growths(count)
    made: list[T] = []
    for place, node in sorted(places, key=lambda item: item[0]):
        while grown and grown[0] < place:
            grown.pop(0)
            made.reverse()
        made.insert(0, node)
    if len(grown) % 2:
        made.reverse()
    return made


class RowPlaces:
    """When the IDL added each row of a table.

    ``hashes`` keeps the hashes of UUIDs' texts, for another ``RowPlaces`` of nearly the same rows.
    """

    def __init__(self, uuids: Iterable[str], count: int, hashes: dict[str, int] | None = None) -> None:
        self._count = count
        self._mask = mask_for(count)
        self._hashes = {} if hashes is None else hashes
        self._exact: dict[str, int] = {}
        if len(self._hashes) > 4 * EXACT:
            self._hashes.clear()  # most are of rows that are gone
        if count <= EXACT:
            order = string_order(uuids, self._hashes)
            self._exact = {uuid: place for place, uuid in enumerate(order, 1)}

    def of(self, uuid: str) -> float:
        """The row's place, from 1 to the number of rows."""
        place = self._exact.get(uuid)
        if place is not None:
            return place
        value = self._hashes.get(uuid)
        if value is None:
            value = self._hashes[uuid] = hash_bytes(uuid.encode())
        return (0.5 + (value & self._mask)) / (self._mask + 1) * self._count


def row_order(rows: Sequence[T], uuid: Callable[[T], str]) -> list[T]:
    """All rows of a table in the order in which the IDL walks it."""
    places = RowPlaces([uuid(row) for row in rows], len(rows))
    return _walk([(bucket(uuid(row), mask_for(len(rows))), places.of(uuid(row)), row) for row in rows])


def string_order(keys: Iterable[str], hashes: dict[str, int] | None = None) -> list[str]:
    """Keys in the order in which an ``smap`` or ``shash`` is walked to which they were added one by one.

    ``hashes`` gives the hashes that are known, and gets the others.
    """
    names = list(keys)
    mask = mask_for(len(names))
    known = {} if hashes is None else hashes
    for name in names:
        if name not in known:
            known[name] = hash_bytes(name.encode())
    return _walk([(known[name] & mask, place, name) for place, name in enumerate(names, 1)])


def _walk(nodes: Sequence[tuple[int, float, T]]) -> list[T]:
    buckets: dict[int, list[tuple[float, T]]] = {}
    for index, place, node in nodes:
        buckets.setdefault(index, []).append((place, node))
    return [node for index in sorted(buckets) for node in chain(buckets[index], len(nodes))]


def hash_bytes(data: bytes, basis: int = 0) -> int:
    """``hash_bytes()``: MurmurHash3 over 32-bit little-endian words."""
    value = basis
    for start in range(0, len(data), 4):
        word = int.from_bytes(data[start : start + 4].ljust(4, b"\0"), "little")
        if word:
            word = word * 0xCC9E2D51 & 0xFFFFFFFF
            word = (word << 15 | word >> 17) & 0xFFFFFFFF
            value ^= word * 0x1B873593 & 0xFFFFFFFF
        value = (value << 13 | value >> 19) & 0xFFFFFFFF
        value = value * 5 + 0xE6546B64 & 0xFFFFFFFF
    value ^= len(data)
    value ^= value >> 16
    value = value * 0x85EBCA6B & 0xFFFFFFFF
    value ^= value >> 13
    value = value * 0xC2B2AE35 & 0xFFFFFFFF
    return value ^ value >> 16
