"""Asking the session from a screen: in a thread, with a request id, answered by a message.

Threads never touch widgets. An answer whose id is not the newest of its topic is dropped: it belongs to an older
question. Threads are daemons, so that a hanging cluster cannot keep the program from ending.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from textual.message import Message
from textual.message_pump import MessagePump

from ko_tui.backend.errors import KoError

if TYPE_CHECKING:
    from ko_tui.backend.session import Session
    from ko_tui.backend.source.interface import Cancel

T = TypeVar("T")
_ids = itertools.count(1)


class Unexpected(KoError):
    """An error that nobody foresaw, told as such."""

    title = "ko-tui made a mistake"


class Door:
    """Opens the session on first use, from whichever thread asks first; the others wait for it."""

    def __init__(self, open_session: Callable[[], Session]) -> None:
        self._open = open_session
        self._lock = threading.Lock()
        self._session: Session | None = None
        self.refused = False  # the last attempt to open it failed
        self.running: set[Question] = set()  # what threads are at work on

    def session(self) -> Session:
        """The session. Raises KoError kinds when it cannot be opened; the next call tries again."""
        with self._lock:
            if self._session is None:
                try:
                    self._session = self._open()
                except BaseException:
                    self.refused = True
                    raise
                self.refused = False
            return self._session

    @property
    def opened(self) -> Session | None:
        return self._session

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


@dataclass(eq=False)
class Question:
    """One question on its way. ``label`` says what is being done, for the screen and for cancelling."""

    topic: str
    id: int
    label: str
    then: Callable[[Any], None]
    failed: Callable[[KoError], None] | None
    progress: Callable[[Any], None] | None
    lingers: bool = False  # cancelled, it is still listened to: it undoes what it began, and says so
    stopping: bool = False
    cancel: Cancel | None = None
    done: threading.Event = field(default_factory=threading.Event)


@dataclass
class Answered(Message):
    """The answer to question ``request`` of ``topic``."""

    topic: str
    request: int
    value: Any


@dataclass
class Failed(Message):
    """There is no answer, and this is why."""

    topic: str
    request: int
    error: KoError


@dataclass
class Heard(Message):
    """A part of the answer, or progress; a newer one replaces those still waiting when ``latest``."""

    topic: str
    request: int
    value: Any
    latest: bool = False

    def can_replace(self, message: Message) -> bool:
        return (
            self.latest and isinstance(message, Heard) and message.latest and message.request == self.request
        )


class Asking(MessagePump):
    """For screens: :meth:`ask` a question, :meth:`cancel_question` it, and know what is :attr:`busy`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.questions: dict[str, Question] = {}

    def ask(
        self,
        topic: str,
        question: Callable[[Session, Cancel], T],
        then: Callable[[T], None],
        *,
        label: str = "",
        failed: Callable[[KoError], None] | None = None,
        progress: Callable[[Any], None] | None = None,
        lingers: bool = False,
    ) -> int:
        """Ask in a thread; ``then`` gets the answer on the screen's side. An older question of the topic is
        cancelled and its answer dropped. Gives the request id. What ``lingers`` is listened to after
        :meth:`cancel_question` too, until it ends or is cancelled again."""
        self.cancel_question(topic)
        asked = Question(topic, next(_ids), label, then, failed, progress, lingers)
        self.questions[topic] = asked
        door: Door = self.app.door  # type: ignore[attr-defined]

        def work() -> None:
            from ko_tui.backend.source.interface import Cancel

            asked.cancel = Cancel()
            door.running.add(asked)
            if asked.stopping:  # before it began
                asked.cancel.cancel()
            try:
                value = question(door.session(), asked.cancel)
            except KoError as error:
                self.post_message(Failed(topic, asked.id, error))
            except Exception as error:
                told = Unexpected(f"{type(error).__name__}: {error}", "Please report it with what you did.")
                told.__cause__ = error
                self.post_message(Failed(topic, asked.id, told))
            else:
                self.post_message(Answered(topic, asked.id, value))
            finally:
                door.running.discard(asked)
                asked.done.set()

        threading.Thread(target=work, name=f"ask-{topic}-{asked.id}", daemon=True).start()
        self.asking_changed()
        return asked.id

    def heard(self, topic: str, request: int, value: Any, *, latest: bool = False) -> None:
        """From the asking thread: hand a part of the answer to the question's ``progress``."""
        self.post_message(Heard(topic, request, value, latest))

    def cancel_question(self, topic: str) -> bool:
        """Give up the question of a topic; True when there was one."""
        asked = self.questions.get(topic)
        if asked is None:
            return False
        if asked.stopping or not asked.lingers:
            del self.questions[topic]
        asked.stopping = True
        if asked.cancel is not None:
            threading.Thread(target=asked.cancel.cancel, daemon=True).start()
        self.asking_changed()
        return True

    def asking_changed(self) -> None:
        """Something was asked, answered or given up; screens show it."""

    @property
    def busy(self) -> list[str]:
        """What is being waited for, in words."""
        return [f"stopping {q.label}" if q.stopping else q.label for q in self.questions.values() if q.label]

    def on_answered(self, message: Answered) -> None:
        message.stop()
        asked = self._current(message.topic, message.request)
        if asked is not None:
            del self.questions[message.topic]
            self.asking_changed()
            asked.then(message.value)

    def on_failed(self, message: Failed) -> None:
        message.stop()
        asked = self._current(message.topic, message.request)
        if asked is not None:
            del self.questions[message.topic]
            self.asking_changed()
            (asked.failed or self.show_failure)(message.error)

    def on_heard(self, message: Heard) -> None:
        message.stop()
        # A thread may speak before whoever asked has learned the number: then it is the newest question that speaks.
        known = message.request or getattr(self.questions.get(message.topic), "id", 0)
        asked = self._current(message.topic, known)
        if asked is not None and asked.progress is not None:
            asked.progress(message.value)

    def _current(self, topic: str, request: int) -> Question | None:
        asked = self.questions.get(topic)
        return asked if asked is not None and asked.id == request else None

    def show_failure(self, error: KoError) -> None:
        """Tell the person; screens say how."""
        raise error
