"""What each tool may be asked read-only: exact words, nothing by pattern that a tool could read differently.

Every entry is a command that the tools' sources show to change nothing. Some that upstream flags as read-only
are left out because they act all the same: ``ovs-ofctl add-tlv-map``, ``dpctl/ct-set-limits``, ``ovn-nbctl sync``,
``cluster/...`` other than the reports, ``ovsdb-server/compact``.
"""

from __future__ import annotations

# -- ovn-nbctl and its kind: command -> the options that it takes, beyond the tool's own -----------------------


def _words(text: str) -> list[str]:
    return text.split()


_GENERIC: dict[str, frozenset[str]] = {
    "show": frozenset(),
    "get": frozenset({"--if-exists"}),
    "list": frozenset({"--if-exists", "--columns"}),
    "find": frozenset({"--columns"}),
    "get-connection": frozenset(),
    "get-ssl": frozenset(),
}


def _plain(words: str) -> dict[str, frozenset[str]]:
    return dict.fromkeys(words.split(), frozenset())


_LFLOW = frozenset({"--uuid", "--ovs", "--stats", "--vflows"})

CTL: dict[str, dict[str, frozenset[str]]] = {
    "ovn-nbctl": {
        **_GENERIC,
        **_plain(
            "comment ls-list acl-list qos-list mirror-list meter-list lsp-list lsp-get-parent lsp-get-tag "
            "lsp-get-addresses lsp-get-port-security lsp-get-up lsp-get-enabled lsp-get-type lsp-get-options "
            "lsp-get-dhcpv4-options lsp-get-dhcpv6-options lsp-get-ls fwd-group-list lr-list lrp-list "
            "lrp-get-gateway-chassis lrp-get-enabled lrp-get-redirect-type lr-policy-list lr-nat-list lb-list "
            "lr-lb-list ls-lb-list dhcp-options-list dhcp-options-get-options copp-list pg-get-ports nf-list "
            "nfg-list lsp-hc-list ha-chassis-group-list static-mac-binding-list"
        ),
        "acl-list": frozenset({"--type"}),
        "lr-route-list": frozenset({"--route-table"}),
    },
    "ovn-sbctl": {**_GENERIC, "lflow-list": _LFLOW, "dump-flows": _LFLOW, "count-flows": frozenset()},
    "ovn-ic-nbctl": {**_GENERIC, **_plain("ts-list tr-list")},
    "ovn-ic-sbctl": dict(_GENERIC),
    "ovs-vsctl": {
        **{k: v for k, v in _GENERIC.items() if k != "get-connection"},
        **_plain(
            "list-br br-exists br-to-vlan br-to-parent br-get-external-id list-ports port-to-br list-ifaces "
            "iface-to-br get-controller get-fail-mode get-manager get-aa-mapping list-zone-tp list-dp-cap "
            "list-zone-limits"
        ),
    },
}

SECONDS = r"[1-9]\d{0,3}"
NAME = r"[A-Za-z_][A-Za-z0-9_]*"

# Alone, these only print what the program is: no database is asked, no file is opened.
ABOUT = frozenset({"--help", "-h", "--version", "-V"})
ABOUT_TOOLS = frozenset({*CTL, "ovs-ofctl", "ovs-dpctl", "ovs-appctl", "ovn-appctl"})

# option -> pattern of its value; None when it takes none. Short options are never clustered.
FORMATTING: dict[str, str | None] = {
    "--format": "table|list|html|csv|json",
    "-f": "table|list|html|csv|json",
    "--data": "string|bare|json",
    "-d": "string|bare|json",
    "--no-headings": None,
    "--no-heading": None,
    "--bare": None,
    "--pretty": None,
    "--max-column-width": r"\d{1,4}",
}
CTL_OPTIONS: dict[str, str | None] = {
    **FORMATTING,
    "--oneline": None,
    "--timeout": SECONDS,
    "-t": SECONDS,
    "--dry-run": None,
    "--leader-only": None,
    "--no-leader-only": None,
    "--shuffle-remotes": None,
    "--no-shuffle-remotes": None,
    "--no-syslog": None,
}
VSCTL_OPTIONS: dict[str, str | None] = {
    **FORMATTING,
    "--oneline": None,
    "--timeout": SECONDS,
    "-t": SECONDS,
    "--dry-run": None,
    "--no-syslog": None,
}
CTL_COMMAND_OPTIONS: dict[str, str | None] = {
    "--if-exists": None,
    "--columns": rf"{NAME}(,{NAME})*",
    "--uuid": None,
    "--ovs": None,  # bare only: its value would be a place to connect to
    "--stats": None,
    "--vflows": None,
    "--type": "switch|port-group",
    "--route-table": r"[A-Za-z0-9_.:-]+",
}
# Options of the writing commands, for --allow-write. None of them names a file, a server or a daemon.
CTL_WRITE_OPTIONS: dict[str, str | None] = {
    **CTL_COMMAND_OPTIONS,
    **dict.fromkeys(
        _words(
            "--may-exist --all --force --log --ecmp --ecmp-symmetric-reply --bfd --stateless "
            "--liveness --apply-after-lb --reject --event --add-duplicate --add-route --fair "
            "--no-wait --with-iface"
        )
    ),
    **dict.fromkeys(
        _words(
            "--severity --name --meter --label --tier --type --policy --src-ip --route-table "
            "--portrange --id --wait --gateway-port --match --priority --sample-new --sample-est "
            "--inactivity-probe --parent --tag"
        ),
        r"[^\s-][^\s]*",
    ),
}

# -- ovs-ofctl, ovs-dpctl ---------------------------------------------------------------------------------------

BRIDGE = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}"
DATAPATH = r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}"

OFCTL = frozenset(
    _words(
        "show dump-desc dump-tables dump-table-features dump-table-desc dump-flows dump-aggregate "
        "queue-stats queue-get-config dump-meter dump-meters meter-stats meter-features dump-ports "
        "dump-ports-desc get-frags dump-ipfix-bridge dump-ipfix-flow dump-groups dump-group-stats "
        "dump-group-features dump-tlv-map"
    )
)
# With --allow-write only; what runs on for ever, loads the switch or listens stays out.
OFCTL_NEVER = frozenset(_words("monitor snoop ping benchmark probe ofp-parse ofp-parse-pcap"))
OFCTL_OPTIONS: dict[str, str | None] = {
    "-O": r"[A-Za-z0-9.,]+",
    "--protocols": r"[A-Za-z0-9.,]+",
    "-F": r"[A-Za-z0-9_+,-]+",
    "--flow-format": r"[A-Za-z0-9_+,-]+",
    "-t": SECONDS,
    "--timeout": SECONDS,
    "--strict": None,
    "--names": None,
    "--no-names": None,
    "--stats": None,
    "--no-stats": None,
    "-m": None,
    "--more": None,
    "--read-only": None,
    "--color": "always|never|auto",
    "--sort": "|[a-z0-9_]+",
    "--rsort": "|[a-z0-9_]+",
}
OFCTL_WRITE_OPTIONS: dict[str, str | None] = {**OFCTL_OPTIONS, "--bundle": None, "--readd": None}

DPCTL = frozenset(
    _words(
        "dump-dps show dump-flows get-flow dump-conntrack dump-conntrack-exp ct-stats-show ct-bkts "
        "ct-get-maxconns ct-get-nconns ct-get-tcp-seq-chk ct-get-limits ct-get-sweep-interval "
        "cache-get-size ipf-get-status offload-stats-show"
    )
)
DPCTL_FLAGS: dict[str, str | None] = {
    "-m": None,
    "--more": None,
    "-s": None,
    "--statistics": None,
    "--names": None,
    "--no-names": None,
}
DPCTL_OPTIONS: dict[str, str | None] = {
    **DPCTL_FLAGS,
    "-t": SECONDS,
    "--timeout": SECONDS,
    "--read-only": None,
}
DPCTL_WRITE_OPTIONS: dict[str, str | None] = {**DPCTL_OPTIONS, "--may-create": None, "--clear": None}

# -- ovs-appctl, ovn-appctl: daemon -> commands ------------------------------------------------------------------

_EVERY_DAEMON = (
    "version list-commands coverage/show coverage/read-counter memory/show stopwatch/show vlog/list"
)

APPCTL: dict[str, frozenset[str]] = {
    "ovs-vswitchd": frozenset(
        f"{_EVERY_DAEMON} vlog/list-pattern bridge/dump-flows fdb/show fdb/stats-show mdb/show bond/list bond/show "
        "bond/hash lacp/show lacp/show-stats bfd/show cfm/show stp/show rstp/show qos/show qos/show-types "
        "autoattach/status autoattach/statistics autoattach/show-isid dpif/show dpif/dump-dps dpif/dump-flows "
        "dpif/show-dp-features dpif/offload/show upcall/show ofproto/list ofproto/list-tunnels ofproto/trace "
        "ofproto/detrace tnl/ports/show tnl/neigh/show tnl/arp/show ovs/route/show ovs/route/lookup "
        "ovs/route/rule/show dpif-netdev/pmd-stats-show dpif-netdev/pmd-rxq-show dpif-netdev/pmd-perf-show "
        "dpif-netdev/pmd-sleep-show dpif-netdev/bond-show dpdk/get-malloc-stats dpdk/get-memzone-stats "
        "dpdk/lcore-list dpdk/log-list netdev-dpdk/get-mempool-info "
        "tnl/egress_port_range tnl/neigh/aging tnl/arp/aging tnl/neigh/retrans_time".split()
    )
    | frozenset(f"dpctl/{command}" for command in DPCTL),
    "ovsdb-server": frozenset(
        f"{_EVERY_DAEMON} cluster/status cluster/cid cluster/sid ovsdb-server/get-db-storage-status "
        "ovsdb-server/list-dbs ovsdb-server/list-remotes ovsdb-server/sync-status "
        "ovsdb-server/get-active-ovsdb-server ovsdb-server/get-sync-exclude-tables "
        "ovsdb-server/perf-counters-show ovsdb-server/tlog-list".split()
    ),
    "ovn-controller": frozenset(
        f"{_EVERY_DAEMON} connection-status ct-zone-list group-table-list meter-table-list debug/status "
        "debug/dump-local-bindings debug/dump-local-datapaths debug/dump-related-ports debug/dump-peer-ports "
        "debug/dump-lflow-conj-ids debug/dump-local-template-vars debug/dump-mac-bindings lflow-cache/show-stats "
        "inc-engine/show-stats evpn/vtep-binding-list evpn/multicast-group-list".split()
    ),
    "ovn-northd": frozenset(
        f"{_EVERY_DAEMON} status is-paused nb-connection-status sb-connection-status inc-engine/show-stats "
        "parallel-build/get-n-threads debug/chassis-features-list".split()
    ),
    "ovn-ic": frozenset(f"{_EVERY_DAEMON} status is-paused".split()),
}
# These show a setting without an argument and set it with one.
APPCTL_BARE = frozenset(_words("tnl/egress_port_range tnl/neigh/aging tnl/arp/aging tnl/neigh/retrans_time"))
_PMD: dict[str, str | None] = {"-pmd": r"\d{1,4}"}
APPCTL_FLAGS: dict[str, dict[str, str | None]] = {
    **{f"dpctl/{command}": DPCTL_FLAGS for command in DPCTL},
    "dpif/dump-flows": {"-m": None, "--names": None, "--no-names": None},
    "bridge/dump-flows": {"--offload-stats": None},
    "dpif-netdev/pmd-stats-show": _PMD,
    "dpif-netdev/pmd-rxq-show": {**_PMD, "-secs": r"\d{1,3}"},
    "dpif-netdev/pmd-perf-show": {**_PMD, "-nh": None, "-it": r"\d{1,4}", "-ms": r"\d{1,4}"},
    "ofproto/trace": {"--ct-next": r"[a-z]+([,|][a-z]+)*"},
}
APPCTL_OPTIONS: dict[str, str | None] = {
    "-T": SECONDS,
    "--timeout": SECONDS,
    "-t": r"[A-Za-z0-9_./-]+",
    "--target": r"[A-Za-z0-9_./-]+",
}

# -- ovsdb-client, ovsdb-tool, ovn-trace, tcpdump ----------------------------------------------------------------

OVSDB_CLIENT = frozenset(_words("list-dbs get-schema-version list-tables list-columns dump query"))
OVSDB_CLIENT_NEVER = frozenset(_words("monitor monitor-cond monitor-cond-since lock steal unlock wait"))
OVSDB_CLIENT_OPTIONS: dict[str, str | None] = {**FORMATTING, "-t": SECONDS, "--timeout": SECONDS}
OVSDB_SERVER = r"unix:(/var)?/run/(ovn|openvswitch)/[A-Za-z0-9_-][A-Za-z0-9_.-]*\.sock"
OVSDB_TOOL = frozenset(
    _words(
        "db-name db-version db-cksum db-cid db-sid db-local-address db-is-clustered db-is-standalone "
        "show-log check-cluster query"
    )
)
OVSDB_FILE = r"/etc/(ovn|openvswitch)/[A-Za-z0-9_-][A-Za-z0-9_.-]*\.db"
OVSDB_TOOL_OPTIONS: dict[str, str | None] = {"-m": None, "--more": None}

OVN_TRACE_OPTIONS: dict[str, str | None] = {
    "--ct": r"[a-z]+(,[a-z]+)*",
    "--lb-dst": r"[0-9A-Fa-f.:\[\]]+",
    "--select-id": r"\d{1,5}",
    "--detailed": None,
    "--summary": None,
    "--minimal": None,
    "--all": None,
    "--friendly-names": None,
    "--no-friendly-names": None,
    "--leader-only": None,
    "--no-leader-only": None,
    "--ovs": None,
}

INTERFACE = r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}"
TCPDUMP_OPTIONS: dict[str, str | None] = {
    **dict.fromkeys(
        _words("-n -nn -e -v -vv -vvv -t -tt -ttt -tttt -q -S -A -X -XX -x -xx -l -U -p -K --immediate-mode")
    ),
    "-c": r"[1-9]\d{0,6}",
    "-s": r"\d{1,6}",
    "-i": INTERFACE,
    "-w": "-",
    "-Q": "in|out|inout",
}

# -- --read-only-strict: the short list ---------------------------------------------------------------------------

STRICT: dict[str, frozenset[str]] = {
    "ovn-nbctl": frozenset(_words("show list find get")),
    "ovn-sbctl": frozenset(_words("show list find get lflow-list")),
    "ovn-ic-nbctl": frozenset({"show"}),
    "ovn-ic-sbctl": frozenset({"show"}),
    "ovs-vsctl": frozenset(_words("show list find get list-br list-ports")),
    "ovs-ofctl": frozenset(["show", "dump-flows", "dump-ports-desc"]),
    "ovs-dpctl": frozenset({"show"}),
    "ovs-appctl": frozenset(
        _words(
            "version cluster/status ovsdb-server/get-db-storage-status connection-status status "
            "ofproto/trace tnl/ports/show dpif/show"
        )
    ),
    "ovn-appctl": frozenset(
        _words("version cluster/status ovsdb-server/get-db-storage-status connection-status status")
    ),
    "ovn-trace": frozenset({"trace"}),
}
