"""Packets for a random cluster: likely ones, and ones that nothing expects."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.differential.model import Cluster, Nic

CT = ("new", "est", "est,rpl", "rel", "inv", "new", "est", "rel,rpl", "snat,est", "dnat,est")


@dataclass(frozen=True)
class Request:
    """One question to ovn-trace."""

    datapath: str | None
    microflow: str
    ct: tuple[str, ...] = ()
    lb_dst: str = ""
    select_id: int = 0

    @property
    def arguments(self) -> list[str]:
        words = [f"--ct={state}" for state in self.ct]
        if self.lb_dst:
            words.append(f"--lb-dst={self.lb_dst}")
        if self.select_id:
            words.append(f"--select-id={self.select_id}")
        return [*words, *([self.datapath] if self.datapath else []), self.microflow]


class Chooser:
    """Chooses packets for ``cluster``."""

    def __init__(self, cluster: Cluster, random: Random) -> None:
        self.cluster = cluster
        self.random = random

    def request(self) -> Request:
        pick = self.random
        if self.cluster.localnets and pick.random() < 0.15:
            inport, switch, nic = pick.choice(self.cluster.localnets), "ext", pick.choice(self.cluster.nics)
            if inport != "ext-net":
                switch = inport.removesuffix("-net")
        elif self.cluster.router_ports and pick.random() < 0.1:
            port, switch = pick.choice(self.cluster.router_ports)
            inport, nic = port, pick.choice(self.cluster.nics)
        else:
            nic = pick.choice(self.cluster.nics)
            inport, switch = nic.name, nic.switch
        flow = f'inport == "{inport}" && ' + self._packet(nic, switch)
        states = tuple(pick.choice(CT) for _ in range(pick.randint(0, 6)))
        backend = ""
        if self.cluster.backends and pick.random() < 0.3:
            address = pick.choice(self.cluster.backends)
            backend = f"[{address}]:80" if ":" in address else f"{address}:80"
        named = switch if pick.random() < 0.9 else None
        return Request(named, flow, states, backend, pick.choice((0, 0, 0, 1, 2, 7)))

    def _packet(self, nic: Nic, switch: str) -> str:
        pick = self.random
        kind = pick.random()
        source = nic.mac if pick.random() < 0.9 else "0e:de:ad:00:00:01"
        if kind < 0.08:
            return self._arp(nic, source, switch)
        if kind < 0.13:
            return (
                f"eth.src == {source} && eth.dst == ff:ff:ff:ff:ff:ff && ip4.src == 0.0.0.0 && ip4.dst == "
                "255.255.255.255 && ip.ttl == 64 && udp.src == 68 && udp.dst == 67"
            )
        if kind < 0.2 and nic.v6:
            return self._discovery(nic, source)
        other = pick.choice(self.cluster.nics)
        v6 = bool(nic.v6 and pick.random() < 0.3)
        destination = self._destination(nic, other, v6)
        ether = self._ether(switch, other)
        if pick.random() < 0.04:
            destination, ether = (
                ("ff02::fb", "33:33:00:00:00:fb") if v6 else ("224.0.0.251", "01:00:5e:00:00:fb")
            )
        family = 6 if v6 else 4
        from_ = nic.v6 if v6 else nic.v4
        if pick.random() < 0.1:
            from_ = "fd00:1::bad" if v6 else pick.choice(["10.1.0.250", "203.0.113.9"])
        ttl = pick.choice([64, 64, 64, 255, 1, 0])
        text = (
            f"eth.src == {source} && eth.dst == {ether} && ip{family}.src == {from_} && "
            f"ip{family}.dst == {destination} && ip.ttl == {ttl}"
        )
        return f"{text} && {self._upper(family, destination)}"

    def _destination(self, nic: Nic, other: Nic, v6: bool) -> str:
        pick = self.random
        choices = [(other.v6 or other.v4) if v6 else other.v4]
        choices += [address for address, _, _ in self.cluster.vips] * 2
        choices += self.cluster.addresses + (["2001:db8::1"] if v6 else ["8.8.8.8", nic.v4])
        return pick.choice([c for c in choices if (":" in c) is v6] or ["2001:db8::1"])

    def _ether(self, switch: str, other: Nic) -> str:
        pick = self.random
        routers = self.cluster.router_macs.get(switch) or [
            m for macs in self.cluster.router_macs.values() for m in macs
        ]
        kind = pick.random()
        if routers and kind < 0.65:
            return pick.choice(routers)
        if kind < 0.9:
            return other.mac
        return pick.choice(["ff:ff:ff:ff:ff:ff", "0e:00:00:00:00:77", "01:00:5e:01:02:03"])

    def _upper(self, family: int, destination: str) -> str:
        pick = self.random
        vip = next((v for v in self.cluster.vips if v[0] == destination and pick.random() < 0.8), None)
        if vip is not None:
            return f"{vip[2]} && {vip[2]}.src == 40000 && {vip[2]}.dst == {vip[1]}"
        kind = pick.random()
        if kind < 0.35:
            flags = pick.choice(["", " && tcp.flags == 2", " && tcp.flags == 4", " && tcp.flags == 0x12"])
            return f"tcp && tcp.src == 40000 && tcp.dst == {pick.choice([80, 443, 22, 8080])}{flags}"
        if kind < 0.55:
            return f"udp && udp.src == 5000 && udp.dst == {pick.choice([53, 67, 90, 443])}"
        if kind < 0.8:
            types = [8, 0, 3] if family == 4 else [128, 1]
            return f"icmp{family} && icmp{family}.type == {pick.choice(types)}"
        if kind < 0.87:
            return "sctp && sctp.src == 1 && sctp.dst == 80"
        if kind < 0.93:
            return "ip.proto == 47" if family == 4 else "ip.proto == 89"
        return "udp && ip.frag == 1"

    def _arp(self, nic: Nic, source: str, switch: str) -> str:
        pick = self.random
        target = pick.choice(
            [pick.choice(self.cluster.nics).v4, *[a for a in self.cluster.addresses if ":" not in a]]
        )
        sender = nic.v4 if pick.random() < 0.9 else "10.9.9.9"
        if pick.random() < 0.7:
            return (
                f"eth.src == {source} && eth.dst == ff:ff:ff:ff:ff:ff && arp.op == 1 && arp.sha == {source} && "
                f"arp.spa == {sender} && arp.tha == 00:00:00:00:00:00 && arp.tpa == {target}"
            )
        ether = self._ether(switch, pick.choice(self.cluster.nics))
        return (
            f"eth.src == {source} && eth.dst == {ether} && arp.op == 2 && arp.sha == {source} && "
            f"arp.spa == {sender} && arp.tha == {ether} && arp.tpa == {target}"
        )

    def _discovery(self, nic: Nic, source: str) -> str:
        pick = self.random
        addresses = [n.v6 for n in self.cluster.nics if n.v6] + [
            a for a in self.cluster.addresses if ":" in a
        ]
        target = pick.choice(addresses)
        head = f"eth.src == {source} && ip6.src == {nic.v6} && ip.ttl == 255"
        kind = pick.random()
        if kind < 0.6:
            return (
                f"{head} && eth.dst == 33:33:ff:00:00:01 && ip6.dst == {target} && nd_ns && nd.target == {target} "
                f"&& nd.sll == {source}"
            )
        if kind < 0.85:
            return (
                f"{head} && eth.dst == {pick.choice(self.cluster.nics).mac} && ip6.dst == {target} && nd_na && "
                f"nd.target == {nic.v6} && nd.tll == {source}"
            )
        return f"{head} && eth.dst == 33:33:00:00:00:02 && ip6.dst == ff02::2 && nd_rs"
