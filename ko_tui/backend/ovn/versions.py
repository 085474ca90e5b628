"""The OVN releases that ko-tui knows, in order, and which Kube-OVN ships which.

Source: Kube-OVN release images (1.10 and 1.11 ship OVN 22.03, 1.12 ships 22.12, 1.13 and 1.14 ship 24.03,
1.15 and 1.16 ship 25.03).
"""

from __future__ import annotations

import re
from typing import Literal, get_args

OvnVersion = Literal["22.03", "22.12", "23.03", "24.03", "25.03", "26.03"]
KNOWN: tuple[OvnVersion, ...] = get_args(OvnVersion)
DEFAULT: OvnVersion = "25.03"


def nearest(text: str) -> OvnVersion:
    """The known release nearest below ``text`` (``ovn-nbctl 24.09.1`` -> ``24.03``); DEFAULT when none is named."""
    found = re.search(r"(?<!\d)(\d\d)\.(\d\d)(?!\d)", text)
    if not found:
        return DEFAULT
    wanted = (int(found[1]), int(found[2]))
    below = [v for v in KNOWN if (int(v[:2]), int(v[3:])) <= wanted]
    return below[-1] if below else KNOWN[0]
