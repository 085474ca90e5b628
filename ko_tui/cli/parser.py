"""The parser of a command's words: a mistake is told in a line or two, help shows the command's own options first."""

from __future__ import annotations

import argparse
import sys
from types import ModuleType
from typing import NoReturn

from ko_tui.cli.options import global_parser


class WordParser(argparse.ArgumentParser):
    """For the command ``word``, whose module has SUMMARY and add_arguments."""

    def __init__(self, word: str, module: ModuleType) -> None:
        super().__init__(
            prog=f"ko-tui {word}",
            description=module.SUMMARY,
            parents=[global_parser()],
            allow_abbrev=False,
        )
        self._module = module
        module.add_arguments(self)

    def error(self, message: str) -> NoReturn:
        """What is wrong, and what would be right: the whole usage would push it off a small screen."""
        missing = "the following arguments are required: "
        if message.startswith(missing):
            named = message.removeprefix(missing).split(", ")
            needed = [
                a for a in self._get_positional_actions() if a.dest in named and a.nargs not in ("?", "*")
            ]
            message = f"missing: {', '.join(a.dest for a in needed)}"
            for action in needed:
                if action.choices:
                    message += f"\n  {action.dest} is one of {', '.join(map(str, action.choices))}"
                elif action.help:
                    message += f"\n  {action.dest}: {action.help}"
        print(f"{self.prog}: {message}\n  See {self.prog} --help.", file=sys.stderr)
        raise SystemExit(2)

    def format_help(self) -> str:
        """With a usage line of the command's own options; those of every command are in groups below."""
        own = argparse.ArgumentParser(prog=self.prog, add_help=False)
        self._module.add_arguments(own)
        self.usage = own.format_usage().removeprefix("usage: ").rstrip().replace("%", "%%") + " [options]"
        return super().format_help()
