"""``python -m tests.differential [N] [SEED]``: N packets through the simulator and the real ovn-trace."""

from __future__ import annotations

import sys
import time

from tests.differential.runs import run


def main(words: list[str]) -> int:
    count = int(words[0]) if words else 1000
    seed = int(words[1]) if len(words) > 1 else int(time.time())
    print(f"seed {seed}")
    tally = run(count, seed, tell=lambda line: print(line, flush=True))
    for difference in tally.differences[:20]:
        print(f"\n{difference}")
    print(
        f"\n{tally.compared} packets on {tally.clusters} clusters: {len(tally.differences)} differences; "
        f"{tally.aborted} on which ovn-trace itself aborts; {len(tally.visited)} stages visited; "
        f"ovn-trace {tally.real_seconds:.1f} s, simulator {tally.simulated_seconds:.1f} s"
    )
    return 1 if tally.differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
