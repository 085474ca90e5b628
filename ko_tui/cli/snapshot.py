"""``ko-tui snapshot save|show FILE``: a whole cluster in one file, and what such a file holds."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ko_tui.backend.errors import UsageError
from ko_tui.cli.options import session_options
from ko_tui.cli.visible import visible

SUMMARY = """Save the cluster's OVN databases, objects and Open vSwitch state to a file, or show what a file holds.
Open it with ko-tui --snapshot FILE; Secrets are never read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("save", "show"))
    parser.add_argument("file", metavar="FILE.kosnap")
    parser.add_argument(
        "--redact", action="store_true", help="replace names and addresses, the same everywhere"
    )
    parser.add_argument("--force", action="store_true", help="replace a file that exists")


def run(args: argparse.Namespace) -> int:
    return save(args) if args.action == "save" else show(args)


def save(args: argparse.Namespace) -> int:
    """Save; gives 0 when everything could be saved, 3 when some of it could not."""
    from ko_tui.backend.saving.save import save_snapshot
    from ko_tui.backend.session import open_session

    path = Path(args.file)
    if path.exists() and not args.force:
        raise UsageError(f"{path} exists already.", "Choose another name, or give --force.")
    session = open_session(session_options(args))
    try:
        manifest = save_snapshot(session, path, redact=args.redact, on_progress=_progress)
    finally:
        session.close()
    _clear()
    size = path.stat().st_size
    print(f"Saved {visible(str(path))}: {size / 1e6:.1f} MB, {len(manifest.members)} parts.")
    for failure in manifest.failed:
        print(f"  not saved: {visible(failure.what)}: {visible(failure.reason)}", file=sys.stderr)
    return 3 if manifest.failed else 0


def show(args: argparse.Namespace) -> int:
    """Check a file whole and print what it holds."""
    from ko_tui.backend.source.snapshot import open_snapshot

    source = open_snapshot(args.file)
    try:
        info = source.info
        archive = source.archive
        if archive is None:
            database = source.database(source.sole_database())
            print(f"{visible(info.label)}: {database.name} {database.version}")
            for title, rows in sorted(database.tables.items()):
                if len(rows):
                    print(f"  {title:<24} {len(rows):>9}")
            return 0
        manifest = archive.manifest
        print(
            f"{visible(info.label)}: cluster {visible(manifest.cluster)}, taken {visible(manifest.taken_at)}"
        )
        print(f"  saved by {visible(manifest.program)}{', redacted' if manifest.redacted else ''}")
        for name, member in manifest.members.items():
            archive.read(name)
            print(f"  {name:<24} {member.size:>12}")
        for failure in manifest.failed:
            print(f"  not saved: {visible(failure.what)}: {visible(failure.reason)}")
        return 0
    finally:
        source.close()


def _progress(what: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{done}/{total} {visible(what)[:60]}", end="", file=sys.stderr, flush=True)


def _clear() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
