"""``kubectl ko log``: logs of Kube-OVN, OVN, Open vSwitch and facts of the nodes, all at once into one archive.

Files are streamed by tar(1) out of the pods' log directories; commands' output becomes a file each. What could not
be had is listed in ``FAILED.txt`` within the archive and told to the person.
"""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ko_tui.backend.cluster.pods import CNI, OVS_LABELS, is_ready, node_of, ref
from ko_tui.backend.command.runner import TO_A_FILE
from ko_tui.backend.errors import KoError
from ko_tui.backend.operations.fanout import ask_all
from ko_tui.backend.operations.log_archive import LogArchive
from ko_tui.backend.operations.model import OnText, quiet
from ko_tui.backend.operations.patience import SilentNodes
from ko_tui.backend.source.interface import Cancel, CouldNotStart, ExecCancelled, ExecTimeout, PodRef

if TYPE_CHECKING:
    from ko_tui.backend.session import Session

What = Literal["kube-ovn", "ovn", "ovs", "linux", "all"]
DIRECTORIES: dict[str, tuple[str, str]] = {
    # part -> (which pod of the node, directory in it)
    "kube-ovn": (CNI, "kube-ovn"),
    "ovn": ("ovs", "ovn"),
    "ovs": ("ovs", "openvswitch"),
}
FILE_SECONDS = 300.0
COMMAND_SECONDS = 20.0
MAX_MEMBER = 2 * 1024**3  # bytes: a log file larger than this is left out and named
LINUX: dict[str, tuple[tuple[str, ...], ...]] = {
    "dmesg": (("dmesg", "-T"),),
    "iptables-legacy": tuple(
        (f"/usr/sbin/{tool}-legacy", "-S", *table)
        for tool in ("iptables", "ip6tables")
        for table in ((), ("-t", "nat"))
    ),
    "iptables-nft": tuple(
        (f"/usr/sbin/{tool}-nft", "-S", *table)
        for tool in ("iptables", "ip6tables")
        for table in ((), ("-t", "nat"))
    ),
    "route": (("ip", "-4", "route", "show"), ("ip", "-6", "route", "show")),
    "link": (("ip", "-d", "-s", "link", "show"),),
    "neigh": (("ip", "-4", "neigh"), ("ip", "-6", "neigh")),
    "memory": (("free", "-m"),),
    "top": (("top", "-b", "-n", "1"),),
    "sysctl": (("sysctl", "-a"),),
    "netstat": (("netstat", "-tunlp"),),
    "addr": (("ip", "addr", "show"),),
    "ipset": (("ipset", "list"),),
    "tcp": (("cat", "/proc/net/sockstat"),),
    "ipsec": (("ipsec", "statusall"),),
    "xfrm": (("ip", "xfrm", "policy"),),
}


@dataclass(frozen=True, slots=True)
class Collected:
    """``path`` of the archive, the number of files in it, its size in bytes, and what could not be had."""

    path: Path
    files: int
    size: int
    failed: tuple[str, ...]


def collect(
    session: Session,
    what: What,
    path: Path,
    *,
    on_text: OnText = quiet,
    cancel: Cancel | None = None,
) -> Collected:
    """Collect into ``path`` (.tar.gz), which appears only when it is whole. Raises UsageError when it cannot be
    written, ExecCancelled when it was stopped; nodes that do not answer are named in the result, and do not stop the
    others."""
    parts = [*DIRECTORIES, "linux"] if what == "all" else [what]
    cni = {node_of(p): ref(p, CNI) for p in session.app_pods(CNI) if is_ready(p)}
    ovs = {node_of(p): ref(p) for p in session.app_pods(*OVS_LABELS) if is_ready(p)}
    silent = {node_of(p) for p in (*session.app_pods(CNI), *session.app_pods(*OVS_LABELS)) if not is_ready(p)}
    nodes = sorted(set(cni) | set(ovs))
    jobs = [
        (node, part) for part in parts for node in nodes
    ]  # so a silent node is known before its second part
    known = SilentNodes()
    failed = [f"{node}: its pods are not ready" for node in sorted(silent)]
    stop = Cancel()  # a full disk ends the collecting as the person would
    if cancel is not None:
        cancel.on_cancel(stop.cancel)
    with LogArchive(path, stop) as archive:

        def one(job: tuple[str, str]) -> list[str]:
            with archive.at_work():
                return known.ask(job[0], lambda: collect_one(*job))

        def collect_one(node: str, part: str) -> list[str]:
            if part == "linux":
                return _linux(session, cni.get(node) or ovs[node], node, archive, stop)
            app, directory = DIRECTORIES[part]
            pod = (cni if app == CNI else ovs).get(node)
            if pod is None:
                return [f"{node}/{part}: no ready pod there"]
            return _directory(session, pod, node, part, directory, archive, stop)

        answers = ask_all(jobs, one, parallel=8, cancel=stop)
        with contextlib.closing(answers):
            for done, ((node, part), answer) in enumerate(answers, 1):
                archive.check()
                problems = [f"{node}/{part}: {answer.what}"] if isinstance(answer, KoError) else answer
                failed += problems
                on_text(f"{done}/{len(jobs)} {node} {part}" + (f": {problems[0]}" if problems else ""))
        if cancel is not None and cancel.cancelled:
            raise ExecCancelled("The collecting was stopped; no archive was written.")
        if failed:
            archive.add("FAILED.txt", "\n".join(failed).encode() + b"\n")
        archive.finish()
    return Collected(path, archive.files, path.stat().st_size, tuple(failed))


def by_reason(failed: Sequence[str]) -> list[str]:
    """What could not be had, with the nodes where it was so: ``linux/ipset: ipset is not in this image (3 nodes)``."""
    nodes: dict[str, list[str]] = {}
    for line in failed:
        node, cut, rest = line.partition("/")
        nodes.setdefault(rest if cut else line, []).append(node if cut else "")
    return [
        f"{what} ({each[0] if len(each) == 1 else f'{len(each)} nodes'})" if each[0] else what
        for what, each in nodes.items()
    ]


def _directory(
    session: Session,
    pod: PodRef,
    node: str,
    part: str,
    directory: str,
    archive: LogArchive,
    cancel: Cancel | None,
) -> list[str]:
    """Stream one log directory into a temporary file, then its members into the archive."""
    with archive.spool() as spool:
        run = session.run(
            pod,
            ("tar", "-C", "/var/log", "-cf", "-", directory),
            timeout=FILE_SECONDS,
            cancel=cancel,
            on_stdout=lambda part_: archive.guarded(lambda: spool.write(part_)),
            max_output=TO_A_FILE,
        )
        spool.seek(0)
        problems = []
        # Status 1 of tar(1): a file grew while it was read, as logs do.
        if run.exit_code not in (0, 1):
            problems.append(
                f"{node}/{part}: tar ended with status {run.exit_code}: {' '.join(run.stderr.split())[-200:]}"
            )
        try:
            with tarfile.open(fileobj=spool, mode="r|") as incoming:
                for member in incoming:
                    if member.isfile() and member.size <= MAX_MEMBER:
                        content = incoming.extractfile(member)
                        if content is not None:
                            archive.add_stream(
                                f"{node}/{_safe(member.name)}", content, member.size, member.mtime
                            )
                    elif member.isfile():
                        problems.append(f"{node}/{_safe(member.name)}: left out, {member.size} bytes")
        except tarfile.TarError as error:
            problems.append(f"{node}/{part}: what came is not whole: {error}")
    return problems


def _linux(session: Session, pod: PodRef, node: str, archive: LogArchive, cancel: Cancel | None) -> list[str]:
    problems: list[str] = []
    for name, commands in LINUX.items():
        said = io.StringIO()
        for argv in commands:
            if cancel is not None and cancel.cancelled:
                return problems
            said.write(f"$ {' '.join(argv)}\n")
            try:
                run = session.run(pod, argv, timeout=COMMAND_SECONDS, cancel=cancel)
            except CouldNotStart:
                said.write(f"[{argv[0]} is not in this image]\n")
                problems.append(f"{node}/linux/{name}: {argv[0]} is not in this image")
                break
            except KoError as error:
                if isinstance(error, ExecTimeout) and not error.begun:
                    raise
                said.write(f"[{error.title}: {error.what}]\n")
                problems.append(f"{node}/linux/{name}: {error.what}")
                continue
            said.write(run.stdout + run.stderr)
            if run.exit_code != 0:
                said.write(f"[status {run.exit_code}]\n")
        archive.add(f"{node}/linux/{name}.log", said.getvalue().encode())
    return problems


def _safe(name: str) -> str:
    """A member's name without a way out of the archive."""
    return "/".join(part for part in name.split("/") if part not in ("", ".", ".."))
