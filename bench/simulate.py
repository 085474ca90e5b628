"""Traces on a large southbound database: ours against the real ovn-trace on the same database in the same run.

Goals: a warm trace in at most 20 ms and at least 100 times faster than ovn-trace; loading no slower than three times
ovn-trace's own start; memory at most 2.5 times the file; a trace after a hundred flows were written, with what that
takes to bring the contents up to date, in at most a tenth of the time of loading them.
"""

from __future__ import annotations

import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench._big_ovn import fill, microflow, replicate, save
from ko_tui.backend.simulate import Options, Simulator
from ko_tui.backend.simulate.dice import without_flow
from ko_tui.backend.source.ovsdb_file import load
from tests.differential.ovn import ScratchOvn

SWITCHES, PORTS, SERVICES = 20, 1650, 500
COPIES = 5
CT = ("new",) * 6
WARM = 20
CHANGED = 100  # flows that were written since


def line(name: str, value: float, goal: str, good: bool) -> None:
    print(f"{name} {value:.4g} {goal} {'ok' if good else 'short'}", flush=True)


def resident() -> float:
    """Megabytes that this process held at its peak. Not ru_maxrss: that begins with what the parent held."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure(path: str) -> None:
    """In a process of its own, so that memory is this database's alone: figures as ``name=value`` lines."""
    before = resident()
    started = time.perf_counter()
    database = load(Path(path))
    simulator = Simulator(database)
    loaded = time.perf_counter()
    memory = resident() - before
    made = simulator.run("sw0", microflow(), Options(CT))
    first = time.perf_counter()
    for _ in range(WARM):
        simulator.run("sw0", microflow(), Options(CT))
    warm = (time.perf_counter() - first) / WARM
    flows = database.table("Logical_Flow")
    changes = [
        ("Logical_Flow", uuid, None) for uuid in itertools.islice(flows, 0, None, len(flows) // CHANGED)
    ]
    begun = time.perf_counter()
    current = simulator.updated(database.changed(changes), [(table, uuid) for table, uuid, _ in changes])
    current.run("sw0", microflow(), Options(CT))
    update = time.perf_counter() - begun
    print(f"load={loaded - started}\nfirst={first - loaded}\nwarm={warm}\nmemory={memory}\nupdate={update}")
    print(f"memory_traced={resident() - before}\nflows={len(database.table('Logical_Flow'))}")
    Path(path + ".text").write_text(made.text)


def figures(path: Path) -> dict[str, float]:
    """What ``measure`` says of a database, in a process of its own."""
    command = [sys.executable, "-m", "bench.simulate", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    return {k: float(v) for k, v in (entry.split("=") for entry in done.stdout.split())}


def main() -> None:
    if len(sys.argv) > 1:
        measure(sys.argv[1])
        return
    with tempfile.TemporaryDirectory(prefix="ko-bench-") as directory, ScratchOvn() as ovn:
        path = Path(directory) / "sb.db"
        fill(ovn, SWITCHES, PORTS, SERVICES)
        size = save(ovn, path) / 2**20
        arguments = [*(f"--ct={state}" for state in CT), "sw0", microflow()]
        started = time.perf_counter()
        real = ovn.trace(arguments)
        theirs = time.perf_counter() - started
        their_memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        ours = figures(path)
        large = Path(directory) / "large.db"
        large_size = replicate(path, COPIES, large) / 2**20
        million = figures(large)
        same = without_flow(real.stdout) == without_flow(Path(str(path) + ".text").read_text())
    flows = int(ours["flows"])
    print(
        f"# {flows} logical flows, {size:.0f} MiB; ovn-trace {theirs:.1f} s, at most {their_memory:.0f} MiB"
    )
    line("simulate_same_text", float(same), "1", same)
    line("simulate_load_s", ours["load"], f"<={3 * theirs:.3g}", ours["load"] <= 3 * theirs)
    line("simulate_load_memory_of_file", ours["memory"] / size, "<=2.5", ours["memory"] / size <= 2.5)
    traced = ours["memory_traced"] / size
    line("simulate_traced_memory_of_file", traced, "<=2.5", traced <= 2.5)
    line("simulate_first_trace_ms", ours["first"] * 1000, f"<={theirs * 1000:.4g}", ours["first"] < theirs)
    line("simulate_warm_trace_ms", ours["warm"] * 1000, "<=20", ours["warm"] <= 0.02)
    line("simulate_faster_than_ovn_trace", theirs / ours["warm"], ">=100", theirs / ours["warm"] >= 100)
    share = ours["update"] / ours["load"]
    line("simulate_update_of_load", share, "<=0.1", share <= 0.1)
    print(f"# {int(million['flows'])} logical flows by replication, {large_size:.0f} MiB")
    line("simulate_million_load_s", million["load"], f"<={3 * theirs:.3g}", million["load"] < 3 * theirs)
    ratio = million["memory_traced"] / large_size
    line("simulate_million_memory_of_file", ratio, "<=2.5", ratio <= 2.5)
    line("simulate_million_warm_trace_ms", million["warm"] * 1000, "<=20", million["warm"] <= 0.02)


if __name__ == "__main__":
    main()
