"""The checks of an exec or log request: does the pod run, is there such a container?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web

from tests.lab.api.controllers import Controllers
from tests.lab.api.execution import Command
from tests.lab.api.route import Route
from tests.lab.api.runtime import PATH
from tests.lab.api.status import ApiError
from tests.lab.api.store import Object, at

HIDDEN_ENVIRONMENT = {"HOME": "/root", "LANG": "C.UTF-8"}


def command(request: web.Request, where: Route, controllers: Controllers) -> Command:
    """What an exec request asks for. ApiError 404 for the pod, 400 for the container or the parameters."""
    pod = controllers.store.get(controllers.pods, where.namespace, where.name).object
    container = _container(request, pod)
    argv = request.query.getall("command", [])
    if not argv:
        raise ApiError(400, "you must specify at least 1 command for the container")
    if not any(request.query.get(name) in ("true", "1") for name in ("stdin", "stdout", "stderr")):
        raise ApiError(400, "you must specify at least 1 of stdin, stdout, stderr")
    if not at(pod, "spec.nodeName"):
        raise ApiError(400, f"pod {where.name} does not have a host assigned")
    key = f"{where.namespace}/{where.name}"
    if at(pod, "status.phase") != "Running":
        refused = f'unable to upgrade connection: container not found ("{container}")'
        return Command(key, (), argv, "/", {}, refused)
    sandbox = controllers.sandbox(pod)
    try:
        prefix = controllers.runtime.exec_prefix(sandbox, container)
        directory = controllers.runtime.directory(sandbox, container)
    except KeyError:
        refused = f'unable to upgrade connection: container not found ("{container}")'
        return Command(key, (), argv, "/", {}, refused)
    return Command(key, prefix, argv, directory, _environment(pod, container))


def exec_options(request: web.Request) -> dict[str, Any]:
    """The PodExecOptions of the request, as admission sees them: what is false or empty is not there."""
    asked = request.query
    options: dict[str, Any] = {
        name: True for name in ("stdin", "stdout", "stderr", "tty") if asked.get(name) in ("true", "1")
    }
    options["command"] = asked.getall("command", [])
    if "container" in asked:
        options["container"] = asked["container"]
    return {"kind": "PodExecOptions", "apiVersion": "v1", **options}


def log(request: web.Request, where: Route, controllers: Controllers) -> tuple[Object, str, Path | None]:
    """The pod, the container and its log file. ApiError as for exec."""
    pod = controllers.store.get(controllers.pods, where.namespace, where.name).object
    container = _container(request, pod)
    if at(pod, "status.phase") == "Pending":
        message = f'container "{container}" in pod "{where.name}" is waiting to start: ContainerCreating'
        raise ApiError(400, message)
    if request.query.get("previous") == "true":
        message = f'previous terminated container "{container}" in pod "{where.name}" not found'
        raise ApiError(400, message)
    return pod, container, controllers.runtime.log_file(controllers.sandbox(pod), container)


def _container(request: web.Request, pod: Object) -> str:
    name = pod["metadata"]["name"]
    has = [c["name"] for c in at(pod, "spec.containers") or []]
    asked = request.query.get("container", "")
    if not asked:
        if len(has) == 1:
            return str(has[0])
        listed = " ".join(has)
        raise ApiError(400, f"a container name must be specified for pod {name}, choose one of: [{listed}]")
    if asked not in has + [c["name"] for c in at(pod, "spec.initContainers") or []]:
        raise ApiError(400, f"container {asked} is not valid for pod {name}")
    return asked


def _environment(pod: Object, container: str) -> dict[str, str]:
    """PATH and what the container's spec sets, with the field references that Kube-OVN uses."""
    fields = {
        "status.podIP": at(pod, "status.podIP") or "",
        "status.podIPs": ",".join(p["ip"] for p in at(pod, "status.podIPs") or []),
        "status.hostIP": at(pod, "status.hostIP") or "",
        "spec.nodeName": at(pod, "spec.nodeName") or "",
        "metadata.name": pod["metadata"]["name"],
        "metadata.namespace": pod["metadata"].get("namespace", ""),
    }
    found = {"PATH": PATH, "HOSTNAME": pod["metadata"]["name"], **HIDDEN_ENVIRONMENT}
    for each in at(pod, "spec.containers") or []:
        if each["name"] == container:
            for entry in each.get("env") or []:
                reference = at(entry, "valueFrom.fieldRef.fieldPath")
                found[entry["name"]] = fields.get(reference, "") if reference else entry.get("value", "")
    return found
