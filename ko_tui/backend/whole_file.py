"""A file on this machine that is whole or not there: what a full disk has cut short is never left under its name."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def replace_file(path: Path, content: bytes, *, lasting: bool = False) -> None:
    """Give ``path`` this content, for its owner alone; ``lasting``: it is on the disk, name and all, when this returns.

    Raises OSError, and then what was there before is still there.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(content)
            out.flush()
            if lasting:
                os.fsync(out.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    if lasting:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def new_file(path: Path, content: bytes) -> None:
    """Make ``path`` with this content; nothing is left of it when that fails. Raises OSError, FileExistsError too."""
    with path.open("xb", buffering=0) as out:
        try:
            rest = memoryview(content)
            while rest:  # a nearly full disk takes a part
                rest = rest[out.write(rest) :]
            os.fsync(out.fileno())  # some disks say only now that they are full
        except BaseException:
            with contextlib.suppress(OSError):
                path.unlink()
            raise
