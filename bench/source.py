"""The transport: an exec of 20 MB against ``kubectl exec`` of the same, 50,000 pods against reading the same bytes."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import urllib3

from ko_tui.backend.source.interface import PodRef
from ko_tui.backend.source.kinds import PODS
from ko_tui.backend.source.kubeconfig import load
from ko_tui.backend.source.live import open_live
from tests.lab.handle import ApiOnlyLab

POD = PodRef("default", "client", "client")
SIZE = 20_000_000
PODS_COUNT = 50_000
ROUNDS = 5


def figure(name: str, value: float, unit: str, goal: str, ok: bool) -> None:
    print(f"{name} {value:.2f}{unit} {goal} {'ok' if ok else 'short'}", flush=True)


def fill(lab: ApiOnlyLab) -> None:
    """Pods of the size that real ones have: about 4 KB, most of it not read by ko-tui."""
    padding = [{"name": f"VARIABLE_{n}", "value": "x" * 60} for n in range(30)]
    lab.server.store.load(
        lab.server.catalogue.of("Pod"),
        (
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": f"pod-{n:06}",
                    "namespace": "many",
                    "labels": {"app": "many", "pod-template-hash": "abcdef"},
                    "annotations": {
                        "ovn.kubernetes.io/ip_address": f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}",
                        "ovn.kubernetes.io/logical_switch": "ovn-default",
                    },
                },
                "spec": {
                    "nodeName": f"n{n % 1000}",
                    "containers": [{"name": "c", "image": "i", "env": padding}],
                },
                "status": {
                    "phase": "Running",
                    "podIP": "10.0.0.1",
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "containerStatuses": [{"name": "c", "ready": True, "restartCount": 0}],
                },
            }
            for n in range(PODS_COUNT)
        ),
    )


def serve(crowded: bool) -> None:
    """In a process of its own: the lab, until standard input ends; its directory on standard output."""
    with ApiOnlyLab(populate=not crowded) as lab:
        if crowded:
            fill(lab)
        print(lab.directory, flush=True)
        sys.stdin.read()


@contextlib.contextmanager
def served(kind: str) -> Iterator[Path]:
    """The kubeconfig of a lab in another process, so that the server does not share our interpreter."""
    words = [sys.executable, "-m", "bench.source", kind]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        yield Path(process.stdout.readline().strip()) / "kubeconfig"
        process.stdin.close()


def bench_exec(kubeconfig: Path) -> None:
    """Best of five each, taken in turns on one server."""
    source = open_live(str(kubeconfig), "admin")
    argv = ["head", "-c", str(SIZE), "/dev/zero"]
    ours, theirs = [], []
    kubectl = shutil.which("kubectl")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        assert len(source.exec(POD, argv).stdout) == SIZE
        ours.append(time.perf_counter() - began)
        if kubectl:
            began = time.perf_counter()
            words = [kubectl, "exec", "-n", POD.namespace, POD.name, "-c", POD.container, "--", *argv]
            done = subprocess.run(
                words, env={**os.environ, "KUBECONFIG": str(kubeconfig)}, capture_output=True, check=True
            )
            theirs.append(time.perf_counter() - began)
            assert len(done.stdout) == SIZE
    figure("exec_20MB", min(ours) * 1000, "ms", "<=2000ms", min(ours) <= 2)
    if theirs:
        ratio = min(ours) / min(theirs)
        figure("exec_20MB_vs_kubectl", ratio, "x", "<=1.25x", ratio <= 1.25)
    short = []
    for _ in range(20):
        began = time.perf_counter()
        source.exec(POD, ["true"])
        short.append(time.perf_counter() - began)
    figure("exec_of_nothing", sorted(short)[10] * 1000, "ms", "<=50ms", sorted(short)[10] <= 0.05)
    source.close()


def read_raw(kubeconfig: Path) -> float:
    """The same pages, read and thrown away: seconds."""
    target = load(str(kubeconfig), {}).target("admin-token")
    authority = target.cluster.content("certificate-authority").decode()
    context = ssl.create_default_context(cadata=authority)
    pool = urllib3.PoolManager(ssl_context=context)
    headers = {"Authorization": "Bearer admin-token-of-the-lab", "Accept-Encoding": "gzip"}
    began = time.perf_counter()
    token = ""
    while True:
        fields = {"limit": "500", **({"continue": token} if token else {})}
        answer = pool.request("GET", f"{target.server}/api/v1/pods", fields=fields, headers=headers)
        head = answer.data[:2000].decode("utf-8", "replace")
        token = head.partition('"continue":"')[2].partition('"')[0]
        if not token:
            return time.perf_counter() - began


def bench_list(kubeconfig: Path) -> None:
    source = open_live(str(kubeconfig), "admin-token")
    raw_wall = min(read_raw(kubeconfig) for _ in range(2))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    runs = []
    for _ in range(2):
        began, used = time.perf_counter(), time.thread_time()
        assert len(source.list(PODS).items) == PODS_COUNT
        runs.append((time.perf_counter() - began, time.thread_time() - used))
    wall, cpu = min(runs)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    figure("list_50k_pods_cpu", cpu, "s", "<=2s", cpu <= 2)
    figure("list_50k_pods_vs_raw", wall / raw_wall, "x", "<=2x", wall <= 2 * raw_wall)
    figure("list_50k_pods_memory", grown, "MB", "<=300MB", grown <= 300)
    source.close()


def main() -> int:
    with served("small") as kubeconfig:
        bench_exec(kubeconfig)
    with served("crowded") as kubeconfig:
        bench_list(kubeconfig)
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(sys.argv[1] == "crowded")
    else:
        sys.exit(main())
