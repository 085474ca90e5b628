"""``python -m ko_tui``: the same as the ``ko-tui`` command."""

import sys

from ko_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
