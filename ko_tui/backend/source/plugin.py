"""Exec credential plugins: ``users[].user.exec`` of a kubeconfig (client.authentication.k8s.io v1, v1beta1).

A plugin never gets the terminal of the screen: standard input is empty and its standard error is kept for the
error message. One that insists on a person (``interactiveMode: Always``) runs only where a terminal is lent.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ko_tui.backend.source.credentials import Identity, TerminalLoan, bearer
from ko_tui.backend.source.interface import NotAuthorised
from ko_tui.backend.source.kubeconfig import Target

API = "client.authentication.k8s.io"
VERSIONS = (f"{API}/v1", f"{API}/v1beta1")
TIMEOUT_S = 30.0
INTERACTIVE_TIMEOUT_S = 300.0
EXPIRY_MARGIN_S = 10.0
STDERR_SHOWN = 2000


class PluginCredentials:
    """Credentials from a plugin, kept until ten seconds before they expire; one run at a time."""

    def __init__(
        self,
        target: Target,
        terminal: TerminalLoan | None = None,
        *,
        timeout: float = TIMEOUT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._target = target
        self._terminal = terminal
        self._timeout = timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._identity: Identity | None = None
        self._expires: float | None = None

    def identity(self) -> Identity:
        with self._lock:
            if self._identity is None or (
                self._expires is not None and self._clock() >= self._expires - EXPIRY_MARGIN_S
            ):
                self._identity, self._expires = self._obtain()
            return self._identity

    def renew(self, refused: Identity) -> bool:
        with self._lock:
            # Another thread may have renewed it while this one waited.
            if self._identity == refused or self._identity is None:
                self._identity, self._expires = self._obtain()
            return True

    def _obtain(self) -> tuple[Identity, float | None]:
        spec = self._target.user.values["exec"]
        if not isinstance(spec, dict) or not spec.get("command"):
            raise self._failure("names no command.")
        version = str(spec.get("apiVersion") or "")
        if version not in VERSIONS:
            raise self._failure(f"asks for apiVersion {version!r}; known are {' and '.join(VERSIONS)}.")
        mode = str(spec.get("interactiveMode") or "IfAvailable")
        if mode not in ("Never", "IfAvailable", "Always"):
            raise self._failure(
                f"has the interactiveMode {mode!r}, which is none of Never, IfAvailable, Always."
            )
        interactive = mode != "Never" and self._terminal is not None
        if mode == "Always" and not interactive:
            raise self._failure(
                "needs a terminal to ask a person (interactiveMode: Always), and none is free.",
                "Log in with kubectl first, or use a kubeconfig whose plugin can run unattended.",
            )
        output = self._run(spec, version, interactive)
        return self._read(output, version)

    def _run(self, spec: Mapping[str, Any], version: str, interactive: bool) -> bytes:
        command = str(spec["command"])
        if os.sep in command:
            command = str(self._target.user.base / command)
        argv = [command, *(str(a) for a in spec.get("args") or ())]
        environment = dict(os.environ)
        for pair in spec.get("env") or ():
            environment[str(pair.get("name"))] = str(pair.get("value"))
        environment["KUBERNETES_EXEC_INFO"] = self._exec_info(spec, version, interactive)
        results: list[tuple[int, bytes, bytes]] = []
        if interactive and self._terminal is not None:
            self._terminal(lambda: results.append(self._call(argv, environment, spec, lent=True)))
        if not results:
            results.append(self._call(argv, environment, spec, lent=False))
        code, output, errors = results[0]
        if code != 0:
            said = errors.decode("utf-8", "replace").strip()[-STDERR_SHOWN:]
            raise self._failure(f"ended with status {code}" + (f": {said}" if said else "."))
        return output

    def _call(
        self, argv: list[str], environment: Mapping[str, str], spec: Mapping[str, Any], *, lent: bool
    ) -> tuple[int, bytes, bytes]:
        try:
            process = subprocess.Popen(
                argv,
                stdin=None if lent else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if lent else subprocess.PIPE,
                env=environment,
                start_new_session=not lent,
            )
        except OSError as error:
            hint = str(spec.get("installHint") or "").strip()
            raise self._failure(f"cannot be started: {error.strerror} ({argv[0]}).", hint) from None
        limit = INTERACTIVE_TIMEOUT_S if lent else self._timeout
        try:
            output, errors = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                if lent:
                    process.kill()
                else:
                    os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise self._failure(f"gave no answer within {limit:g} s.") from None
        return process.returncode, output, errors or b""

    def _exec_info(self, spec: Mapping[str, Any], version: str, interactive: bool) -> str:
        info: dict[str, Any] = {"interactive": interactive}
        if spec.get("provideClusterInfo"):
            cluster = self._target.cluster
            described: dict[str, Any] = {"server": self._target.server}
            if self._target.tls_server_name:
                described["tls-server-name"] = self._target.tls_server_name
            if self._target.insecure:
                described["insecure-skip-tls-verify"] = True
            if authority := cluster.content("certificate-authority"):
                described["certificate-authority-data"] = base64.b64encode(authority).decode()
            if self._target.proxy_url:
                described["proxy-url"] = self._target.proxy_url
            if not self._target.compression:
                described["disable-compression"] = True
            for extension in cluster.values.get("extensions") or ():
                if extension.get("name") == f"{API}/exec":
                    described["config"] = extension.get("extension")
            info["cluster"] = described
        return json.dumps({"kind": "ExecCredential", "apiVersion": version, "spec": info})

    def _read(self, output: bytes, version: str) -> tuple[Identity, float | None]:
        try:
            answer = json.loads(output)
            kind, found, status = answer["kind"], answer["apiVersion"], answer.get("status") or {}
        except (ValueError, KeyError, TypeError):
            raise self._failure("did not print an ExecCredential.") from None
        if kind != "ExecCredential" or found != version or not isinstance(status, dict):
            raise self._failure(f"printed {kind} of {found} where ExecCredential of {version} was asked for.")
        certificate = str(status.get("clientCertificateData") or "").encode()
        key = str(status.get("clientKeyData") or "").encode()
        token = str(status.get("token") or "")
        if not token and not (certificate and key):
            raise self._failure("printed neither a token nor a certificate with its key.")
        expires = None
        if stamp := status.get("expirationTimestamp"):
            try:
                expires = datetime.fromisoformat(str(stamp)).timestamp()
            except ValueError:
                raise self._failure(f"printed the expiry {stamp!r}, which is no time.") from None
        return Identity(bearer(token), certificate, key), expires

    def _failure(self, what: str, next_step: str = "") -> NotAuthorised:
        spec = self._target.user.values.get("exec")
        name = Path(str(spec.get("command") or "?")).name if isinstance(spec, dict) else "?"
        return NotAuthorised(
            f"The credential plugin {name} of user {self._target.user_name!r} {what}",
            next_step or "Run kubectl get --raw /version with the same kubeconfig to see what it says.",
            title="The credential plugin failed",
        )
