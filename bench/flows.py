"""Loading a million logical flows: time against just reading the lines, memory against the size of the text."""

from __future__ import annotations

import tempfile
import time
import tracemalloc
from pathlib import Path

from ko_tui.backend.ovn.flows import FlowStore

FLOWS = 1_000_000
PER_STAGE = 2_000
STAGES = [
    (f"ls_in_{name}", table) for table, name in enumerate(("check_port_sec", "acl_eval", "lb", "l2_lkup"))
]
MATCH = (
    'inport == "pod-{0}.ns-{1}" && eth.src == 00:00:00:{2:02x}:{3:02x}:{4:02x} && ip4.src == 10.{2}.{3}.{4}'
)


def generate(path: Path) -> None:
    """lflow-list text of many switches, as a large Kube-OVN cluster has it."""
    number, switch = 0, 0
    with path.open("w") as out:
        while number < FLOWS:
            switch += 1
            out.write(
                f'Datapath: "subnet-{switch}" (00000000-0000-0000-0000-{switch:012x})  Pipeline: ingress\n'
            )
            for stage, table in STAGES:
                for _ in range(PER_STAGE):
                    a, b, c = number >> 16 & 255, number >> 8 & 255, number & 255
                    match = MATCH.format(number, switch, a, b, c)
                    out.write(
                        f"  table={table:<2}({stage:<19}), priority=100  , match=({match}), action=(next;)\n"
                    )
                    number += 1
            out.write("\n")


def read_lines(path: Path) -> float:
    """CPU seconds to read the file line by line."""
    began, count = time.process_time(), 0
    with path.open("rb") as lines:
        for _ in lines:
            count += 1
    assert count >= FLOWS
    return time.process_time() - began


def load(path: Path) -> tuple[float, FlowStore]:
    """CPU seconds to load it as it would arrive, in pieces of 64 KiB."""
    began, store = time.process_time(), FlowStore()
    with path.open("rb") as stream:
        while piece := stream.read(65536):
            store.feed(piece)
    store.finish()
    return time.process_time() - began, store


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "flows.txt"
        generate(path)
        ratios = []
        for _ in range(3):
            base = read_lines(path)
            cost, store = load(path)
            assert len(store) >= FLOWS
            ratios.append(cost / base)
            del store
        ratio = sorted(ratios)[1]
        tracemalloc.start()
        _, store = load(path)
        first = store.datapaths()[0]
        assert store.flows(first.name, "ingress", "ls_in_lb")[7].known
        memory = tracemalloc.get_traced_memory()[0] / path.stat().st_size
        tracemalloc.stop()
    print(f"flows.split_vs_reading_lines {ratio:.2f}x <=6x {'ok' if ratio <= 6 else 'short'}")
    print(f"flows.memory_vs_text {memory:.2f}x <=1.6x {'ok' if memory <= 1.6 else 'short'}")


if __name__ == "__main__":
    main()
