"""Pods that were made through the API, as the kubelet, the CNI plugin and Kube-OVN's controller make them: a network
namespace plugged into its node's switch, a logical port with an address of its subnet, and the container's command.

There are no container images here: a command is a program of this machine. Kube-OVN's pinger, which no package has,
is stood in for by a small server on the ports that it would serve.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from tests.lab import workloads
from tests.lab.api.runtime import Sandbox
from tests.lab.places import NETNS, LabFailed, end, environment, processes, run, until
from tests.lab.topology import Pod, node, subnet

if TYPE_CHECKING:
    from tests.lab.cluster import Lab

PINGER = "/kube-ovn/kube-ovn-pinger"
_STAND_IN = """
import socket, sys, threading
tcp, udp = (int(word) for word in sys.argv[1:])
said = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
said.bind(("", udp))
def echo():
    while True:
        data, sender = said.recvfrom(2048)
        said.sendto(data, sender)
threading.Thread(target=echo, daemon=True).start()
with socket.create_server(("", tcp)) as server:
    while True:
        server.accept()[0].close()
"""


class MadePods:
    """Methods may be called from several threads, each for a pod of its own."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._lock = threading.Lock()
        self._count = 0
        self._pods: dict[str, Pod] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def has(self, sandbox: Sandbox) -> bool:
        return self._key(sandbox) in self._pods

    def prefix(self, sandbox: Sandbox) -> list[str]:
        pod = self._pods[self._key(sandbox)]
        if sandbox.host_network:
            return self.lab.node_place(pod.node).prefix()
        return ["nsenter", f"--net={NETNS / self.lab.netns(pod.key)}", "--wd=/", "--"]

    def start(self, sandbox: Sandbox) -> dict[str, str]:
        """Gives the annotations that Kube-OVN would write; returns when the readiness probe's port is open."""
        net = sandbox.subnet or "ovn-default"
        ips = () if sandbox.host_network else (self._address(net),)
        pod = Pod(sandbox.name, sandbox.namespace, sandbox.node, net, ips, "host" if not ips else "normal")
        notes: dict[str, str] = {}
        if ips:
            run("ip", "netns", "add", self.lab.netns(pod.key))
            workloads.plug_pods(self.lab, node(pod.node), (pod,))
            self.lab.nbctl(
                "--wait=hv", "lsp-add", net, pod.lsp, "--", "lsp-set-addresses", pod.lsp, f"{pod.mac} {ips[0]}"
            )  # fmt: skip
            notes = {
                f"ovn.kubernetes.io/{key}": value
                for key, value in {
                    "allocated": "true", "routed": "true", "ip_address": ips[0], "mac_address": pod.mac,
                    "logical_switch": net, "logical_router": subnet(net).vpc, "cidr": subnet(net).cidrs[0],
                    "gateway": subnet(net).gateways[0], "pod_nic_type": "veth-pair",
                }.items()
            }  # fmt: skip
        with self._lock:
            self._pods[pod.key] = pod
        if sandbox.command:
            process = subprocess.Popen(
                [*self.prefix(sandbox), *_command(sandbox.command)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(),
                start_new_session=True,
            )
            with self._lock:
                self._processes[pod.key] = process
        if sandbox.port:
            listening = [*self.prefix(sandbox), "ss", "-Hltn", f"sport = :{sandbox.port}"]
            until(lambda: run(*listening, check=False).stdout, f"{pod.key} to serve {sandbox.port}", 10)
        return notes

    def stop(self, sandbox: Sandbox) -> None:
        with self._lock:
            pod = self._pods.pop(self._key(sandbox), None)
            process = self._processes.pop(self._key(sandbox), None)
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if pod is None or not pod.ips:
            return
        name = self.lab.netns(pod.key)
        end(processes("net", [NETNS / name]))
        with contextlib.suppress(LabFailed):
            self.lab.node_place(pod.node).run("ovs-vsctl", "--if-exists", "del-port", workloads.veth(pod))
            run("ip", "netns", "del", name)
            self.lab.nbctl("--if-exists", "lsp-del", pod.lsp)

    def _address(self, net: str) -> str:
        """Behind those that the topology gives away."""
        with self._lock:
            self._count += 1
            return str(ipaddress.ip_network(subnet(net).cidrs[0])[200 + self._count])

    @staticmethod
    def _key(sandbox: Sandbox) -> str:
        return f"{sandbox.namespace}/{sandbox.name}"


def _command(words: tuple[str, ...]) -> tuple[str, ...]:
    if words[0] != PINGER:
        return words
    found = dict(re.findall(r"--(tcp|udp)-conn-check-port=(\d+)", " ".join(words)))
    return (sys.executable, "-c", _STAND_IN, found.get("tcp", "8100"), found.get("udp", "8101"))
