"""Expected errors: each says what happened and what to do next."""

from __future__ import annotations


class KoError(Exception):
    """An error that a user can meet in normal use.

    ``title`` is a few words, ``what`` one or two sentences of fact, ``next_step`` what the user can do
    about it, ``exit_code`` the status of the command line (2 usage, 3 cluster or exec failure).
    Texts may hold hostile characters from the cluster: whoever shows them must not read them as markup.
    """

    title: str = "Something went wrong"
    exit_code: int = 3

    def __init__(
        self, what: str, next_step: str = "", *, title: str = "", exit_code: int | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step
        if title:
            self.title = title
        if exit_code is not None:
            self.exit_code = exit_code

    def __str__(self) -> str:
        parts = [f"{self.title}: {self.what}"]
        if self.next_step:
            parts.append(self.next_step)
        return " ".join(parts)


class UsageError(KoError):
    """The request itself is wrong; no cluster was asked."""

    title = "That request cannot be carried out"
    exit_code = 2


class PolicyRefusal(KoError):
    """The read-only policy does not let this run. The message holds the words "read-only"."""

    title = "Refused: ko-tui is read-only"
    exit_code = 2


class ClusterError(KoError):
    """The cluster, its API or a pod of it did not answer as needed."""

    title = "The cluster did not answer"
