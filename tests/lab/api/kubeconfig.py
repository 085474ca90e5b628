"""A kubeconfig with one context per user, certificates and tokens inside."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml

Credential = dict[str, Any]


def by_certificate(certificate: bytes, key: bytes) -> Credential:
    return {"client-certificate-data": _encoded(certificate), "client-key-data": _encoded(key)}


def by_token(token: str) -> Credential:
    return {"token": token}


def write(
    file: Path, url: str, authority: bytes, users: dict[str, Credential], current: str, cluster: str = "lab"
) -> Path:
    """Contexts are named after their users; the file is for its owner alone."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": cluster, "cluster": {"server": url, "certificate-authority-data": _encoded(authority)}}
        ],
        "users": [{"name": name, "user": credential} for name, credential in users.items()],
        "contexts": [
            {"name": name, "context": {"cluster": cluster, "user": name, "namespace": "default"}}
            for name in users
        ],
        "current-context": current,
    }
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    return file


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
