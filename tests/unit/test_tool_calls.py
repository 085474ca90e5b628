"""Calls of the tools by their words: what the policy is asked, and what is said of a call that is none."""

from __future__ import annotations

import pytest

from ko_tui.backend.command.tools import prepare
from ko_tui.backend.errors import PolicyRefusal, UsageError
from ko_tui.cli import main


@pytest.mark.parametrize(
    ("words", "argv"),
    [
        ("ofctl n -OOpenFlow15 dump-flows br-int", "-O OpenFlow15 dump-flows br-int"),
        ("nbctl -fcsv -dbare list nb_global", "-f csv -d bare list nb_global"),
        ("appctl n -T5 version", "-T 5 version"),
        ("nbctl --help", "--help"),
    ],
)
def test_getopts_spellings(words: str, argv: str) -> None:
    assert " ".join(prepare(words.split()).argv).endswith(argv)


@pytest.mark.parametrize(
    "words", ["ofctl n -OOpenFlow15 add-flow br-int drop", "vsctl n -vdbg show", "ofctl n -Fx show br-int"]
)
def test_a_glued_option_opens_nothing(words: str) -> None:
    with pytest.raises(PolicyRefusal):
        prepare(words.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("nbctl", "ovn-nbctl needs a command."),
        ("vsctl", "vsctl needs a node."),
        ("vsctl show", "ovs-vsctl needs a command for the node 'show'."),
    ],
)
def test_a_call_without_a_command_is_a_matter_of_usage(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError):
        prepare(words.split())
    assert main(["--kubeconfig", "/nowhere", *words.split()]) == 2
    assert said in capsys.readouterr().err


def test_an_abbreviated_option_is_told_its_whole_name() -> None:
    with pytest.raises(PolicyRefusal) as caught:
        prepare(["vsctl", "n", "--column=name", "list", "Interface"])
    assert "--columns" in caught.value.what and "read-only" in caught.value.what


@pytest.mark.parametrize(
    "words", ["nbctl ls-add x --allow-write", "vsctl n --yes=n show", "sbctl --context a show"]
)
def test_options_of_ko_tui_come_first(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--kubeconfig", "/nowhere", *words.split()]) == 2
    said = capsys.readouterr().err
    assert "Write it before the word: ko-tui --" in said and "read-only" not in said
