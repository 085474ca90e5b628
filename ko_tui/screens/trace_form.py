"""The trace form without a screen: its fields, how they become a request, and how a request fills them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ko_tui.backend.errors import KoError, UsageError

if TYPE_CHECKING:
    from ko_tui.backend.tracing.model import Endpoint, Engine, TraceRequest

PROTOCOLS = ("tcp", "udp", "icmp", "sctp", "arp-request", "arp-reply", "nd-ns")
WITH_PORTS = frozenset({"tcp", "udp", "sctp"})
# IANA's names of ports that people type.
NAMED_PORTS = {
    "ssh": 22, "domain": 53, "dns": 53, "http": 80, "kerberos": 88, "ntp": 123, "https": 443, "mysql": 3306,
    "postgresql": 5432, "redis": 6379, "kube-apiserver": 6443, "http-alt": 8080, "kubelet": 10250,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldSpec:
    name: str
    label: str
    hint: str
    choices: Sequence[str] = ()
    default: str = ""
    main: bool = False


FIELDS: tuple[FieldSpec, ...] = (
    FieldSpec("source", "From", "a pod, VM or node", main=True),
    FieldSpec("destination", "To", "a pod, Service, node or address", main=True),
    FieldSpec("protocol", "Protocol", "", PROTOCOLS, "tcp", main=True),
    FieldSpec("port", "Port", "80, or a name", main=True),
    FieldSpec("family", "IP family", "", ("auto", "4", "6"), "auto"),
    FieldSpec("src_port", "Source port", "30000"),
    FieldSpec("ttl", "TTL", "64"),
    FieldSpec("dst_mac", "To MAC", "found by ko-tui"),
    FieldSpec("tcp_flags", "TCP flags", "syn"),
    FieldSpec("ct", "Conntrack", "new; each pass: new;est"),
    FieldSpec("backend", "Backend", "any; or its IP[:PORT]"),
    FieldSpec("src_ip", "From IP", "its own"),
    FieldSpec("src_mac", "From MAC", "its own"),
    FieldSpec("select_id", "ECMP member", "as OVN chooses"),
    FieldSpec("engine", "Traced by", "", ("auto", "ovn-trace", "local", "both"), "auto"),
)
BY_NAME = {spec.name: spec for spec in FIELDS}


class FieldError(UsageError):
    """A field does not say what it must; ``field`` is its name."""

    title = "The packet is not complete"

    def __init__(self, field: str, what: str, next_step: str = "") -> None:
        super().__init__(what, next_step)
        self.field = field


def request_of(
    values: Mapping[str, str], *, namespace: str = "default", engine: Engine = "ovn-trace"
) -> TraceRequest:
    """The request that the fields make; ``engine`` is what "auto" stands for. Raises FieldError, or UsageError of
    the parts."""
    from ko_tui.backend.packet import DEFAULT_TTL, TCP_SYN, Protocol, parse_tcp_flags
    from ko_tui.backend.tracing.model import TraceRequest
    from ko_tui.backend.tracing.plan import check_request

    def text(name: str) -> str:
        return values.get(name, "").strip()

    for name in ("source", "destination"):
        if not text(name):
            spec = BY_NAME[name]
            hint = f"{spec.hint[:1].upper()}{spec.hint[1:]}."
            raise FieldError(name, f"{spec.label}: nothing is named yet.", hint)
    protocol = text("protocol") or "tcp"
    if protocol not in PROTOCOLS:
        raise FieldError(
            "protocol", f"{protocol!r} cannot be traced.", f"Choose from {', '.join(PROTOCOLS)}."
        )
    port, port_name = 0, ""
    if protocol in WITH_PORTS:
        word = text("port")
        if not word:
            raise FieldError(
                "port", f"A {protocol} packet needs a port.", "Type a number, or the Service port's name."
            )
        if word.isdigit():
            port = int(word)
        elif text("destination").startswith(("svc/", "service/")):
            port_name = word
        elif word.lower() in NAMED_PORTS:
            port = NAMED_PORTS[word.lower()]
        else:
            raise FieldError(
                "port", f"{word!r} is not a port.", "Type a number, or a name such as http or dns."
            )
    request = TraceRequest(
        source=text("source"),
        destination=text("destination"),
        protocol=Protocol(protocol),
        dst_port=port,
        port_name=port_name,
        src_port=_number("src_port", text("src_port"), 0),
        dst_mac=text("dst_mac"),
        family=int(text("family")) if text("family") in ("4", "6") else 0,
        ttl=_number("ttl", text("ttl"), DEFAULT_TTL),
        tcp_flags=parse_tcp_flags(text("tcp_flags")) if text("tcp_flags") else TCP_SYN,
        ct=tuple(part.strip() for part in text("ct").split(";") if part.strip()),
        backend=text("backend"),
        src_ip=text("src_ip"),
        src_mac=text("src_mac"),
        select_id=_number("select_id", text("select_id"), 0),
        namespace=namespace,
        engine=text("engine") if text("engine") not in ("", "auto") else engine,  # type: ignore[arg-type]
    )
    return check_request(request)


def field_problem(name: str, values: Mapping[str, str]) -> KoError | None:
    """What is wrong with one field, whatever the others say; None for a good or empty one, and for From and To."""
    spec = BY_NAME.get(name)
    word = values.get(name, "").strip()
    if spec is None or not word or name in ("source", "destination"):
        return None
    alone = {each.name: each.default for each in FIELDS}
    # A Service may call its ports as it likes; without a destination it is not known that it is none.
    alone |= {"source": "ns/pod", "destination": values.get("destination", "").strip() or "svc/ns/name"}
    alone |= {"port": "80", name: word}
    try:
        request_of(alone)
    except KoError as error:
        return error
    return None


def _number(name: str, word: str, default: int) -> int:
    if not word:
        return default
    if not word.isdigit():
        raise FieldError(name, f"{BY_NAME[name].label}: {word!r} is not a number.")
    return int(word)


def values_of(request: TraceRequest, *, engine: Engine = "ovn-trace") -> dict[str, str]:
    """The fields that would make this request; what is default is left empty, and ``engine`` is left to "auto"."""
    from ko_tui.backend.packet import DEFAULT_TTL, TCP_SYN

    return {
        "source": request.source,
        "destination": request.destination,
        "protocol": str(request.protocol),
        "port": request.port_name or (str(request.dst_port) if request.dst_port else ""),
        "family": str(request.family or "auto"),
        "src_port": str(request.src_port) if request.src_port else "",
        "ttl": str(request.ttl) if request.ttl != DEFAULT_TTL else "",
        "dst_mac": request.dst_mac,
        "tcp_flags": hex(request.tcp_flags) if request.tcp_flags != TCP_SYN else "",
        "ct": ";".join(request.ct),
        "backend": request.backend,
        "src_ip": request.src_ip,
        "src_mac": request.src_mac,
        "select_id": str(request.select_id) if request.select_id else "",
        "engine": "auto" if request.engine in ("ovn-trace", engine) else request.engine,
    }


def first_port(endpoint: Endpoint) -> tuple[str, str]:
    """(protocol, port) that a Service serves first; ("", "") for anything else."""
    if endpoint.kind != "service" or not endpoint.ports:
        return "", ""
    number, _, rest = endpoint.ports[0].partition("/")
    protocol = rest.split()[0].lower() if rest else ""
    return (protocol, number) if protocol in WITH_PORTS and number.isdigit() else ("", "")


def is_address(text: str) -> bool:
    """A whole IP address, so that nothing needs to be looked up."""
    from ko_tui.backend.tracing.lookup import is_address as known

    return known(text)
