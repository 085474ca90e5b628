"""pods/exec over WebSocket: v4.channel.k8s.io and v5.channel.k8s.io, as the kubelet behind a real server does it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from tests.lab.api.faults import Fault, Faults
from tests.lab.api.process import PIECE, CannotStart, Program
from tests.lab.api.status import ApiError

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, STATUS, RESIZE, CLOSE_CHANNEL = 0, 1, 2, 3, 4, 255
DRAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Command:
    """What to run and where. ``pod`` is ``namespace/name`` for faults to be matched with."""

    pod: str
    prefix: Sequence[str]
    argv: Sequence[str]
    directory: str
    environment: dict[str, str]
    refused: str = ""


def exit_status(code: int, argv: Sequence[str]) -> dict[str, Any]:
    """The Status of a program that has ended."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    message = (
        f"command terminated with non-zero exit code: error executing command {list(argv)}, exit code {code}"
    )
    return {
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def start_status(why: str) -> dict[str, Any]:
    """The Status when the runtime could not start the program: no ExitCode cause, the text as cause."""
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"Internal error occurred: {why}",
        "reason": "InternalError",
        "details": {"causes": [{"message": why}]},
        "code": 500,
    }


async def execute(request: web.Request, command: Command, faults: Faults, user: str) -> web.StreamResponse:
    """Answer one exec request whose pod, container and rights have been checked."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise ApiError(400, "unable to upgrade: this server speaks WebSocket only; SPDY is not offered")
    about = {
        "path": request.path, "pod": command.pod, "command": " ".join(command.argv), "user": user,
        "verb": "get" if request.method == "GET" else "create",
    }  # fmt: skip
    if faults.take("no_handshake", **about):
        await asyncio.Event().wait()
    offered = [p.strip() for p in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    if not set(offered) & set(PROTOCOLS):
        raise ApiError(400, f"unable to upgrade: no protocol of {offered} is served")
    socket = web.WebSocketResponse(protocols=PROTOCOLS, compress=False, max_msg_size=0, timeout=2.0)
    await socket.prepare(request)
    exchange = _Exchange(request, socket, command, faults, about)
    try:
        await exchange.run()
    except (ConnectionError, _Cut):
        pass
    return socket


class _Cut(Exception):
    """A fault has cut the connection."""


class _Exchange:
    """One exec from its first frame to its last."""

    def __init__(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        command: Command,
        faults: Faults,
        about: dict[str, str],
    ) -> None:
        self._request, self._socket, self._command = request, socket, command
        self._faults, self._about = faults, about
        self._cut = faults.take("cut_stream", **about)
        self._silent = faults.take("silent_peer", **about)
        self._slow = faults.take("slow_frames", **about)
        size = faults.take("frame_size", **about)
        self._piece = max(1, size.after) if size else PIECE
        self._sent = self._sending = 0
        asked = request.query
        self._stdin, self._tty = _yes(asked.get("stdin")), _yes(asked.get("tty"))
        self._outputs = [c for c, name in ((STDOUT, "stdout"), (STDERR, "stderr")) if _yes(asked.get(name))]
        if self._tty and STDERR in self._outputs:
            self._outputs.remove(STDERR)

    async def run(self) -> None:
        for channel in self._outputs:
            # The real server greets with an empty frame to show that the connection stands.
            await self._socket.send_bytes(bytes([channel]))
        await self._fault_due()
        if self._command.refused:
            await self._end(start_status(self._command.refused))
            return
        try:
            program = await Program.start(
                self._command.prefix,
                self._command.argv,
                directory=self._command.directory,
                environment=self._command.environment,
                stdin=self._stdin,
                tty=self._tty,
            )
        except CannotStart as error:
            why = (
                "error executing command in container: failed to exec in container: failed to start exec: "
                f"OCI runtime exec failed: exec failed: unable to start container process: {error}: unknown"
            )
            await self._end(start_status(why))
            return
        frozen = self._faults.take("freeze_program", **self._about)
        if frozen:
            program.signal(signal.SIGSTOP)
        try:
            await self._converse(program)
        finally:
            if not self._faults.take("keep_process", **self._about):
                program.signal(signal.SIGKILL)
            program.close()

    async def _converse(self, program: Program) -> None:
        """Carry bytes both ways until the program ends or the client goes."""
        incoming = asyncio.create_task(self._receive(program))
        pumps = [asyncio.create_task(self._pump(program, channel)) for channel in (STDOUT, STDERR)]
        ending = asyncio.create_task(self._ending(program, pumps))
        try:
            done, _ = await asyncio.wait({incoming, ending}, return_when=asyncio.FIRST_COMPLETED)
            if ending in done:
                await self._end(exit_status(ending.result(), self._command.argv))
        finally:
            for task in (incoming, ending, *pumps):
                task.cancel()
            await asyncio.gather(incoming, ending, *pumps, return_exceptions=True)

    async def _ending(self, program: Program, pumps: list[asyncio.Task[None]]) -> int:
        """The exit code, once the output is drained; a child left behind may keep the pipes open only so long."""
        exited = asyncio.create_task(program.wait())
        try:
            pending: set[asyncio.Task[Any]] = {exited, *pumps}
            while not exited.done():
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            while pending:
                before = self._sent
                done, pending = await asyncio.wait(pending, timeout=DRAIN_SECONDS)
                for task in done:
                    task.result()
                if not done and before == self._sent and not self._sending:
                    break
            return exited.result()
        finally:
            exited.cancel()

    async def _pump(self, program: Program, channel: int) -> None:
        while piece := await program.read(channel):
            if channel in self._outputs:
                self._sending += 1
                try:
                    for start in range(0, len(piece), self._piece):
                        await self._output(channel, piece[start : start + self._piece])
                finally:
                    self._sending -= 1

    async def _output(self, channel: int, piece: bytes) -> None:
        if self._slow:
            await asyncio.sleep(self._slow.seconds)
        due = self._limit()
        if due is not None and self._sent + len(piece) >= due.after:
            piece = piece[: due.after - self._sent]
        if piece:
            self._sent += len(piece)
            await self._socket.send_bytes(bytes([channel]) + piece)
        await self._fault_due()

    def _limit(self) -> Fault | None:
        return self._cut or self._silent

    async def _fault_due(self) -> None:
        due = self._limit()
        if due is None or self._sent < due.after:
            return
        if due is self._silent:
            transport = self._request.transport
            if transport is not None and hasattr(transport, "pause_reading"):
                transport.pause_reading()
            await asyncio.Event().wait()
        await _drop(self._request)

    async def _receive(self, program: Program) -> None:
        """Frames of the client; returns when it has gone."""
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=64)
        writer = asyncio.create_task(_feed(program, pieces))
        try:
            async for message in self._socket:
                if message.type is not WSMsgType.BINARY or not message.data:
                    continue
                channel, payload = message.data[0], message.data[1:]
                if channel == STDIN and self._stdin:
                    await pieces.put(payload)
                elif channel == CLOSE_CHANNEL and payload[:1] == bytes([STDIN]):
                    await pieces.put(None)
                elif channel == RESIZE and self._tty:
                    with contextlib.suppress(ValueError, KeyError, TypeError):
                        size = json.loads(payload)
                        program.resize(int(size["Width"]), int(size["Height"]))
        finally:
            writer.cancel()

    async def _end(self, status: dict[str, Any]) -> None:
        """Status on its channel, then a proper close."""
        due = self._limit()
        if due is not None:
            due.after = self._sent  # the program printed less than that: cut before the status
            await self._fault_due()
        if not self._faults.take("no_status", **self._about):
            await self._socket.send_bytes(bytes([STATUS]) + json.dumps(status).encode())
        await self._socket.close()


async def _feed(program: Program, pieces: asyncio.Queue[bytes | None]) -> None:
    while (piece := await pieces.get()) is not None:
        if piece:
            await program.write(piece)
    await program.end_input()


async def _drop(request: web.Request) -> None:
    """Cut the TCP connection without a close frame, once what was sent has left."""
    transport = request.transport
    if transport is not None:
        for _ in range(200):
            if not transport.get_write_buffer_size():
                break
            await asyncio.sleep(0.01)
        transport.abort()
    raise _Cut


def _yes(text: str | None) -> bool:
    return text is not None and text.lower() in ("true", "1")
