"""pods/log: the container's log file, or made lines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from tests.lab.api.store import Object

LINES = 20


def made_lines(pod: Object, container: str) -> list[bytes]:
    """A log in the form of Go programs; each line tells where it comes from."""
    start = datetime.now(UTC) - timedelta(minutes=LINES)
    name = pod["metadata"]["name"]
    made = []
    for number in range(LINES):
        stamp = (start + timedelta(minutes=number)).strftime("%m%d %H:%M:%S.%f")
        level = "E" if number % 10 == 7 else "I"
        made.append(
            f"{level}{stamp}       7 {container}.go:{100 + number}] {name} made line {number}\n".encode()
        )
    return made


async def answer(request: web.Request, pod: Object, container: str, file: Path | None) -> web.StreamResponse:
    """The log as kubectl logs asks for it: tailLines, limitBytes, sinceSeconds (of made lines), timestamps, follow."""
    query = request.query
    lines = file.read_bytes().splitlines(keepends=True) if file else made_lines(pod, container)
    size = sum(map(len, lines))
    if "sinceSeconds" in query and not file:
        lines = lines[max(0, len(lines) - int(query["sinceSeconds"]) // 60) :]
    if "tailLines" in query:
        count = int(query["tailLines"])
        lines = lines[-count:] if count else []
    if query.get("timestamps") == "true":
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ ").encode()
        lines = [stamp + line for line in lines]
    text = b"".join(lines)
    if "limitBytes" in query:
        text = text[: int(query["limitBytes"])]
    if query.get("follow") != "true":
        return web.Response(body=text, content_type="text/plain")
    response = web.StreamResponse(headers={"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})
    await response.prepare(request)
    await response.write(text)
    while True:
        await asyncio.sleep(0.2)
        if request.transport is None or request.transport.is_closing():
            return response
        if file and file.stat().st_size > size:
            with file.open("rb") as stream:
                stream.seek(size)
                more = stream.read()
            size += len(more)
            await response.write(more)
