"""A random cluster: switches, routers, and everything that makes northd write interesting flows."""

from __future__ import annotations

from random import Random

from tests.differential.model import Cluster, Nic, mac
from tests.differential.ovn import ScratchOvn
from tests.differential.rare import rare_features


class Maker:
    """Writes a random cluster into ``ovn``."""

    def __init__(self, ovn: ScratchOvn, random: Random) -> None:
        self.ovn = ovn
        self.random = random
        self.made = Cluster()
        self._number = 0

    def make(self) -> Cluster:
        self.ovn.sbctl("chassis-add", "ch1", "geneve", "127.0.0.1")
        self.ovn.sbctl("chassis-add", "ch2", "geneve", "127.0.0.2")
        for index in range(self.random.randint(1, 3)):
            self._switch(f"sw{index}", index + 1)
        for index in range(self.random.randint(1, 2)):
            self._router(f"lr{index}")
        if self.random.random() < 0.7:
            self._external()
        self._groups()
        self._acls()
        self._balancers()
        self._router_features()
        self._switch_features()
        rare_features(self)
        self.ovn.settle()
        self._learned()
        return self.made

    def nb(self, *words: str) -> str | None:
        return self.ovn.nbctl(*words)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def next_mac(self) -> str:
        self._number += 1
        return mac(self._number)

    # -- switches and routers ---------------------------------------------------------------------------------

    def _switch(self, name: str, index: int) -> None:
        self.nb("ls-add", name)
        self.made.switches.append(name)
        dual = self.chance(0.6)
        for number in range(self.random.randint(2, 4)):
            nic = Nic(
                f"{name}-p{number}", name, self.next_mac(), f"10.{index}.0.{number + 10}",
                f"fd00:{index}::{number + 10:x}" if dual else "",
            )  # fmt: skip
            self.made.nics.append(nic)
            self.nb("lsp-add", name, nic.name)
            addresses = f"{nic.mac} {nic.v4} {nic.v6}".strip()
            self.nb("lsp-set-addresses", nic.name, *self.random.choice(
                [[addresses], [addresses], [addresses, "unknown"], ["unknown"], [nic.mac]]))  # fmt: skip
            if self.chance(0.5):
                security = [addresses, nic.mac, f"{nic.mac} {nic.v4}", f"{nic.mac} {nic.v4}/24"]
                self.nb("lsp-set-port-security", nic.name, self.random.choice(security))
            if self.chance(0.08):
                self.nb("lsp-set-type", nic.name, self.random.choice(["localport", "external"]))
            if self.chance(0.07):
                self.nb("lsp-set-enabled", nic.name, "disabled")
        if self.chance(0.25):
            self.nb("lsp-add", name, f"{name}-vip", "--", "lsp-set-type", f"{name}-vip", "virtual", "--",
                    "set", "Logical_Switch_Port", f"{name}-vip", f"options:virtual-ip=10.{index}.0.99",
                    f"options:virtual-parents={name}-p0,{name}-p1")  # fmt: skip
        if self.chance(0.3):
            self.nb("lsp-add", name, f"{name}-net", "--", "lsp-set-type", f"{name}-net", "localnet", "--",
                    "lsp-set-addresses", f"{name}-net", "unknown", "--",
                    "lsp-set-options", f"{name}-net", f"network_name=phys{index}")  # fmt: skip
            self.made.localnets.append(f"{name}-net")
            if self.chance(0.4):
                self.nb("set", "Logical_Switch_Port", f"{name}-net", "tag_request=10", "tag=10")

    def _router(self, name: str) -> None:
        self.nb("lr-add", name)
        self.made.routers.append(name)
        for switch in self.made.switches:
            if self.chance(0.75):
                self._attach(name, switch)
        if len(self.made.routers) > 1 and self.chance(0.8):
            one, two = self.next_mac(), self.next_mac()
            self.nb("lrp-add", "lr0", "lr0-peer", one, "100.65.0.1/24", "fd65::1/64")
            self.nb("lrp-add", name, f"{name}-peer", two, "100.65.0.2/24", "fd65::2/64")
            self.nb("set", "Logical_Router_Port", "lr0-peer", f"peer={name}-peer")
            self.nb("set", "Logical_Router_Port", f"{name}-peer", "peer=lr0-peer")
            self.made.router_ports += [("lr0-peer", "lr0"), (f"{name}-peer", name)]
            self.made.addresses += ["100.65.0.1", "100.65.0.2", "fd65::1"]

    def _attach(self, router: str, switch: str) -> None:
        index = int(switch[2:]) + 1
        host = 1 + self.made.routers.index(router)
        port, ether = f"{router}-{switch}", self.next_mac()
        networks = [f"10.{index}.0.{host}/24"]
        if self.chance(0.7):
            networks.append(f"fd00:{index}::{host}/64")
        self.nb("lrp-add", router, port, ether, *networks)
        self.nb("lsp-add", switch, f"{switch}-{router}", "--", "lsp-set-type", f"{switch}-{router}", "router",
                "--", "lsp-set-addresses", f"{switch}-{router}", "router", "--", "lsp-set-options",
                f"{switch}-{router}", f"router-port={port}")  # fmt: skip
        if self.chance(0.2):
            self.nb("set", "Logical_Switch_Port", f"{switch}-{router}", "options:arp_proxy=10.200.0.0/16")
        if self.chance(0.4) and len(networks) > 1:
            mode = self.random.choice(["slaac", "dhcpv6_stateful", "dhcpv6_stateless"])
            self.nb("set", "Logical_Router_Port", port, f"ipv6_ra_configs:address_mode={mode}",
                    "ipv6_ra_configs:mtu=1450")  # fmt: skip
        if self.chance(0.15):
            self.nb("set", "Logical_Router_Port", port, "options:gateway_mtu=1400")
        self.made.router_macs.setdefault(switch, []).append(ether)
        self.made.router_ports.append((port, router))
        self.made.addresses += [n.partition("/")[0] for n in networks]

    def _external(self) -> None:
        self.nb("ls-add", "ext")
        self.nb("lsp-add", "ext", "ext-net", "--", "lsp-set-type", "ext-net", "localnet", "--", "lsp-set-addresses",
                "ext-net", "unknown", "--", "lsp-set-options", "ext-net", "network_name=physnet")  # fmt: skip
        self.made.switches.append("ext")
        self.made.localnets.append("ext-net")
        for host, router in enumerate(self.made.routers, 2):
            if not self.chance(0.8):
                continue
            ether, port = self.next_mac(), f"{router}-ext"
            networks = [f"172.30.0.{host}/24", *([f"fd30::{host:x}/64"] if self.chance(0.5) else [])]
            self.nb("lrp-add", router, port, ether, *networks)
            self.nb("lsp-add", "ext", f"ext-{router}", "--", "lsp-set-type", f"ext-{router}", "router", "--",
                    "lsp-set-addresses", f"ext-{router}", "router", "--", "lsp-set-options", f"ext-{router}",
                    f"router-port={port}", *(["nat-addresses=router"] if self.chance(0.5) else []))  # fmt: skip
            kind = self.random.random()
            if kind < 0.5:
                self.nb("lrp-set-gateway-chassis", port, "ch1", "20")
                if self.chance(0.4):
                    self.nb("lrp-set-gateway-chassis", port, "ch2", "10")
                if self.chance(0.2):
                    self.nb("set", "Logical_Router_Port", port, "options:redirect-type=bridged")
            elif kind < 0.75:
                self.nb("set", "Logical_Router", router, "options:chassis=ch1")
            self.made.router_macs.setdefault("ext", []).append(ether)
            self.made.router_ports.append((port, router))
            self.made.addresses += [f"172.30.0.{host}", "172.30.0.1"]
            self.nb("lr-route-add", router, "0.0.0.0/0", "172.30.0.1")

    # -- groups, ACLs, load balancers ---------------------------------------------------------------------------

    def _groups(self) -> None:
        for number in range(self.random.randint(1, 3)):
            members = self.random.sample(self.made.nics, min(len(self.made.nics), self.random.randint(1, 4)))
            self.nb("pg-add", f"pg{number}", *[n.name for n in members])
            self.made.groups.append(f"pg{number}")
        for number in range(2):
            chosen = self.random.sample(self.made.nics, min(len(self.made.nics), 2))
            values = [*(n.v4 for n in chosen), self.random.choice(["10.1.0.0/24", "10.0.0.0/8", "192.0.2.1"])]
            self.nb(
                "create", "Address_Set", f"name=as{number}", "addresses=" + ",".join(f'"{v}"' for v in values)
            )
            self.made.sets.append(f"as{number}")
        v6 = [n.v6 for n in self.made.nics if n.v6] or ["fd00::1"]
        self.nb("create", "Address_Set", "name=as6", "addresses=" + ",".join(f'"{v}"' for v in v6[:3]))

    def _match(self, field_: str) -> str:
        nic = self.random.choice(self.made.nics)
        terms = [
            f'{field_} == "{nic.name}"',
            f"{field_} == @{self.random.choice(self.made.groups)}",
            f"ip4.src == ${self.random.choice(self.made.sets)}",
            f"ip4.dst == ${self.random.choice(self.made.sets)}",
            "ip6.src == $as6",
            f"ip4.dst == {nic.v4}",
            f"ip4.src == {{{nic.v4}, 10.2.0.0/16}}",
            "ip4", "ip6", "ip", "tcp", "udp", "icmp", "icmp4.type == 8", "sctp", "arp",
            f"tcp.dst == {self.random.choice([80, 443, 8080])}",
            "tcp.dst >= 1000 && tcp.dst < 9000",
            "80 <= udp.dst <= 100",
            "tcp.flags == 2", "ip.ttl == 64",
            "!ip6", "ip.proto == 17", f"eth.src == {nic.mac}", "eth.mcast",
            f"ip4.src != {nic.v4}", "tcp.dst != 80", "!(tcp.dst == 80)", "ip.is_frag", "!ip.is_frag",
            "(tcp || udp)", "ip.dscp == 10", "1",
        ]  # fmt: skip
        chosen = self.random.sample(terms, self.random.randint(1, 3))
        return " && ".join(chosen)

    def _acls(self) -> None:
        for _ in range(self.random.randint(2, 12)):
            direction = self.random.choice(["from-lport", "to-lport"])
            action = self.random.choice(
                ["allow", "allow-related", "allow-related", "allow-stateless", "drop", "drop", "reject"]
            )
            match = self._match("inport" if direction == "from-lport" else "outport")
            words = []
            if self.chance(0.25):
                words += ["--log", f"--severity={self.random.choice(['info', 'alert', 'debug'])}"]
                if self.chance(0.5):
                    words.append("--name=an acl")
            if direction == "from-lport" and self.chance(0.3):
                words.append("--apply-after-lb")
            if action == "allow-related" and self.chance(0.2):
                words.append("--label=1234")
            if self.made.groups and self.chance(0.6):
                owner = ["--type=port-group", self.random.choice(self.made.groups)]
            else:
                owner = ["--type=switch", self.random.choice(self.made.switches)]
            priority = str(self.random.randint(1, 3000))
            self.nb(*words, owner[0], "acl-add", owner[1], direction, priority, match, action)

    def _balancers(self) -> None:
        for number in range(self.random.randint(1, 4)):
            v6 = self.chance(0.25) and any(n.v6 for n in self.made.nics)
            protocol = self.random.choice(["tcp", "udp", "tcp", "sctp"])
            pool = [n for n in self.made.nics if n.v6 or not v6]
            chosen = self.random.sample(pool, self.random.randint(0, min(3, len(pool))))
            ported = self.chance(0.85)
            address = f"fd00:96::{number + 1:x}" if v6 else f"10.96.0.{number + 1}"
            if self.chance(0.15) and not v6:
                address = "172.30.0.100"
            to = [f"[{n.v6}]:80" if v6 else f"{n.v4}:80" for n in chosen]
            if not ported:
                to = [n.v6 if v6 else n.v4 for n in chosen]
            vip = (f"[{address}]:80" if v6 else f"{address}:80") if ported else address
            name = f"lb{number}"
            self.nb("lb-add", name, vip, ",".join(to), *([protocol] if ported else []))
            if self.chance(0.3) and ported:
                self.nb("lb-add", name, vip.removesuffix(":80") + ":443", ",".join(to), protocol)
            self.made.vips += [(address, 80, protocol), (address, 443, protocol)]
            self.made.backends += [n.v6 if v6 else n.v4 for n in chosen]
            for option in (
                "reject=true",
                "skip_snat=true",
                "affinity_timeout=60",
                "hairpin_snat_ip=10.96.1.1",
            ):
                if self.chance(0.2):
                    self.nb("set", "Load_Balancer", name, f"options:{option}")
            for switch in self.made.switches:
                if self.chance(0.6):
                    self.nb("ls-lb-add", switch, name)
            for router in self.made.routers:
                if self.chance(0.4):
                    self.nb("lr-lb-add", router, name)

    # -- routers' and switches' extras --------------------------------------------------------------------------

    def _router_features(self) -> None:
        for router in self.made.routers:
            self._nat(router)
            self._routes(router)
            for _ in range(self.random.randint(0, 3)):
                nic = self.random.choice(self.made.nics)
                match = self.random.choice([f"ip4.src == {nic.v4}", "ip4.dst == 10.2.0.0/16",
                                            f'inport == "{router}-sw0" && tcp', "ip4.src == $as0", "icmp"])  # fmt: skip
                action = self.random.choice([["allow"], ["drop"], ["reroute", "172.30.0.1"],
                                             ["reroute", "172.30.0.1,172.30.0.9"]])  # fmt: skip
                self.nb("lr-policy-add", router, str(self.random.randint(1, 3000)), match, *action)
            for option in (
                "lb_force_snat_ip=router_ip",
                "dnat_force_snat_ip=100.66.0.1",
                "always_learn_from_arp_request=false",
                "dynamic_neigh_routers=true",
                "mcast_relay=true",
            ):
                if self.chance(0.2):
                    self.nb("set", "Logical_Router", router, f"options:{option}")

    def _nat(self, router: str) -> None:
        for number in range(self.random.randint(0, 3)):
            nic = self.random.choice(self.made.nics)
            outer = f"172.30.0.{50 + number + 10 * self.made.routers.index(router)}"
            kind = self.random.choice(["snat", "dnat", "dnat_and_snat", "distributed", "snat6"])
            if kind == "snat":
                self.nb("lr-nat-add", router, "snat", outer, self.random.choice(["10.1.0.0/24", nic.v4]))
            elif kind == "snat6":
                self.nb("lr-nat-add", router, "snat", "fd30::99", "fd00:1::/64")
            elif kind == "distributed":
                self.nb("lr-nat-add", router, "dnat_and_snat", outer, nic.v4, nic.name, self.next_mac())
            else:
                stateless = ["--stateless"] if self.chance(0.2) else []
                self.nb(*stateless, "lr-nat-add", router, kind, outer, nic.v4)
            self.made.addresses.append(outer)

    def _routes(self, router: str) -> None:
        for _ in range(self.random.randint(0, 4)):
            prefix = self.random.choice(["192.0.2.0/24", "198.51.100.0/24", "10.0.0.0/8", "fd99::/64"])
            hop = (
                "fd65::2"
                if ":" in prefix
                else self.random.choice(["100.65.0.2", "172.30.0.1", "172.30.0.9", "10.1.0.20"])
            )
            flags = self.random.choice(
                [[], [], ["--ecmp"], ["--ecmp"], ["--policy=src-ip"], ["--ecmp-symmetric-reply"]]
            )
            if self.chance(0.15):
                hop = "discard"
            self.nb(*flags, "lr-route-add", router, prefix, hop)
        self.made.addresses += ["192.0.2.7", "198.51.100.7", "fd99::7"]

    def _switch_features(self) -> None:
        for switch in self.made.switches:
            nics = [n for n in self.made.nics if n.switch == switch]
            if nics and self.chance(0.4):
                self._dhcp(switch, nics)
            if self.chance(0.3):
                self.nb("set", "Logical_Switch", switch, "other_config:mcast_snoop=true",
                        f"other_config:mcast_flood_unregistered={self.random.choice(['true', 'false'])}")  # fmt: skip
            if self.chance(0.3) and nics:
                dns = self.nb("create", "DNS", f'records:web.local="{nics[0].v4}"')
                if dns:
                    self.nb("add", "Logical_Switch", switch, "dns_records", dns.strip())
            if self.chance(0.3):
                self.nb(
                    "qos-add", switch, self.random.choice(["from-lport", "to-lport"]), "100", "ip4", "dscp=10"
                )
            if self.chance(0.15):
                self.nb("set", "Logical_Switch", switch, "other_config:vlan-passthru=true")
        if self.chance(0.3):
            self.nb(
                "set", "NB_Global", ".", f"options:use_ct_inv_match={self.random.choice(['true', 'false'])}"
            )

    def _dhcp(self, switch: str, nics: list[Nic]) -> None:
        index = nics[0].v4.split(".")[1]
        self.nb("dhcp-options-create", f"10.{index}.0.0/24")
        listed = self.nb("--bare", "--columns=_uuid", "find", "DHCP_Options", f"cidr=10.{index}.0.0/24")
        made = (listed or "").strip()
        self.nb("dhcp-options-set-options", made, f"server_id=10.{index}.0.1", f"server_mac={self.next_mac()}",
                "lease_time=3600", f"router=10.{index}.0.1", "mtu=1400")  # fmt: skip
        if made:
            for nic in nics:
                if self.chance(0.7):
                    self.nb("lsp-set-dhcpv4-options", nic.name, made.strip())

    def _learned(self) -> None:
        """Rows that ovn-controller would have learned."""
        for port, router in self.made.router_ports:
            if self.chance(0.5):
                datapath = (self.ovn.sbctl("--bare", "--columns=_uuid", "find", "Datapath_Binding",
                                           f"external_ids:name={router}") or "").strip()  # fmt: skip
                address = self.random.choice(["172.30.0.1", "10.1.0.20", "172.30.0.9", "fd30::1"])
                self.ovn.sbctl("create", "MAC_Binding", f"logical_port={port}", f'ip="{address}"',
                               f'mac="{self.next_mac()}"', f"datapath={datapath}")  # fmt: skip
        for nic in self.made.nics:
            if self.chance(0.2):
                keys = (self.ovn.sbctl("--bare", "--columns=tunnel_key", "find", "Port_Binding",
                                       f"logical_port={nic.name}") or "").split()  # fmt: skip
                place = (self.ovn.sbctl("--bare", "--columns=tunnel_key", "find", "Datapath_Binding",
                                        f"external_ids:name={nic.switch}") or "").split()  # fmt: skip
                if keys and place:
                    self.ovn.sbctl("create", "FDB", f'mac="{self.random.choice([nic.mac, self.next_mac()])}"',
                                   f"dp_key={place[0]}", f"port_key={keys[0]}")  # fmt: skip
