"""Rows of Logical_Flow in every form that ovn-sbctl prints say what lflow-list says."""

from __future__ import annotations

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ko_tui.backend.explain.flow import flow_lines
from ko_tui.backend.explain.flow_records import NotWhole, flow_records, holds_records
from ko_tui.cli import main
from ko_tui.cli.explain import kind_of
from tests.unit.explain_fixtures import flow_lists, lflow_lists

LIST = "ovn-sbctl list Logical_Flow"
AS_JSON = "ovn-sbctl --format=json list Logical_Flow"
WHOLE = [
    LIST,
    "ovn-sbctl --data=bare list Logical_Flow",
    AS_JSON,
    "ovn-sbctl --format=json --pretty list Logical_Flow",
]


@pytest.mark.parametrize("command", WHOLE)
def test_every_form_gives_the_same_flows(command: str) -> None:
    text = flow_lists()[command]
    assert kind_of(text) == "flows"
    assert list(flow_lines(text)) == list(flow_lines(flow_lists()[LIST]))


def test_the_flows_are_those_of_lflow_list() -> None:
    def essence(text: str) -> set[tuple[object, ...]]:
        return {(f.pipeline, f.table, f.stage, f.priority, f.match, f.actions) for f in flow_lines(text)}

    assert essence(flow_lists()[LIST]) == essence(flow_lists()["ovn-sbctl lflow-list"])
    assert len(essence(flow_lists()[LIST])) == 4


def test_chosen_columns_are_enough() -> None:
    chosen = next(text for command, text in flow_lists().items() if "--columns" in command)
    flows = list(flow_lines(chosen))
    assert [(f.pipeline, f.table, f.datapath) for f in flows] == [
        ("ingress", 0, ""),
        ("ingress", 8, ""),
        ("ingress", 26, ""),
    ]


def test_other_tables_name_the_datapaths() -> None:
    tables = ["Logical_DP_Group", "Datapath_Binding"]
    text = "\n".join(
        [flow_lists()[AS_JSON], *(flow_lists()[f"ovn-sbctl --format=json list {t}"] for t in tables)]
    )
    assert {(f.stage, f.datapath) for f in flow_records(text)} == {
        ("ls_in_check_port_sec", "join, ovn-default"),
        ("ls_in_acl", "ovn-default"),
        ("", "join"),
        ("ls_out_apply_port_sec", "join"),
    }


def test_quotes_are_undone() -> None:
    for command in WHOLE:
        matches = [flow.match for flow in flow_records(flow_lists()[command])]
        assert r'outport == "pod \"a\\b\".default"' in matches


@pytest.mark.parametrize("cut", [3, 200, 900])
def test_json_that_breaks_off_is_refused(cut: int, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    text = flow_lists()[AS_JSON].strip()[:-cut]
    with pytest.raises(NotWhole):
        flow_records(text)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8"))
    assert main(["explain"]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_explained_like_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def explained(text: str, *words: str) -> str:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8"))
        assert main(["explain", *words]) == 0
        return capsys.readouterr().out

    monkeypatch.setenv("LANG", "C")
    for command in WHOLE:
        rows = json.loads(explained(flow_lists()[command], "--json"))
        assert [row["stage"] for row in rows] == [
            "ls_in_check_port_sec",
            "ls_in_acl",
            "",
            "ls_out_apply_port_sec",
        ]
        assert rows[1]["explanation"]["match"]["text"].startswith(
            "The input port belongs to port group sg_web"
        )
        assert len(rows[1]["uuid"]) == 8
        assert "then Drop it" in explained(flow_lists()[command])


def test_lists_and_lines_are_told_apart() -> None:
    for text in lflow_lists().values():
        assert not holds_records(text)
        assert kind_of(text) == "flows"
    for table in ("Logical_DP_Group", "Datapath_Binding"):
        assert not holds_records(flow_lists()[f"ovn-sbctl --format=json list {table}"])


@given(
    st.lists(
        st.sampled_from([*flow_lists()[LIST].splitlines(), "", "match : ", "{", '"']) | st.text(), max_size=30
    )
)
def test_no_text_raises_anything_else(lines: list[str]) -> None:
    try:
        flows = flow_records("\n".join(lines))
    except NotWhole:
        return
    assert len(flows) <= len(lines)
