"""Recorded text for the tests of explanations."""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path

from ko_tui.backend.explain.owner import NbTables

FIXTURES = Path(__file__).parent.parent / "fixtures"
VERSIONS = ("22.03.8", "25.03.3")


@cache
def traces(version: str) -> dict[str, str]:
    """Name to output of every recorded trace."""
    text = lzma.decompress((FIXTURES / "traces" / f"{version}.jsonl.xz").read_bytes()).decode()
    return {row["id"]: row["stdout"] for row in map(json.loads, text.splitlines())}


@cache
def lflow_lists() -> dict[str, str]:
    """Name to output of every recorded lflow-list."""
    return {
        path.stem: lzma.decompress(path.read_bytes()).decode()
        for path in sorted((FIXTURES / "flows").glob("*.xz"))
    }


@cache
def openflow() -> dict[str, str]:
    """Name to OpenFlow and datapath output."""
    path = FIXTURES / "explain" / "openflow-25.03.3.json.xz"
    return dict(json.loads(lzma.decompress(path.read_bytes())))


@cache
def flow_lists() -> dict[str, str]:
    """Command to output: logical flows in every form that ovn-sbctl has."""
    lines = (FIXTURES / "explain" / "logical-flow-lists-23.03.jsonl").read_text().splitlines()
    return {row["command"]: row["output"] for row in map(json.loads, lines)}


@cache
def northbound() -> NbTables:
    """The northbound rows of the recorded cluster."""
    path = FIXTURES / "explain" / "nb-25.03.3.json.xz"
    rows = NbTables()
    for table, content in json.loads(lzma.decompress(path.read_bytes())).items():
        rows.add(table, content["headings"], content["data"])
    return rows


def table_rows(name: str) -> list[list[str]]:
    """The rows of a tab-separated list of facts, without its heading."""
    lines = (FIXTURES / "explain" / name).read_text().splitlines()
    return [line.split("\t") for line in lines[1:] if line]
