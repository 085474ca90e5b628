"""Why not, on a live cluster: the object behind each flow is named from the northbound leader's rows."""

from __future__ import annotations

import json

import pytest

from ko_tui.cli import main
from tests.lab.running import RunningLab

pytestmark = pytest.mark.lab


def test_the_policy_is_named(running_lab: RunningLab, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--kubeconfig", str(running_lab.kubeconfig), "--context", "admin", "trace", "default/client"]
    assert main([*words, "prod/api-6b9f7", "tcp", "8080", "--why-not"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "No rule of NetworkPolicy prod/np1 allows TCP 8080 from 10.16.0.10 (client.default)" in said
    assert "nearest is its ingress rule 1, which allows TCP 80" in said


def test_as_json(running_lab: RunningLab, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--kubeconfig", str(running_lab.kubeconfig), "--context", "admin", "trace", "default/client"]
    assert main([*words, "prod/api-6b9f7", "tcp", "8080", "--why-not", "--json"]) == 1
    drops = json.loads(capsys.readouterr().out)["why_not"]["drops"]
    assert "NetworkPolicy prod/np1" in {near["object"] for near in drops[0]["nearest"]}
