"""tcpdump's own spellings of options, after ``ko-tui tcpdump``."""

from __future__ import annotations

import pytest

from ko_tui.backend.errors import PolicyRefusal, UsageError
from ko_tui.cli import main
from ko_tui.cli.tcpdump_words import read_words


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        ("default/client -nn icmp", "default/client icmp"),
        ("default/client -n -c 5 icmp", "default/client --count=5 icmp"),
        ("default/client -nnec5 icmp", "default/client --macs --count=5 icmp"),
        ("-lUi net1 default/multi", "--interface=net1 default/multi"),
        ("default/client -s0 -w - port 80", "default/client --snaplen=0 --write=- port 80"),
        ("default/client -XX -tttt", "--time=date default/client --hex --hex"),
        ("default/client -t -Q in", "--time=none default/client --direction=in"),
        ("default/client --immediate-mode --seconds 5", "default/client --seconds 5"),
        ("default/client -- -n", "default/client -- -n"),
        ("-h", "--help"),
    ],
)
def test_are_put_into_our_words(given: str, ours: str) -> None:
    read = read_words(given.split())
    assert " ".join(read.words) == ours and read.own_way == ()


def test_what_is_printed_in_another_way_is_told() -> None:
    assert read_words(["default/client", "-vvv", "-nnS"]).own_way == ("-v", "-S")


@pytest.mark.parametrize(
    "given", ["-z sh", "-Zroot", "-r /etc/passwd", "-nnF x", "-V x", "-G 1", "-C1", "-W 2"]
)
def test_files_and_programs_are_refused_before_any_cluster(
    given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--kubeconfig", "/nowhere", "tcpdump", "default/client", *given.split()]) == 2
    assert "read-only" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["-D", "-nnL", "-c", "-tttttt"])
def test_what_cannot_be_taken_says_so(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_words(["default/client", *given.split()])
    assert not isinstance(caught.value, PolicyRefusal)


def test_a_name_that_could_be_an_option_is_no_interface(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--kubeconfig", "/nowhere", "tcpdump", "default/client", "-i", "--x"]) == 2
    assert "--x" in capsys.readouterr().err
