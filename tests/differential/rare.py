"""Features that few clusters have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.differential.cluster import Maker


def rare_features(maker: Maker) -> None:
    """What few clusters have, each now and then."""
    for nic in maker.made.nics:
        if maker.chance(0.12):  # names that only people see
            shown = maker.random.choice(
                ["web", "5a1e0d4c-8f3b-4f62-9a55-0f6a3c1d2e4b", "x-5a1e0d4c-8f3b-4f62-9a55-0f6a3c1d2e4b"]
            )
            maker.nb(
                "set",
                "Logical_Switch_Port",
                nic.name,
                f"external_ids:neutron:port_name={nic.name}-{shown}",
            )
    for switch in maker.made.switches:
        if maker.chance(0.15):
            maker.nb(
                "set",
                "Logical_Switch",
                switch,
                f'external_ids:"neutron:network_name"="{switch} of people"',
            )
        nics = [n.name for n in maker.made.nics if n.switch == switch]
        if len(nics) > 1 and maker.chance(0.15):
            live = ["--liveness"] if maker.chance(0.5) else []
            maker.nb(
                *live, "fwd-group-add", f"fg-{switch}", switch, "10.1.0.222", maker.next_mac(), *nics[:2]
            )
        if maker.chance(0.1):
            maker.nb("lsp-add", switch, f"{switch}-l2gw", "--", "lsp-set-type", f"{switch}-l2gw", "l2gateway", "--",
                    "lsp-set-options", f"{switch}-l2gw", "network_name=phys9", "l2gateway-chassis=ch1", "--",
                    "lsp-set-addresses", f"{switch}-l2gw", "unknown")  # fmt: skip
        if nics and maker.chance(0.1):
            maker.nb("lsp-add", switch, f"{switch}-child", nics[0], "7", "--", "lsp-set-addresses",
                    f"{switch}-child", f"{maker.next_mac()} 10.1.0.77")  # fmt: skip
    for port, router in maker.made.router_ports:
        if maker.chance(0.15):
            maker.nb(
                "static-mac-binding-add",
                port,
                maker.random.choice(["10.1.0.20", "172.30.0.1"]),
                maker.next_mac(),
            )
        if maker.chance(0.1):
            maker.nb("set", "Logical_Router_Port", port, "options:route_table=blue")
            maker.nb("--route-table=blue", "lr-route-add", router, "192.0.2.0/24", "172.30.0.1")
    if maker.made.groups and maker.chance(0.5):
        group = maker.made.groups[0]
        maker.nb("--type=port-group", "acl-add", group, "to-lport", "1500",
                f"outport == @{group} && ip4.src == ${group}_ip4 && udp", "drop")  # fmt: skip
    if maker.made.vips and maker.chance(0.3):
        made = maker.nb("create", "Load_Balancer_Group", "name=lbg")
        balancer = (maker.nb("--bare", "--columns=_uuid", "find", "Load_Balancer", "name=lb0") or "").strip()
        if made and balancer:
            maker.nb("add", "Load_Balancer_Group", made.strip(), "load_balancer", balancer)
            for router in maker.made.routers:
                maker.nb("add", "Logical_Router", router, "load_balancer_group", made.strip())
    if maker.chance(0.2):
        maker.nb("set", "NB_Global", ".", "options:use_logical_dp_groups=false")
