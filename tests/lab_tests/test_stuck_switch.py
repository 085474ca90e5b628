"""An ovs-vswitchd that runs and answers nobody: told as that, not as the signal that ended the tool."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ko_tui.backend.cluster.rows import NoAnswerInTime, check
from ko_tui.backend.health.collect import collect
from ko_tui.backend.session import Session, SessionOptions, open_session
from tests.lab.running import RunningLab
from tests.lab_tests.conftest import need_lab

NODE = "kube-ovn-worker"


@pytest.fixture
def session() -> Iterator[Session]:
    need_lab()
    with RunningLab() as lab:
        pid = lab.cluster.node_place(NODE).daemon("ovs-vswitchd")
        opened = open_session(SessionOptions(kubeconfig=str(lab.kubeconfig), context="admin"))
        lab.cluster.freeze(pid)
        try:
            yield opened
        finally:
            lab.cluster.thaw(pid)
            opened.close()


def test_it_is_told_as_one_that_is_stuck(session: Session) -> None:
    run = session.run(session.ovs(NODE), ("ovs-ofctl", "--timeout=1", "dump-flows", "br-int"), timeout=30)
    with pytest.raises(NoAnswerInTime) as caught:
        check(run)
    assert caught.value.what.startswith("ovs-vswitchd gave ovs-ofctl no answer in kube-system/ovs-ovn-")
    assert "stuck" in caught.value.what and run.kubectl() in caught.value.next_step
    silent = [f for f in collect(session).findings if f.key == "chassis.silent"]
    assert [f.title for f in silent] == [f"Node {NODE} does not answer"]
    assert "stuck" in silent[0].evidence and "new ones may fail" in silent[0].effect
