"""``docs/ovn-for-humans.md`` made from the catalogue: ``python -m ko_tui.backend.explain.document > FILE``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby

from ko_tui.backend.explain.catalogue import Catalogue, catalogue, section_of
from ko_tui.backend.explain.language import Language
from ko_tui.backend.explain.pipelines import releases
from ko_tui.backend.explain.registers import RegisterField, all_fields
from ko_tui.backend.ovn.versions import KNOWN

_PIPELINES = {
    "switch_ingress": "Switch, ingress: packets that a port sends",
    "switch_egress": "Switch, egress: packets that a port is to get",
    "router_ingress": "Router, ingress",
    "router_egress": "Router, egress",
}
_SCOPES = {"switch": "On a switch", "router": "On a router", "both": "On both"}
_INTRO = """# OVN for humans

What every table, register, field and action of OVN's logical flows means, for the releases that Kube-OVN ships
({first} to {last}). This page is made from ko-tui's catalogue; `ko-tui explain` says the same about your own flows.

How to read a flow: a packet enters a **datapath** (a logical switch is a Kube-OVN Subnet, a logical router is a Vpc)
by a **port** and goes through numbered **tables**, first those of the ingress pipeline, then those of the egress
pipeline. In each table the flow with the highest **priority** whose **match** holds does its **actions**. Tables
leave each other notes in **registers**. Numbers of tables differ between releases; names are what counts.

- [Tables](#tables)
- [Registers](#registers)
- [Fields and predicates](#fields-and-predicates)
- [Actions](#actions)
- [What a trace leaves out](#what-a-trace-leaves-out)
- [What Kube-OVN's priorities are for](#what-kube-ovns-priorities-are-for)
- [OpenFlow tables](#openflow-tables)
"""


def document(lang: Language = "en") -> str:
    """The whole page as Markdown."""
    words = catalogue(lang)
    lines: list[str] = [_INTRO.format(first=KNOWN[0], last=KNOWN[-1])]
    lines += ["## Tables", ""]
    for pipeline, title in _PIPELINES.items():
        lines += [f"### {title}", ""]
        lines += _stages(pipeline, words)
    lines += ["## Registers", ""]
    for scope, title in _SCOPES.items():
        lines += [f"### {title}", ""]
        lines += _registers(scope, words)
    lines += ["## Fields and predicates", ""]
    lines += _table(("Name", "What it is", "Meaning"), _fields(words))
    lines += ["## Actions", ""]
    lines += _table(("Action", "What it does", "Meaning"), _actions(words))
    lines += ["## What a trace leaves out", ""]
    lines += _table(("Action or remark", "What ovn-trace does"), _texts("assumptions", words))
    lines += ["## What Kube-OVN's priorities are for", ""]
    lines += _table(("Priority", "Purpose"), _purposes(words))
    lines += ["## OpenFlow tables", ""]
    lines += _table(("Table", "Purpose"), _texts("oftables", words))
    return "\n".join(lines).rstrip() + "\n"


def _stages(pipeline: str, words: Catalogue) -> Iterator[str]:
    for name in _order(pipeline):
        text = words.stage(name)
        assert text is not None, name
        yield f"#### `{name}`"
        yield ""
        yield f"**{text.title}** ({_numbers(name, pipeline)})"
        yield ""
        yield text.decides
        yield ""
        yield f"- Reads: {text.reads}"
        yield f"- Leaves behind: {text.sets}"
        yield f"- Kube-OVN: {text.kube_ovn}"
        yield f"- Usual trouble: {text.trouble}"
        yield ""


def _order(pipeline: str) -> list[str]:
    """Every stage of a pipeline: the newest release's order, older names after their neighbour."""
    names: list[str] = []
    for release in reversed(releases()):
        tables = release.tables[pipeline]
        for at, name in enumerate(tables):
            if name not in names:
                before = [names.index(other) for other in tables[:at] if other in names]
                names.insert(max(before) + 1 if before else 0, name)
    return names


def _numbers(name: str, pipeline: str) -> str:
    """``table 8 in 24.03, 9 in 26.03``: the numbers of a stage, release by release."""
    found: dict[str, int] = {}
    for release in releases():
        tables = release.tables[pipeline]
        if name in tables:
            found[release.version] = tables.index(name)
    parts = []
    for number, group in groupby(found.items(), key=lambda item: item[1]):
        versions = [version for version, _ in group]
        span = versions[0] if len(versions) == 1 else f"{versions[0]} to {versions[-1]}"
        parts.append(f"{number} in {span}")
    return "table " + ", ".join(parts)


def _registers(scope: str, words: Catalogue) -> Iterator[str]:
    rows = []
    for key, group in groupby(all_fields(), key=lambda field: field.key):
        fields = list(group)
        text = words.register(key)
        if fields[0].scope != scope or text is None:
            continue
        where = ", ".join(f"`{field.location}`{_span(field)}" for field in fields)
        rows.append((where, text.title, text.meaning, text.set_by, text.read_by))
    return _table(("Where", "Name", "Meaning", "Set by", "Read by"), rows)


def _span(field: RegisterField) -> str:
    if field.since and field.until:
        return f" ({field.since} to {field.until})" if field.since != field.until else f" ({field.since})"
    if field.since:
        return f" (since {field.since})"
    return f" (until {field.until})" if field.until else ""


def _fields(words: Catalogue) -> Iterator[tuple[str, ...]]:
    for name in section_of("en", "fields"):
        text = words.field(name)
        assert text is not None, name
        shown = {"reg": "reg0 … reg9", "xreg": "xreg0 … xreg4", "xxreg": "xxreg0, xxreg1"}.get(name, name)
        yield f"`{shown}`", text.title, text.meaning


def _actions(words: Catalogue) -> Iterator[tuple[str, ...]]:
    names = {"assignment": "field = value", "exchange": "field <-> field"}
    for name in section_of("en", "actions"):
        text = words.action(name)
        assert text is not None, name
        yield f"`{names.get(name, name)}`", text.title, text.meaning


def _texts(section: str, words: Catalogue) -> Iterator[tuple[str, ...]]:
    for name in section_of("en", section):
        yield f"`{name}`", words.text(section, name) or ""


def _purposes(words: Catalogue) -> Iterator[tuple[str, ...]]:
    from ko_tui.backend.explain.names import ACL_PURPOSES, POLICY_PURPOSES

    for low, high, key in ACL_PURPOSES:
        span = str(low) if low == high else f"{low} to {high}"
        yield f"ACL {span}", words.text("purposes", key) or ""
    for priority, key in POLICY_PURPOSES.items():
        yield f"router policy {priority}", words.text("purposes", key) or ""


def _table(heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(heading) + " |"
    yield "|" + "---|" * len(heading)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(document())
