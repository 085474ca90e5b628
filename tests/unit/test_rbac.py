"""What ``ko-tui rbac`` prints: the admission policy lets through what the client runs read-only, and nothing else.

The policy's CEL is evaluated by an implementation of CEL (with RE2), not by ours.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import celpy
import pytest
import re2
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ko_tui.backend.command.guard import check_argv
from ko_tui.backend.command.policy_regex import SEPARATOR, capture_line, read_only_lines
from ko_tui.backend.command.rbac import PROFILES, Profile, cel_string, document, objects
from ko_tui.cli import main
from tests.lab.api.admission import Admission

CORPUS = Path(__file__).parent.parent / "fixtures" / "policy"
LINES = [re2.compile(line.expression) for line in read_only_lines()]
CAPTURE = re2.compile(capture_line().expression)


def corpus(name: str) -> list[tuple[str, ...]]:
    lines = (CORPUS / name).read_text().splitlines()
    return [tuple(shlex.split(line)) for line in lines if line.strip() and not line.startswith("#")]


ALLOWED, REFUSED = corpus("allowed.txt"), corpus("refused.txt")
# Transactions are checked by the client alone.
QUERY = [words for words in ALLOWED if "query" in words]


def matched(words: tuple[str, ...], *, capture: bool = True) -> bool:
    line = SEPARATOR.join(words)
    if any(c < " " or c == "\x7f" for word in words for c in word):
        return False
    return any(e.search(line) for e in LINES) or (capture and bool(CAPTURE.search(line)))


def test_the_expressions_say_the_same_as_the_client_on_the_corpora() -> None:
    assert len(QUERY) == 2
    assert [w for w in ALLOWED if w not in QUERY and not matched(w)] == []
    assert [w for w in REFUSED if matched(w)] == []
    assert not any(matched(w, capture=False) for w in ALLOWED if w[0] == "tcpdump")


VOCABULARY = sorted({w for words in (*ALLOWED, *REFUSED) for w in words})
HEADS = [("timeout", "-k", "2", "8"), ("nsenter", "--net=/run/netns/a"), ("nsenter", "-t", "1"), ()]


@given(
    st.sampled_from(HEADS),
    st.sampled_from([w for w in ALLOWED if w not in QUERY]),
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from([*VOCABULARY, ""])), max_size=3),
)
def test_the_expressions_say_the_same_as_the_client_on_mutations(
    head: tuple[str, ...], words: tuple[str, ...], changes: list[tuple[int, str]]
) -> None:
    mutated = list(words)
    for at, word in changes:
        if at % 3 and at < len(mutated):
            mutated[at] = word
        elif word:
            mutated.insert(at, word)
        elif len(mutated) > 1:
            mutated.pop(at % len(mutated))
    argv = (*head, *mutated)
    if "query" in argv or "" in argv:
        return
    assert matched(argv) == check_argv(argv).allowed, shlex.join(argv)


# -- the policy as the API server evaluates it ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def policies() -> dict[str, Admission]:
    found = {}
    for profile in ("read-only", "capture"):
        loaded = yaml.safe_load_all(document(profile))
        found[profile] = Admission(next(o for o in loaded if o["kind"] == "ValidatingAdmissionPolicy"))
    return found


READER, CAPTURER, OTHER = ["ko-tui:read-only"], ["ko-tui:capture"], ["system:authenticated"]


def test_the_admission_policy_admits_what_the_client_runs(policies: dict[str, Admission]) -> None:
    sample = [w for w in ALLOWED if w not in QUERY and w[0] != "tcpdump"][::6]
    sample.append(("timeout", "-k", "2", "30", "ovn-trace", "--ct=new", "ovn-default", 'inport=="a"'))
    for words in sample:
        assert policies["read-only"].admits({"command": list(words)}, READER), shlex.join(words)


def test_the_admission_policy_denies_the_rest(policies: dict[str, Admission]) -> None:
    policy = policies["read-only"]
    for words in REFUSED[::12]:
        assert not policy.admits({"command": list(words)}, READER), shlex.join(words)
        assert policy.admits({"command": list(words)}, OTHER)
    show = {"command": ["ovn-nbctl", "show"]}
    assert not policy.admits({**show, "stdin": True}, READER)
    assert not policy.admits({**show, "tty": True}, READER)
    assert not policy.admits({}, READER)
    assert not policy.admits(show, READER, "attach")
    assert not policy.admits({"command": ["ovn-nbctl", f"show{SEPARATOR}--{SEPARATOR}show"]}, READER)
    assert not policy.admits({"command": ["ovn-nbctl", "show\nx"]}, READER)


def test_capture_is_a_profile_of_its_own(policies: dict[str, Admission]) -> None:
    capture = {"command": ["timeout", "-k", "2", "60.123456", "tcpdump", "-nn", "-i", "eth0", "-w", "-"]}
    assert not policies["read-only"].admits(capture, READER)
    assert policies["capture"].admits(capture, CAPTURER)
    assert not policies["capture"].admits({"command": ["tcpdump", "-z", "sh"]}, CAPTURER)


def test_each_profile_asks_for_no_more_than_it_needs() -> None:
    for profile in PROFILES:
        rules = [r for o in objects(profile) for r in o.get("rules", ())]
        resources = {name for rule in rules for name in rule["resources"]}
        verbs = {verb for rule in rules for verb in rule["verbs"]}
        assert not resources & {"secrets", "nodes/proxy", "*"} and "*" not in verbs
        cluster_wide = [o for o in objects(profile) if o["kind"] == "ClusterRole"]
        assert "pods/exec" not in {name for o in cluster_wide for r in o["rules"] for name in r["resources"]}
        if profile != "operator":
            assert verbs == {"get", "list", "watch", "create"}
            assert [r["resources"] for r in rules if "create" in r["verbs"]] == [["pods/exec"]]


def test_names_and_groups_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-n", "net-system", "rbac", "--operator", "--group", "it's ops"]) == 0
    loaded = list(yaml.safe_load_all(capsys.readouterr().out))
    kinds = [o["kind"] for o in loaded]
    assert kinds == ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
    assert loaded[2]["metadata"]["namespace"] == loaded[3]["metadata"]["namespace"] == "net-system"
    assert loaded[1]["subjects"][0]["name"] == "it's ops"


@pytest.mark.parametrize("profile", PROFILES)
def test_the_files_in_deploy_are_what_the_command_prints(profile: Profile) -> None:
    """After a change of the lists: ``ko-tui rbac --PROFILE > deploy/rbac-PROFILE.yaml``."""
    kept = Path(__file__).parent.parent.parent / "deploy" / f"rbac-{profile}.yaml"
    assert kept.read_text() == document(profile)


def test_the_allow_lists_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rbac", "--explain"]) == 0
    shown = capsys.readouterr().out
    assert "ovn-sbctl: " in shown and "lflow-list" in shown and "appctl, ovn-northd: " in shown


@given(st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), max_size=30))
def test_cel_strings_mean_their_text(text: str) -> None:
    environment = celpy.Environment()
    assert str(environment.program(environment.compile(cel_string(text))).evaluate({})) == text
