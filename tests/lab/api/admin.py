"""The lab's own routes under /_lab/: faults, compaction, the audit log. For members of system:masters only."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from tests.lab.api.identity import MASTERS, User
from tests.lab.api.resources import read_body
from tests.lab.api.status import ApiError

if TYPE_CHECKING:
    from tests.lab.api.server import ApiServer


async def answer(request: web.Request, user: User, server: ApiServer) -> web.Response:
    """POST /_lab/faults {"kind": ..., conditions} adds a fault, GET shows them, DELETE [?id=N] ends them;
    POST /_lab/compact forgets the history; GET /_lab/audit shows the requests; POST /_lab/cluster
    {"fault": name, "arguments": [...]} does something to the cluster behind the API."""
    if MASTERS not in user.groups:
        raise ApiError(403, f'User "{user.name}" cannot use the routes of the lab')
    what = (request.method, request.path.removeprefix("/_lab/"))
    if what == ("GET", "faults"):
        return _json(server.faults.shown())
    if what == ("POST", "faults"):
        return _json(_add(server, await read_body(request)), 201)
    if what == ("DELETE", "faults"):
        if "id" in request.query:
            server.faults.remove(int(request.query["id"]))
        else:
            server.faults.clear()
        return _json(server.faults.shown())
    if what == ("POST", "compact"):
        return _json({"resourceVersion": str(server.store.compact())})
    if what == ("GET", "audit"):
        return _json([asdict(record) for record in server.audit])
    if what == ("POST", "cluster"):
        body = await read_body(request)
        act = server.cluster_faults.get(body.get("fault", ""))
        if act is None:
            known = ", ".join(sorted(server.cluster_faults)) or "none without a cluster"
            raise ApiError(400, f"no such fault of the cluster: {body.get('fault')}; there are: {known}")
        loop = asyncio.get_running_loop()
        arguments: list[Any] = body.get("arguments") or []
        return _json(await loop.run_in_executor(None, lambda: act(*arguments)))
    raise ApiError(404, "no such route of the lab")


def _add(server: ApiServer, body: dict[str, Any]) -> Any:
    if "exec_needs_create" in body:
        server.faults.exec_needs_create = bool(body["exec_needs_create"])
        return {"exec_needs_create": server.faults.exec_needs_create}
    conditions = dict(body)
    try:
        return asdict(server.faults.add(conditions.pop("kind", ""), **conditions))
    except ValueError as error:
        raise ApiError(400, str(error)) from None


def _json(body: Any, code: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=code, content_type="application/json")
