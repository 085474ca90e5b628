"""``kubectl ko nb restore`` in steps that can be resumed or undone: nothing is deleted, everything is set aside.

The order is that of kubectl-ko (dist/images/kubectl-ko) with a check after each step; kubectl-ko goes on blindly and
leaves ovn-central stopped when anything fails. Kube-OVN's start-db.sh turns a standalone file on the first node of
NODE_IPS into a new cluster, and the other nodes join it. Newer releases rebuild a missing file from ``*.hdr`` beside
it, which would bring the old cluster back: those are set aside with it.

Every step may be run again from its start, whatever it had done when it ended.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from ko_tui.backend.errors import ClusterError, KoError, UsageError
from ko_tui.backend.operations.journal import PUT_BACK, STEPS, RestoreJournal, save, write_whole
from ko_tui.backend.operations.member_file import MemberFile, best, examine
from ko_tui.backend.operations.model import OnText
from ko_tui.backend.operations.restore_hands import Hands, fetch_all

NB, SB = "ovnnb_db.db", "ovnsb_db.db"
DATABASE_FILES = (NB, SB, "ovnnb_db.hdr", "ovnsb_db.hdr")
NAME = "OVN_Northbound"


class RestoreStopped(ClusterError):
    """A step failed; the journal knows where, and ``next_step`` how to go on."""

    title = "The restore stopped half-way"


class Restore:
    """One restore, new or resumed. ``on_text`` is told each step and what came of it."""

    def __init__(self, hands: Hands, journal: RestoreJournal, *, on_text: OnText) -> None:
        self.hands, self.journal, self._say = hands, journal, on_text
        self._first = journal.members[0].node
        self._nodes = [m.node for m in journal.members]

    def run(self) -> None:
        """Do what is not done yet. Raises RestoreStopped; the journal was on the disk before the first change."""
        journal = self.journal
        if journal.ended:
            raise UsageError(f"That restore has ended: {journal.ended}.")
        if journal.begun(PUT_BACK):
            raise UsageError("It is being undone.", f"Go on with: {command(journal, '--abort')}")
        steps: dict[str, Callable[[], str]] = {
            "reach": self._reach,
            "keep": self._keep,
            "stop": self._stop,
            "prepare": self._prepare,
            "set aside": self._set_aside,
            "place": self._place,
            "start": self._start,
            "verify": self._verify,
            "restart ovs": self._restart_ovs,
        }
        save(journal)
        while journal.following:
            self._step(journal.following, steps[journal.following])
        journal.ended = "restored"
        save(journal)

    def put_back(self) -> None:
        """Undo it: ovn-central down, every file where it was, ovn-central up. May be resumed by itself.

        Raises RestoreStopped.
        """
        if self.journal.ended:
            raise UsageError(f"That restore has ended: {self.journal.ended}.")
        self._step(PUT_BACK, self._return_everything)
        self.journal.ended = "put back"
        save(self.journal)

    def _step(self, name: str, do: Callable[[], str]) -> None:
        journal = self.journal
        number = f"{STEPS.index(name) + 1}/{len(STEPS)} " if name in STEPS else ""
        journal.note(name, "begun")
        self._say(f"{number}{name} ...")
        try:
            detail = do()
        except (KoError, OSError, KeyboardInterrupt) as error:
            what = error.what if isinstance(error, KoError) else str(error)
            if isinstance(error, KeyboardInterrupt):  # of any signal that ends ko-tui in order
                what = "it was interrupted."
            self._failed(name, what)
            more = error.next_step if isinstance(error, KoError) else ""
            way = f"{how_to_go_on(journal)} {more}".strip()
            raise RestoreStopped(f"Step {name!r}: {what}", way) from error
        except (
            Exception
        ) as error:  # a defect of ko-tui's own must not leave a person without a way on, either
            self._failed(name, f"{type(error).__name__}: {error}")
            self._say(how_to_go_on(journal))
            raise
        journal.note(name, "done", detail)
        self._say(f"{number}{name}: {detail}")

    def _failed(self, name: str, what: str) -> None:
        with contextlib.suppress(KoError):
            self.hands.let_go()
        self.journal.note(name, "failed", what)

    # -- steps --------------------------------------------------------------------------------------------------

    def _reach(self) -> str:
        """Every node's files can be seen; what is there now is what an undoing brings back."""
        journal = self.journal
        journal.members = [
            structs.replace(m, files=sorted(self.hands.names(m.node) & set(DATABASE_FILES)))
            for m in journal.members
        ]
        return f"the files of {', '.join(self._nodes)} can be reached"

    def _keep(self) -> str:
        """Both databases' files of every member, on this machine, before anything is changed."""
        kept = 0
        for name in (NB, SB):
            for node, content in fetch_all(self.hands, self._nodes, name).items():
                self._write(f"{node}-{name}", content)
                kept += 1
        return f"{kept} files of {len(self._nodes)} nodes are kept in {self.journal.kept}"

    def _stop(self) -> str:
        self.hands.scale(0)
        self.hands.wait_stopped()
        return "no ovn-central pod is left"

    def _prepare(self) -> str:
        """The file to restore, on the first node, read back and compared with what it was made of."""
        journal = self.journal
        content, wanted = self._given() if journal.given else self._from_members()
        attempt = len(journal.prepared)
        name, sent = self._names(attempt)
        raw = sent if wanted.kind == "clustered" else name
        journal.prepared.append(name)
        save(journal)
        self.hands.send(self._first, raw, content)
        if self.hands.digest(self._first, raw) != hashlib.sha256(content).hexdigest():
            raise RestoreStopped("What arrived on the node is not what was sent.")
        if raw != name:
            self.hands.to_standalone(self._first, raw, name)
        back = self.hands.fetch(self._first, name)
        found = examine(self._first, back, NAME)
        if found.kind != "standalone" or found.problem or found.rows != wanted.rows:
            raise RestoreStopped(f"The prepared file is not what it was made of: {found}.")
        self._write("restored.db", back)
        journal.sha256, journal.rows, journal.file = hashlib.sha256(back).hexdigest(), found.rows, name
        return f"{sum(found.rows.values())} rows from {journal.source or 'the given file'}, read back and compared"

    def _given(self) -> tuple[bytes, MemberFile]:
        content = Path(self.journal.given).read_bytes()
        found = examine("the given file", content, NAME)
        if found.kind == "unusable":
            raise RestoreStopped(f"{self.journal.given} cannot be used any more: {found.problem}.")
        return content[: found.good], found

    def _from_members(self) -> tuple[bytes, MemberFile]:
        """Of the files as the stopped servers left them, the one that knows most."""
        contents = fetch_all(self.hands, self._nodes, NB)
        if not contents and self.journal.begun("set aside"):
            raise RestoreStopped("No member has its file any more.")
        files = [examine(node, content, NAME) for node, content in contents.items()]
        for each in files:
            self._write(f"{each.node}-stopped-{NB}", contents[each.node])
            self._say(f"  {each}")
        chosen = best(files)
        if chosen is None:
            raise RestoreStopped("No member's file can be used.", "Undo it, and restore from a backup FILE.")
        self.journal.source = chosen.node
        return contents[chosen.node][: chosen.good], chosen

    def _set_aside(self) -> str:
        moved = 0
        self._stay_stopped()
        for node in self._nodes:
            names = self.hands.names(node)
            for name in DATABASE_FILES:
                if name in names:
                    self.hands.move(node, name, self._unused(f"{name}.ko-{self.journal.stamp}", names))
            left = self.hands.names(node)
            if left & set(DATABASE_FILES):
                raise RestoreStopped(f"{node} still has {', '.join(sorted(left & set(DATABASE_FILES)))}.")
            moved += sum(1 for n in left if n.endswith(f".ko-{self.journal.stamp}"))
        return f"{moved} files are now *.ko-{self.journal.stamp} in /etc/ovn of their nodes"

    def _place(self) -> str:
        journal = self.journal
        self._stay_stopped()
        names = self.hands.names(self._first)
        if NB not in names:
            if self.hands.digest(self._first, journal.file) != journal.sha256:
                raise RestoreStopped(f"{journal.file} on {self._first} has been changed.")
            self.hands.move(self._first, journal.file, NB)
        if self.hands.digest(self._first, NB) != journal.sha256:
            raise RestoreStopped(f"{NB} on {self._first} is not the verified file.")
        return f"{NB} on {self._first} is the verified file"

    def _start(self) -> str:
        self.hands.scale(self.journal.replicas)
        self.hands.wait_started(self.journal.replicas)
        return f"{self.journal.replicas} ovn-central pods are ready"

    def _verify(self) -> str:
        found = self.hands.wait_serving(min(len(self._nodes), self.journal.replicas))
        fewer = []
        for table, rows in found.items():
            wanted = self.journal.rows.get(table, 0)
            if wanted and not rows:
                raise RestoreStopped(f"{table} is empty, the restored file had {wanted} rows.")
            if rows < wanted:
                fewer.append(f"{table} {rows} of {wanted}")
        # kube-ovn-controller works again by now: it removes what the cluster no longer has.
        note = f"; since removed by kube-ovn-controller: {', '.join(fewer)}" if fewer else ""
        counts = ", ".join(f"{table} {rows}" for table, rows in found.items())
        return f"all members have joined, both databases are led, ovn-northd works: {counts}{note}"

    def _restart_ovs(self) -> str:
        self.hands.restart_ovs(self.journal.stamp)
        self._clear()
        self.hands.let_go()
        return "every ovs pod runs on the new southbound database"

    # -- undoing --------------------------------------------------------------------------------------------------

    def _return_everything(self) -> str:
        journal = self.journal
        if not journal.begun("stop"):
            self.hands.let_go()
            return "nothing had been changed"
        # A stop that was under way may still be carried out: it is ended first, and the files are then nobody's.
        self._stop()
        returned = 0
        for member in journal.members:
            returned += self._return_files(member.node, set(member.files))
        self._clear()
        self.hands.let_go()
        self.hands.scale(journal.replicas)
        try:
            self.hands.wait_started(journal.replicas)
            state = f"{journal.replicas} ovn-central pods run"
        except KoError as error:
            # What was broken before is broken again: that is what was asked for.
            state = f"ovn-central is not well, as it may have been before: {error.what}"
        if journal.begun("start"):
            self.hands.restart_ovs(f"{journal.stamp}-undone")
        return f"{returned} files are back; {state}"

    def _return_files(self, node: str, before: set[str]) -> int:
        """What was set aside gets its name back; what came in its place gets another."""
        returned = 0
        for name in DATABASE_FILES:
            names = self.hands.names(node)
            aside = f"{name}.ko-{self.journal.stamp}"
            came_later = aside in names or (name not in before and self.journal.begun("place"))
            if name in names and came_later:
                self.hands.move(node, name, self._unused(f"{aside}-undone", names))
            if aside in names:
                self.hands.move(node, aside, name)
                self._say(f"  {node}: {name} is back")
                returned += 1
        return returned

    # -- names ------------------------------------------------------------------------------------------------------

    def _names(self, attempt: int) -> tuple[str, str]:
        """Each attempt has names of its own: a program of a killed ko-tui may still write to the last one's."""
        base = f"ko-restore-{self.journal.stamp}"
        return f"{base}-{2 * attempt}.db", f"{base}-{2 * attempt + 1}.db"

    def _unused(self, name: str, names: set[str]) -> str:
        taken = [name, *(f"{name}-{number}" for number in range(2, 100))]
        return next(n for n in taken if n not in names)

    def _clear(self) -> None:
        """Remove what ko-tui itself made on the first node; what was there before stays."""
        ours = {name for attempt in range(len(self.journal.prepared)) for name in self._names(attempt)}
        for name in sorted(ours & self.hands.names(self._first)):
            self.hands.remove(self._first, name)

    def _stay_stopped(self) -> None:
        """Somebody may have scaled it up again since; files are only touched when nothing runs."""
        if self.hands.central_pods():
            self._stop()

    def _write(self, name: str, content: bytes) -> None:
        self.journal.kept.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(self.journal.kept / name, content)


def command(journal: RestoreJournal, option: str) -> str:
    """The command line that goes on with this restore."""
    context = f" --context {journal.context}" if journal.context else ""
    return f"ko-tui --allow-write{context} nb restore {option}"


def how_to_go_on(journal: RestoreJournal) -> str:
    """Where it stands and the two ways on, for a person in a hurry."""
    if journal.begun(PUT_BACK):
        return f"Go on undoing it with: {command(journal, '--abort')}"
    down = "ovn-central is stopped. " if journal.begun("stop") and "start" not in journal.done else ""
    return (
        f"{down}Go on with: {command(journal, '--resume')} - or undo it with: {command(journal, '--abort')} - "
        f"Nothing was deleted: see {journal.kept} here and *.ko-{journal.stamp} in /etc/ovn of the nodes."
    )
