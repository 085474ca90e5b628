"""Asking before something is changed: the name of the target must be typed, or given with ``--yes``."""

from __future__ import annotations

import sys

from ko_tui.backend.errors import UsageError
from ko_tui.cli.visible import visible


class NotConfirmed(UsageError):
    """The person did not confirm; nothing was done."""

    title = "Nothing was changed"


def confirm(what: str, *, target: str, given: str = "") -> None:
    """Say ``what`` will happen and ask for ``target`` to be typed. Raises NotConfirmed.

    ``given`` is the value of ``--yes``: it must be the target's name. Without a terminal and without ``--yes``
    nothing is done.
    """
    print(f"This will change the cluster:\n  {visible(what)}", file=sys.stderr)
    if given:
        if given != target:
            raise NotConfirmed(
                f"--yes names {given!r}, but the target is {target!r}.", f"Use --yes {target}."
            )
        return
    if not sys.stdin.isatty():
        raise NotConfirmed("There is no terminal to ask on.", f"Confirm with --yes {target}.")
    print(f"Type {visible(target)} to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != target:
        raise NotConfirmed("What was typed is not the target's name.")
