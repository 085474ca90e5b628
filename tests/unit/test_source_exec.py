"""Exec over WebSocket against the lab's API: bytes, exit codes, every way it can go wrong, and cancelling."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ko_tui.backend.source.exec import bounded
from ko_tui.backend.source.handshake import Timing
from ko_tui.backend.source.interface import (
    ApiUnavailable,
    Cancel,
    CouldNotStart,
    ExecCancelled,
    ExecFailed,
    ExecInterrupted,
    ExecNoStatus,
    ExecOutputLimit,
    ExecTimeout,
    Forbidden,
    NoSuchContainer,
    NotAuthorised,
    PodRef,
)
from ko_tui.backend.source.kinds import PODS
from ko_tui.backend.source.kubeconfig import Impersonation
from ko_tui.backend.source.live import LiveSource
from tests.lab.handle import ApiOnlyLab
from tests.lab.places import until
from tests.unit.source_lab import CLIENT, changed_config, lab, module_lab, opened, source

__all__ = ["lab", "module_lab", "source"]
MB = 1_000_000


def test_output_errors_and_exit_code_come_apart(source: LiveSource) -> None:
    done = source.exec(CLIENT, ["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (done.stdout, done.stderr, done.exit_code) == (b"out\n", b"err\n", 7)
    assert done.duration_ms > 0
    assert source.exec(CLIENT, ["true"]).exit_code == 0


def test_arguments_arrive_as_they_are(source: LiveSource) -> None:
    words = ["%s\\n", "a b", "ü", "&x=y", "'\"", "$HOME", "a+b%20", ";id"]
    done = source.exec(CLIENT, ["printf", "%s|", *words[1:]])
    assert done.stdout.decode().split("|")[:-1] == words[1:]


def test_tens_of_megabytes_out(source: LiveSource) -> None:
    """The sum of what left the program is the sum of what came, in one piece and by callback."""
    script = (
        "head -c 30000000 /dev/urandom | tee /dev/fd/3 3>&1 >/dev/null | tee sum.bin; sha256sum sum.bin >&2"
    )
    done = source.exec(CLIENT, ["bash", "-c", script])
    assert len(done.stdout) == 30 * MB
    assert hashlib.sha256(done.stdout).hexdigest() == done.stderr.decode().split()[0]
    digest = hashlib.sha256()
    sizes: list[int] = []

    def take(part: bytes) -> None:
        digest.update(part)
        sizes.append(len(part))

    again = source.exec(CLIENT, ["cat", "sum.bin"], on_stdout=take)
    assert again.stdout == b"" and sum(sizes) == 30 * MB and len(sizes) > 100
    assert digest.hexdigest() == done.stderr.decode().split()[0]


def test_tens_of_megabytes_in_and_back(source: LiveSource) -> None:
    """More than any buffer holds, both ways at once: reading must go on while writing."""
    blob = os.urandom(30 * MB)
    done = source.exec(CLIENT, ["cat"], stdin=blob)
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(blob).digest()
    summed = source.exec(CLIENT, ["sha256sum"], stdin=blob)
    assert summed.stdout.split()[0].decode() == hashlib.sha256(blob).hexdigest()


def test_a_program_that_does_not_read_its_input_still_ends(source: LiveSource) -> None:
    done = source.exec(CLIENT, ["sh", "-c", "echo done; exit 3"], stdin=b"x" * 5 * MB)
    assert (done.stdout, done.exit_code) == (b"done\n", 3)


def test_characters_cut_at_frame_edges_stay_whole(lab: ApiOnlyLab, source: LiveSource) -> None:
    text = "Ümläute 網路 🙂 " * 200
    lab.faults.add("frame_size", after=7)
    done = source.exec(CLIENT, ["cat"], stdin=text.encode())
    assert done.stdout.decode() == text


def test_a_command_without_input_sees_its_end_at_once(source: LiveSource) -> None:
    assert source.exec(CLIENT, ["cat"], timeout=10).stdout == b""


# -- what goes wrong -------------------------------------------------------------------------------------------


def test_the_program_or_the_container_is_not_there(source: LiveSource) -> None:
    with pytest.raises(CouldNotStart, match="executable file not found"):
        source.exec(CLIENT, ["no-such-program"])
    for pod in (
        PodRef("default", "nobody"),
        PodRef("default", "client", "nobody"),
        PodRef("default", "pending"),
    ):
        with pytest.raises(NoSuchContainer):
            source.exec(pod, ["true"])


@pytest.mark.parametrize(
    ("code", "kind"), [(401, NotAuthorised), (403, Forbidden), (404, NoSuchContainer), (410, Exception),
                       (500, ApiUnavailable), (503, ApiUnavailable), (429, ApiUnavailable)]
)  # fmt: skip
def test_an_answer_instead_of_a_stream(
    lab: ApiOnlyLab, source: LiveSource, code: int, kind: type[Exception]
) -> None:
    lab.faults.add("http_status", path="/exec$", code=code, message="the reason in words")
    with pytest.raises(kind, match="the reason in words"):
        source.exec(CLIENT, ["true"])


def test_without_the_right_to_exec_the_server_says_so(lab: ApiOnlyLab) -> None:
    with opened(lab, "noexec") as source, pytest.raises(Forbidden, match='cannot get resource "pods/exec"'):
        source.exec(CLIENT, ["true"])


def test_a_handshake_that_is_never_answered(lab: ApiOnlyLab) -> None:
    lab.faults.add("no_handshake")
    with (
        opened(lab, timing=Timing(handshake=0.4)) as source,
        pytest.raises(ExecTimeout, match="did not begin"),
    ):
        source.exec(CLIENT, ["true"])
    with opened(lab) as source, pytest.raises(ExecTimeout, match="did not begin"):
        source.exec(CLIENT, ["true"], timeout=0.4)


def test_a_stream_cut_in_the_middle_is_never_a_result(lab: ApiOnlyLab, source: LiveSource) -> None:
    lab.faults.add("cut_stream", after=100_000)
    with pytest.raises(ExecInterrupted) as caught:
        source.exec(CLIENT, ["head", "-c", "1000000", "/dev/zero"])
    assert caught.value.stdout == b"\0" * 100_000
    assert "incomplete" in caught.value.next_step


def test_a_stream_cut_before_its_first_byte(lab: ApiOnlyLab, source: LiveSource) -> None:
    lab.faults.add("cut_stream", after=0)
    with pytest.raises(ExecInterrupted):
        source.exec(CLIENT, ["true"])


def test_a_status_that_never_comes_is_no_success(lab: ApiOnlyLab, source: LiveSource) -> None:
    lab.faults.add("no_status")
    with pytest.raises(ExecNoStatus) as caught:
        source.exec(CLIENT, ["echo", "partial"])
    assert caught.value.stdout == b"partial\n"


def test_a_frozen_program_meets_its_deadline(lab: ApiOnlyLab, source: LiveSource) -> None:
    lab.faults.add("freeze_program")
    with pytest.raises(ExecTimeout, match=r"within 0\.5 s"):
        source.exec(CLIENT, ["sleep", "60"], timeout=0.5)


def test_a_peer_that_falls_silent_is_noticed(lab: ApiOnlyLab) -> None:
    lab.faults.add("silent_peer", after=10)
    with (
        opened(lab, timing=Timing(ping=0.05, silence=0.4)) as source,
        pytest.raises(ExecInterrupted) as caught,
    ):
        source.exec(CLIENT, ["sh", "-c", "printf 01234; sleep 0.3; printf 56789; sleep 60"], timeout=50)
    assert "Nothing was heard" in str(caught.value) and caught.value.stdout == b"0123456789"


def test_a_quiet_command_is_left_alone_while_the_peer_answers(lab: ApiOnlyLab) -> None:
    with opened(lab, timing=Timing(ping=0.05, silence=0.3)) as source:
        done = source.exec(CLIENT, ["sh", "-c", "sleep 1; echo late"])
    assert done.stdout == b"late\n"


def test_more_output_than_allowed(source: LiveSource) -> None:
    with pytest.raises(ExecOutputLimit, match="more than 1,000,000 bytes") as caught:
        source.exec(CLIENT, ["cat", "/dev/zero"], max_output=MB)
    assert len(caught.value.stdout) == MB
    got: list[bytes] = []
    with pytest.raises(ExecOutputLimit):
        source.exec(CLIENT, ["cat", "/dev/zero"], max_output=MB, on_stdout=got.append)
    assert sum(map(len, got)) == MB


def test_an_error_of_the_caller_closes_the_stream(lab: ApiOnlyLab, source: LiveSource) -> None:
    def fail(part: bytes) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        source.exec(CLIENT, ["sh", "-c", "echo $$ > pid; yes"], on_stdout=fail)
    ended(lab)


def test_the_server_is_not_there(lab: ApiOnlyLab) -> None:
    config = changed_config(lab, "gone", {"token": "t"}, server="https://127.0.0.1:9")
    with opened(lab, "x", kubeconfig=config) as source, pytest.raises(ApiUnavailable, match="refused"):
        source.exec(CLIENT, ["true"])


def test_a_certificate_that_is_not_trusted(lab: ApiOnlyLab) -> None:
    config = changed_config(lab, "untrusted", {"token": "t"}, **{"certificate-authority-data": None})
    with opened(lab, "x", kubeconfig=config) as source, pytest.raises(ApiUnavailable) as caught:
        source.exec(CLIENT, ["true"])
    assert "certificate" in caught.value.title


# -- ending it ---------------------------------------------------------------------------------------------------


def process_of(lab: ApiOnlyLab) -> int | None:
    """The process that wrote its number down in the client's directory."""
    path = Path(lab.directory) / "pods" / "default" / "client" / "pid"
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def ended(lab: ApiOnlyLab) -> None:
    """Wait until that process is gone, and forget it."""
    pid = process_of(lab)
    assert pid is not None
    until(lambda: not Path(f"/proc/{pid}").exists(), "the remote process to end", 10)
    (Path(lab.directory) / "pods" / "default" / "client" / "pid").unlink()


def test_cancel_returns_at_once_and_ends_the_remote_process(lab: ApiOnlyLab, source: LiveSource) -> None:
    cancel = Cancel()
    got: list[bytes] = []

    def take(part: bytes) -> None:
        got.append(part)
        cancel.cancel()

    with pytest.raises(ExecCancelled):
        source.exec(
            CLIENT,
            ["sh", "-c", "echo $$ > pid; echo started; exec sleep 1000"],
            cancel=cancel,
            on_stdout=take,
        )
    assert got == [b"started\n"]
    ended(lab)


def test_a_bounded_command_ends_by_itself_when_nobody_can_reach_it(
    lab: ApiOnlyLab, source: LiveSource
) -> None:
    lab.faults.add("keep_process")  # as a kubelet does that does not notice
    cancel = Cancel()
    argv = bounded(["sh", "-c", "echo $$ > pid; echo started; exec sleep 1000"], 0.5)
    assert argv[:4] == ("timeout", "-k", "2", "1")
    with pytest.raises(ExecCancelled):
        source.exec(CLIENT, argv, cancel=cancel, on_stdout=lambda part: cancel.cancel())
    assert process_of(lab) is not None
    ended(lab)


def test_cancelled_before_it_begins(source: LiveSource) -> None:
    cancel = Cancel()
    cancel.cancel()
    with pytest.raises(ExecCancelled):
        source.exec(CLIENT, ["true"], cancel=cancel)


def test_cancelled_during_the_handshake(lab: ApiOnlyLab, source: LiveSource) -> None:
    fault = lab.faults.add("no_handshake")
    cancel = Cancel()
    threading.Thread(
        target=lambda: (until(lambda: fault.hits, "the handshake to begin"), cancel.cancel()), daemon=True
    ).start()
    with pytest.raises(ExecCancelled):  # and not ExecTimeout, which waiting would have given
        source.exec(CLIENT, ["true"], cancel=cancel, timeout=30)


def test_close_ends_everything_under_way(lab: ApiOnlyLab) -> None:
    outcomes: list[BaseException] = []
    with opened(lab) as source:
        begun = threading.Semaphore(0)

        def work(pod: PodRef) -> None:
            try:
                source.exec(
                    pod, ["sh", "-c", "echo x; sleep 1000"], timeout=100, on_stdout=lambda _: begun.release()
                )
            except ExecFailed as failed:
                outcomes.append(failed)

        pods = [PodRef("default", name) for name in ("client", "server", "web-0")]
        threads = [threading.Thread(target=work, args=(pod,)) for pod in pods]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert begun.acquire(timeout=20)
        source.close()
        for thread in threads:
            thread.join(10)
        assert [type(o) for o in outcomes] == [ExecCancelled] * 3
        with pytest.raises(ExecCancelled):
            source.exec(CLIENT, ["true"])


# -- many at once -------------------------------------------------------------------------------------------------


def test_two_in_one_pod_and_the_third_waits(lab: ApiOnlyLab, source: LiveSource) -> None:
    directory = Path(lab.directory) / "pods" / "default" / "client"
    directory.mkdir(parents=True, exist_ok=True)
    script = "mkdir running.$$; ls -d running.* | wc -l; sleep 0.2; rmdir running.$$"
    counts: list[int] = []

    def work() -> None:
        counts.append(int(source.exec(CLIENT, ["sh", "-c", script]).stdout))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == 6 and max(counts) == 2


def test_one_dead_pod_does_not_keep_the_others_waiting(lab: ApiOnlyLab, source: LiveSource) -> None:
    lab.faults.add("freeze_program", pod="default/client$")
    late: list[ExecFailed] = []

    def freeze() -> None:
        try:
            source.exec(CLIENT, ["sleep", "60"], timeout=0.4)
        except ExecFailed as failed:
            late.append(failed)

    frozen = [threading.Thread(target=freeze) for _ in range(8)]
    for thread in frozen:
        thread.start()
    assert source.exec(PodRef("default", "server"), ["echo", "here"], timeout=2).stdout == b"here\n"
    for thread in frozen:
        thread.join()
    # Each had its whole time: waiting for a place does not count.
    assert [type(f) for f in late] == [ExecTimeout] * 8


# -- who asks -----------------------------------------------------------------------------------------------------


def test_impersonation_reaches_the_exec(lab: ApiOnlyLab) -> None:
    with (
        opened(lab, impersonate=Impersonation("noexec")) as source,
        pytest.raises(Forbidden, match='User "noexec"'),
    ):
        source.exec(CLIENT, ["true"])
    with opened(lab, impersonate=Impersonation("alice", ("system:masters", "ops"))) as source:
        source.exec(CLIENT, ["true"])
    last = lab.audit[-1]
    assert (last.user, last.impersonated) == ("admin", "alice")
    assert last.agent.startswith("ko-tui/")


def test_a_token_goes_with_the_exec(lab: ApiOnlyLab) -> None:
    with opened(lab, "admin-token") as source:
        assert source.exec(CLIENT, ["echo", "x"]).stdout == b"x\n"


def test_an_exec_renews_its_token_once(lab: ApiOnlyLab) -> None:
    token = lab.directory / "token"
    token.write_text("expired")
    config = changed_config(lab, "renewed", {"tokenFile": str(token)})
    with opened(lab, "x", kubeconfig=config) as source:
        with pytest.raises(NotAuthorised):
            source.exec(CLIENT, ["true"])
        token.write_text("admin-token-of-the-lab")
        assert source.exec(CLIENT, ["echo", "x"]).stdout == b"x\n"


def test_every_descriptor_is_given_back(source: LiveSource) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    source.exec(CLIENT, ["true"])
    before = count()
    for _ in range(20):
        source.exec(CLIENT, ["true"])
        with pytest.raises(CouldNotStart):
            source.exec(CLIENT, ["no-such-program"])
    # The lab's own side lives in this process too, and lets go a moment later.
    until(lambda: count() <= before + 2, "the descriptors to come back", 10)


@pytest.fixture(autouse=True)
def no_process_left(lab: ApiOnlyLab) -> Iterator[None]:
    yield
    pid = process_of(lab)
    assert pid is None or not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("how", [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
def test_when_ko_tui_dies_the_remote_process_ends(lab: ApiOnlyLab, how: signal.Signals) -> None:
    """A terminal that goes away, or worse: the socket goes with the process, and the stream with the socket."""
    code = (
        "import sys\n"
        "from ko_tui.backend.source.live import open_live\n"
        "from ko_tui.backend.source.interface import PodRef\n"
        "source = open_live(sys.argv[1], 'admin', environment={})\n"
        "words = ['sh', '-c', 'echo $$ > pid; exec sleep 1000']\n"
        "source.exec(PodRef('default', 'client', 'client'), words, timeout=900)\n"
    )
    dying = subprocess.Popen([sys.executable, "-c", code, str(lab.kubeconfig)])
    try:
        until(lambda: process_of(lab), "the remote process", 20)
        dying.send_signal(how)
        dying.wait(10)
    finally:
        dying.kill()
    ended(lab)


def test_many_pods_of_which_some_never_answer(lab: ApiOnlyLab, source: LiveSource) -> None:
    """Those that answer are done while the silent ones still wait, and each silent one costs its own time alone."""
    listed = [p for p in source.list(PODS).items if p.status["phase"] == "Running"]
    names = [p.name for p in listed if len(p.spec["containers"]) == 1]
    spaces = {p.name: p.namespace for p in listed}
    silent = {name for name in names if name.startswith("ovs-ovn")}
    order: list[str] = []
    late: list[str] = []

    def ask(name: str) -> None:
        try:
            seconds = "60" if name in silent else "0.05"
            source.exec(PodRef(spaces[name], name), ["sleep", seconds], timeout=1)
            order.append(name)
        except ExecTimeout:
            late.append(name)

    threads = [threading.Thread(target=ask, args=(name,)) for _ in range(4) for name in names]
    for thread in threads:
        thread.start()
    until(lambda: len(order) == 4 * (len(names) - len(silent)), "all those that answer", 30)
    for thread in threads:
        thread.join()
    assert sorted(late) == sorted([*silent] * 4)
