"""Tables fitted to a terminal; whole where another program reads them."""

from __future__ import annotations

import sys

from rich.console import Console

ROOMY = 120  # columns from which on names are not cut
_ENDLESS = 1000


def table_console() -> Console:
    """A console that cuts or wraps nothing when standard output is no terminal."""
    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=_ENDLESS)
