"""``ko-tui config``: every setting, explained."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ko_tui.config import config_path, documented, load
from ko_tui.visible import visible

NAME = "config"
SUMMARY = "Show the configuration: every setting with what it does, its value, and the ids of all keys."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--print", dest="print_it", action="store_true", help="print it as TOML (the default)")
    what.add_argument("--path", action="store_true", help="print where the file is looked for")
    what.add_argument("--defaults", action="store_true", help="print it with the defaults")
    what.add_argument("--keys", action="store_true", help="print every key and the id to change it by")


def run(args: argparse.Namespace) -> int:
    if args.path:
        print(Path(args.config) if args.config else config_path())
    elif args.keys:
        from ko_tui.keymap import normalized, troubles
        from ko_tui.screens.directory import every_command

        keys = load(Path(args.config) if args.config else None).keys
        changed = normalized(keys)
        for place, command in every_command():
            key = changed.get(command.id, command.key)
            print(f"{command.id:<26} {key:<22} {place}: {command.summary}")
        for words in troubles(keys, every_command()):
            print(f"ko-tui: {visible(words)}", file=sys.stderr)
    else:
        settings = None if args.defaults else load(Path(args.config) if args.config else None)
        sys.stdout.write(documented(settings))
    return 0
