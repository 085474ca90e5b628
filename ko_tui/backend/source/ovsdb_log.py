"""The outer form of OVSDB files: a log of JSON records, each with its length and SHA-1 checksum.

Facts: ovsdb(5) (File Formats) and ovsdb/log.c. A record is ``OVSDB JSON <length> <sha1>`` (standalone) or
``OVSDB CLUSTER <length> <sha1>`` (a server of a raft cluster), a line feed, and ``length`` bytes of JSON.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import BinaryIO, Literal

from ko_tui.backend.errors import KoError

MAX_RECORD = 8 << 30
HEADER_LIMIT = 256
_HEADER = re.compile(rb"OVSDB (JSON|CLUSTER) (\d{1,12}) ([0-9a-f]{40})\n")

Magic = Literal["JSON", "CLUSTER"]


class DatabaseFileError(KoError):
    """A database file that cannot be read: not one, cut short, or damaged."""

    title = "The database file cannot be read"
    exit_code = 2


def records(stream: BinaryIO, name: str) -> Iterator[tuple[Magic, bytes]]:
    """Each record's magic and JSON bytes, in order. ``name`` is the file's, for errors.

    A last record that was cut off in writing is left out, as ovsdb-server does, if whole records precede it.
    Raises DatabaseFileError when the file is none, is damaged before its end, or holds not one whole record.
    """
    position, count = 0, 0
    while True:
        header = stream.readline(HEADER_LIMIT)
        if not header:
            break
        found = _HEADER.fullmatch(header)
        if found is None:
            if count == 0:
                raise DatabaseFileError(
                    f"{name} is not an OVSDB file.",
                    "Give a backup of the northbound or southbound database, or a .kosnap file.",
                )
            if not header.endswith(b"\n") and len(header) < HEADER_LIMIT:
                break  # a header that was being written when the server stopped
            raise _damaged(name, f"there is no record header at byte {position}")
        length = int(found[2])
        if length > MAX_RECORD:
            raise _damaged(name, f"the record at byte {position} claims {length} bytes")
        body = stream.read(length)
        if len(body) < length:
            if count < 2:
                raise DatabaseFileError(
                    f"{name} is cut short: its record at byte {position} has {len(body)} of {length} bytes.",
                    "Copy the file again.",
                )
            break
        if hashlib.sha1(body, usedforsecurity=False).hexdigest().encode() != found[3]:
            raise _damaged(name, f"the checksum of the record at byte {position} is wrong")
        position += len(header) + length
        count += 1
        yield ("JSON" if found[1] == b"JSON" else "CLUSTER"), body
    if count == 0:
        raise DatabaseFileError(f"{name} is empty.", "Copy the file again.")


def _damaged(name: str, what: str) -> DatabaseFileError:
    return DatabaseFileError(f"{name} is damaged: {what}.", "Copy the file again, or take another backup.")
