"""The command line: ``ko-tui`` opens the screen, ``ko-tui WORD ...`` answers without one.

Each word is a module of this package with ``SUMMARY``, ``add_arguments(parser)`` and ``run(args) -> int``; only
the one that is used is imported. Exit status: 0 done (for a trace: delivered), 1 the answer is no (dropped,
unhealthy), 2 usage or refused, 3 the cluster or a command in it failed, 141 the reader of the output has gone.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from ko_tui import __version__
from ko_tui.backend.errors import KoError, UsageError
from ko_tui.cli.options import VALUE_OPTIONS, global_parser
from ko_tui.cli.words import PASS_THROUGH, WORDS

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
UNASKED = SimpleNamespace(
    kubeconfig="",
    context="",
    namespace=None,
    as_user="",
    as_group=[],
    as_uid="",
    snapshot="",
    demo=False,
    allow_write=False,
    read_only_strict=False,
    yes="",
    lang="",
    config="",
    dashboard=False,
    no_mouse=False,
    theme=None,
)
"""What the parser makes of no arguments: plain ``ko-tui`` does not wait for one to be made."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit status. Errors go to standard error, results to standard output."""
    _plug()
    arguments = list(sys.argv[1:] if argv is None else argv)
    position = find_word(arguments)
    try:
        if position is None:
            return _screen(arguments)
        word = arguments[position]
        if word == "help":  # ko-tui help [WORD]
            return main([*arguments[:position], "--help", *arguments[position + 1 : position + 2]])
        if word not in WORDS:
            print(f"ko-tui: there is no command {word!r}. See ko-tui --help.", file=sys.stderr)
            return 2
        status = _word(word, arguments[:position], arguments[position + 1 :])
        sys.stdout.flush()  # what the disk does not take is told here, and not by Python behind our back
        return status
    except KoError as error:
        report(error)
        return error.exit_code
    except BrokenPipeError:
        return _unread()
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # rich's way to end: 1 would be an answer of ours
            return _unread()
        raise
    except OSError as error:
        return _cut_short(error) if error.errno in NO_ROOM else unexpected(error)
    except Exception as error:
        return unexpected(error)
    except KeyboardInterrupt as told:
        number = int(getattr(told, "number", 2))
        with contextlib.suppress(OSError):  # the terminal may be what has gone
            print("ko-tui: interrupted.", file=sys.stderr)
        return 128 + number


MOST_CRASHES = 1 << 20
"""Bytes of crash.log; then it becomes crash.log.1, and the one before goes."""


def unexpected(error: Exception) -> int:
    """A defect of ko-tui itself: its details go to a file, a person gets one line."""
    import traceback

    from platformdirs import user_state_path

    from ko_tui.cli.visible import visible

    path = user_state_path("ko-tui") / "crash.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > MOST_CRASHES:
            path.replace(path.with_suffix(".log.1"))
        with path.open("a") as out:
            traceback.print_exception(error, file=out)
    except OSError:
        traceback.print_exception(error)
    print(
        f"ko-tui: a defect of ko-tui itself: {type(error).__name__}: {visible(str(error))}", file=sys.stderr
    )
    print(f"  Please report it with {path}.", file=sys.stderr)
    return 70


def _plug() -> None:
    """Started with a standard stream closed (``>&-``): its number must not become a socket's, nor its lack a defect."""
    import os

    for name, flags in (("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY), ("stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, flags)  # the lowest that is free
            setattr(sys, name, os.fdopen(number, "w" if flags else "r"))


def _unread() -> int:
    """Who read standard output has enough, as ``| head`` does: the status is that of a program ended by SIGPIPE."""
    _close_stdout()
    return 141


def _close_stdout() -> None:
    """Python would try to write once more at its end, and complain in its own way."""
    import os

    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _cut_short(error: OSError) -> int:
    """Standard output goes to a file, and its disk is full."""
    _close_stdout()
    print(
        f"ko-tui: The output cannot be written: {error.strerror}. What was written of it is cut short.\n"
        "  Free some room, or send it elsewhere.",
        file=sys.stderr,
    )
    return 3


def find_word(arguments: Sequence[str]) -> int | None:
    """The index of the first word that is no option and no option's value."""
    skip = False
    for index, argument in enumerate(arguments):
        if skip:
            skip = False
        elif argument in VALUE_OPTIONS:
            skip = True
        elif not argument.startswith("-"):
            return index
    return None


def report(error: KoError) -> None:
    """An expected error on standard error: title, what happened, what to do next."""
    from ko_tui.cli.visible import visible

    print(f"ko-tui: {visible(error.title)}: {visible(error.what)}", file=sys.stderr)
    if error.next_step:
        print(f"  {visible(error.next_step)}", file=sys.stderr)


def _tell(words: str) -> None:
    """Beside what was asked for: a line on standard error."""
    from ko_tui.cli.visible import visible

    print(f"ko-tui: {visible(words)}", file=sys.stderr)


def _screen(arguments: list[str]) -> int:
    args: Any = _screen_options(arguments) if arguments else UNASKED
    if not (
        sys.stdin.isatty() and sys.stderr.isatty()
    ):  # it reads its keys from the one and paints on the other
        raise UsageError(
            "The screen needs a terminal, and there is none here.",
            "ko-tui --help lists the commands that need none; ko-tui explain reads what is piped in.",
        )
    # What is imported stays: looking through it again and again would only hold up the first paint (app.on_ready).
    gc.disable()
    from ko_tui.app import run

    return run(args)


def _screen_options(arguments: list[str]) -> Any:
    import argparse

    parser = argparse.ArgumentParser(
        prog="ko-tui",
        parents=[global_parser()],
        description="A keyboard-driven flow explorer for Kube-OVN. Without a command it opens the screen.",
        epilog="commands:\n" + "\n".join(f"  {word:<11} {text}" for word, (_, text) in WORDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ko-tui {__version__}")
    parser.add_argument(
        "--dashboard", action="store_true", help="start on the status screen, take no acting keys"
    )
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument("--theme", help="a theme's name, or ansi for the terminal's own colours")
    return parser.parse_args(arguments)


def _word(word: str, before: list[str], after: list[str]) -> int:
    from ko_tui.cli import leftovers
    from ko_tui.cli.parser import WordParser
    from ko_tui.cli.signals import unwinding

    module = importlib.import_module(WORDS[word][0])
    parser = WordParser(word, module)
    if hasattr(module, "read_words"):  # another program's words, which this one has others for
        after = module.read_words(after)
    if word in PASS_THROUGH:
        # What follows is the tool's own language: none of it is ours to read.
        args = parser.parse_args([*before, "--", word, *after])
    else:
        # Options may stand between the words: ko-tui nb backup --context x FILE.
        args = parser.parse_intermixed_args([*before, *after])
    from ko_tui.backend.command.audit import AuditLog

    AuditLog.told = _tell
    leftovers.tell(word)
    with unwinding():
        return int(module.run(args))
