"""The order in which OVN's tools walk their hash tables, where what they print depends on it.

ovn-trace takes the first of several equally good rows (load balancer addresses, flows of equal priority), and
"first" is the order of an Open vSwitch ``hmap``. Facts: include/openvswitch/hmap.h, lib/hmap.c, lib/hash.c
(MurmurHash3), lib/uuid.h.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def mask_for(count: int) -> int:
    """The bucket mask of an hmap that grew to ``count`` nodes one by one."""
    half = count // 2
    mask = (1 << half.bit_length()) - 1
    return 3 if mask == 1 else mask


def bucket(uuid: str, mask: int) -> int:
    """The bucket of a row: OVN hashes a UUID by its first 32 bits."""
    return int(uuid[:8], 16) & mask


def row_order(rows: Sequence[T], uuid: Callable[[T], str]) -> list[T]:
    """Rows in the order in which the IDL walks a table of them. Rows that share a bucket keep their own order."""
    mask = mask_for(len(rows))
    return sorted(rows, key=lambda row: bucket(uuid(row), mask))


def string_order(keys: Iterable[str]) -> list[str]:
    """Keys in the order in which an ``smap`` of them is walked."""
    names = list(keys)
    mask = mask_for(len(names))
    return sorted(names, key=lambda name: hash_bytes(name.encode()) & mask)


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
