"""Objects with null where others leave a field out."""

from __future__ import annotations

import pytest

from ko_tui.backend.source.interface import ApiUnavailable
from ko_tui.backend.source.kinds import PODS, VPCS
from ko_tui.backend.source.listing import object_decoder
from ko_tui.backend.source.refusals import decoded


@pytest.mark.parametrize("kind", [PODS, VPCS])
def test_null_is_absent(kind: object) -> None:
    text = (
        b'{"metadata":{"name":"a","labels":null,"annotations":null,"creationTimestamp":null,"ownerReferences":null},'
        b'"spec":null,"status":{"phase":null,"podIPs":[null,{"ip":"10.0.0.1"}]}}'
    )
    found = decoded(object_decoder(kind), text, "get")  # type: ignore[arg-type]
    assert found.name == "a" and found.labels == {} and found.spec == {}
    assert found.metadata.creation_timestamp == ""
    assert found.status == {"podIPs": [{"ip": "10.0.0.1"}]}


@pytest.mark.parametrize("text", [b"", b"<html>", b'{"metadata":7}', b"[]", b'{"metadata":{"name":[]}}'])
def test_what_is_no_object_is_told(text: bytes) -> None:
    with pytest.raises(ApiUnavailable, match="cannot be read"):
        decoded(object_decoder(PODS), text, "get")
