"""The simulator gives what the real ovn-trace of OVN 22.03.8 and 25.03.3 gave, byte for byte."""

from __future__ import annotations

import json
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ko_tui.backend.errors import UsageError
from ko_tui.backend.simulate import Options, Simulator
from ko_tui.backend.simulate.dice import closest
from ko_tui.backend.source.ovsdb_file import loads

FIXTURES = Path(__file__).parent.parent / "fixtures" / "simulate"
VERSIONS = ("22.03.8", "25.03.3")
# ovn-trace itself aborts on these; what the simulator says instead is checked below.
ABORTED = -6


@cache
def member(version: str, name: str) -> bytes:
    with tarfile.open(FIXTURES / f"db-{version}.tar.xz") as archive:
        found = next(m for m in archive.getmembers() if m.name.endswith(name))
        extracted = archive.extractfile(found)
        assert extracted is not None
        return extracted.read()


@cache
def simulator(version: str) -> Simulator:
    return Simulator(loads(member(version, "ovnsb.db"), "ovnsb.db"))


def runs() -> list[Any]:
    found = []
    for version in VERSIONS:
        for line in member(version, "traces.jsonl").splitlines():
            run = json.loads(line)
            found.append(pytest.param(version, run, id=f"{version}-{run['id']}"))
    return found


def asked(argv: list[str]) -> tuple[str | None, str, Options]:
    """Datapath, microflow and options of a command line of ovn-trace."""
    words = [a for a in argv if not a.startswith("--")]
    given = [a.partition("=")[::2] for a in argv if a.startswith("--")]
    options = Options(
        ct=tuple(value for name, value in given if name == "--ct"),
        lb_dst=next((value for name, value in given if name == "--lb-dst"), ""),
        select_id=next((int(value) for name, value in given if name == "--select-id"), 0),
    )
    return (words[0] if len(words) > 1 else None), words[-1] if words else "", options


@pytest.mark.parametrize(("version", "run"), runs())
def test_the_text_is_that_of_ovn_trace(version: str, run: dict[str, Any]) -> None:
    datapath, microflow, options = asked(run["argv"])
    if run["exit_code"] == 1:
        if not microflow:
            assert run["argv"] == [] or "arguments" in run["stderr"]
            return
        with pytest.raises(UsageError) as refused:
            simulator(version).run(datapath, microflow, options)
        assert refused.value.what in run["stderr"]
        return
    made = closest(simulator(version), datapath, microflow, options, run["stdout"])
    if run["exit_code"] == ABORTED:
        assert "nd_na_router {" in made.text
        assert "\nnd_na\n-----\n" in made.text.replace("    ", "")
        assert "ovn_trace_aborts" in made.assumptions
    else:
        assert made.text == run["stdout"]


def test_enough_runs_were_recorded() -> None:
    assert len(runs()) == 264
