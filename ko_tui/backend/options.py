"""How a session is asked for. Apart from the session, so that a refusal before any cluster imports nothing of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["read-only", "strict", "allow-write"]


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How a session was asked for on the command line. Empty means "as kubectl would"."""

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""  # of Kube-OVN; found by labels when empty
    snapshot: str = ""  # a file: a saved cluster instead of a live one
    demo: bool = False
    mode: Mode = "read-only"
    as_user: str = ""
    as_groups: tuple[str, ...] = ()
    as_uid: str = ""
    lang: str = "en"
    stays: bool = False  # it is a screen's: what it fetched is kept current
