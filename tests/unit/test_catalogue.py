"""The catalogue is complete: every stage, register, field and action of every release, in every language."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ko_tui.backend.explain.catalogue import SECTIONS, catalogue, section_of, shared
from ko_tui.backend.explain.document import document
from ko_tui.backend.explain.formatters import show
from ko_tui.backend.explain.language import LANGUAGES, pick_language
from ko_tui.backend.explain.openflow import openflow_table
from ko_tui.backend.explain.pipelines import infer_version, releases, stage_at
from ko_tui.backend.explain.registers import find_register
from ko_tui.backend.ovn import symbols
from ko_tui.backend.ovn.actions.dispatch import results, statements
from ko_tui.backend.ovn.versions import KNOWN, nearest
from tests.unit.explain_fixtures import FIXTURES, table_rows

BLANK = re.compile(r"\{(\w+)\}")
MACRO = re.compile(r"(?:x{0,2}reg\d+|flags)(?:\[[\d.]+\])?")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_stage_of_every_release_has_all_its_texts(lang):
    names = {row[4] for row in table_rows("stages.tsv")}
    assert len(names) > 90
    for name in names:
        entry = section_of(lang, "stages").get(name)
        assert entry, name
        assert set(entry) == {"title", "decides", "reads", "sets", "kube_ovn", "trouble"}, name
        assert all(text.strip() for text in entry.values()), name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_symbol_of_every_release_has_a_text(lang):
    names = set(json.loads((FIXTURES / "explain" / "names.json").read_text())["symbols"])
    for version in KNOWN:
        names |= set(symbols.table(version))
    assert len(names) > 130
    for name in names:
        family = name.rstrip("0123456789")
        entry = section_of(lang, "fields").get(family if family in ("reg", "xreg", "xxreg") else name)
        assert entry and entry["title"] and entry["meaning"], name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_predicate_and_flag_can_be_said_both_ways(lang):
    for version in KNOWN:
        for name, symbol in symbols.table(version).items():
            if symbol.kind == "predicate" or (symbol.kind == "subfield" and symbol.width == 1):
                text = catalogue(lang).field(name)
                assert text and text.yes and text.no, name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_action_of_every_release_has_a_text(lang):
    names = {"assignment", "exchange", "drop", "ip.ttl--"}
    for version in KNOWN:
        names |= set(statements(version)) | set(results(version))
    names = {("ip.ttl--" if name == "ip.ttl" else name) for name in names}
    assert len(names) > 70
    for name in names:
        entry = section_of(lang, "actions").get(name)
        assert entry and entry["title"] and entry["meaning"], name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_register_is_found_where_its_release_keeps_it(lang):
    heading = (FIXTURES / "explain" / "registers.tsv").read_text().splitlines()[0].split("\t")
    checked = 0
    for row in table_rows("registers.tsv"):
        for build, place in zip(heading[1:], row[1:], strict=True):
            found = MACRO.match(place)
            if not found:
                continue
            version = nearest(build.lstrip("v"))
            entry = shared("registers")[row[0]]
            stage = (entry.get("stages") or [""])[0]
            scope = entry["scope"]
            register = find_register(found[0], version=version, scope=scope, stage=stage)
            assert register is not None, (row[0], build, place)
            text = catalogue(lang).register(row[0])
            assert text and text.title and text.meaning and text.set_by and text.read_by
            checked += 1
    assert checked > 500


@pytest.mark.parametrize("section", SECTIONS)
def test_no_translation_is_missing(section):
    english, chinese = section_of("en", section), section_of("zh", section)
    assert english
    assert set(english) == set(chinese)
    for key, entry in english.items():
        if isinstance(entry, dict):
            assert set(entry) == set(chinese[key]), key
            texts = list(zip(entry.values(), (chinese[key][part] for part in entry), strict=True))
        else:
            texts = [(entry, chinese[key])]
        for mine, theirs in texts:
            assert sorted(BLANK.findall(mine)) == sorted(BLANK.findall(theirs)), key


def test_chinese_texts_are_chinese():
    for section in ("stages", "registers", "fields", "actions"):
        for key, entry in section_of("zh", section).items():
            joined = "".join(entry.values())
            assert re.search(r"[\u4e00-\u9fff]", joined), key


def test_what_a_language_lacks_is_said_in_english(monkeypatch):
    words = catalogue("zh")
    lacking = {k: v for k, v in section_of("zh", "actions").items() if k != "drop"}
    monkeypatch.setattr(
        "ko_tui.backend.explain.catalogue.section_of",
        lambda lang, section: lacking if (lang, section) == ("zh", "actions") else section_of(lang, section),
    )
    text = words.action("drop")
    assert text is not None and text.title == "drop"
    assert words.action("no_such_action") is None


@pytest.mark.parametrize(
    ("flag", "config", "environ", "wanted"),
    [
        ("", "", {}, "en"),
        ("zh", "en", {"LANG": "en_US.UTF-8"}, "zh"),
        ("", "zh", {"LANG": "en_US.UTF-8"}, "zh"),
        ("", "", {"LANG": "zh_CN.UTF-8"}, "zh"),
        ("", "", {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        (None, None, {"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_language_is_picked_from_flag_then_configuration_then_locale(flag, config, environ, wanted):
    assert pick_language(flag, config, environ) == wanted


def test_a_register_means_another_thing_on_a_router_and_in_another_release():
    def key(name, version, stage):
        found = find_register(name, version=version, stage=stage)
        return found.key if found else None

    assert key("reg0[7]", "25.03", "ls_in_acl_eval") == "REGBIT_ACL_HINT_ALLOW_NEW"
    assert key("reg0", "25.03", "lr_in_arp_resolve") == "REG_NEXT_HOP_IPV4"
    assert key("reg0", "22.03", "lr_in_dnat") == "ROUTER_VIP_IPV4"
    assert key("reg1", "24.03", "lr_in_ip_routing") == "REG_SRC_IPV4"
    assert key("reg5", "25.03", "lr_in_ip_routing") == "REG_SRC_IPV4"
    assert key("reg5", "24.03", "lr_in_ip_routing") is None
    assert key("reg9[16..31]", "24.03", "lr_in_dnat") == "REG_ORIG_TP_DPORT_ROUTER"
    assert key("reg9[16..31]", "25.03", "lr_in_policy") == "REG_POLICY_CHAIN_ID"
    assert key("reg8[17]", "23.03", "ls_in_acl") is None
    assert key("reg10[4]", "25.03", "") == "MLF_LOCAL_ONLY"


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("hints", "5", "allow new, drop"),
        ("hints", "0", "none"),
        ("port", "53", "53 (DNS)"),
        ("port", "50000", "50000"),
        ("ipv4", "0x0a100004", "10.16.0.4"),
        ("ipv4", "10.16.0.4", "10.16.0.4"),
        ("ipv6", "1", "::1"),
        ("mac", "0x00000a3b4c5d", "00:00:0a:3b:4c:5d"),
        ("tier", "2", "2 (NetworkPolicy, security groups)"),
        ("bool", "1", "yes"),
        ("bool", "?", "?"),
        ("protocol", "17", "17 (UDP)"),
        ("ct_state", "0x21", "new|trk"),
        ("tcp_flags", "0x12", "syn|ack"),
        ("no such kind", "7", "7"),
    ],
)
def test_values_are_shown_as_a_person_says_them(kind, value, shown):
    assert show(kind, value, catalogue("en")) == shown


def test_the_release_is_known_from_its_tables():
    rows = table_rows("stages.tsv")
    for build in {row[0] for row in rows}:
        pairs = [(row[4], int(row[3])) for row in rows if row[0] == build]
        wanted = nearest(build.lstrip("v"))
        # 22.12.2 and 23.03.1 have the very same tables: the newer one is taken.
        assert infer_version(pairs) in ({"22.12", "23.03"} if wanted == "22.12" else {wanted}), build
    assert infer_version([]) is None
    assert infer_version([("ls_in_from_the_future", 3)]) is None


def test_tables_are_numbered_as_in_the_release():
    newest = {"22.03": "v22.03.8", "25.03": "v25.03.3", "26.03": "v26.03.2", "23.03": "v23.03.1"}
    for _, build in newest.items():
        for row in table_rows("stages.tsv"):
            if row[0] == build:
                assert stage_at(nearest(build.lstrip("v")), f"{row[1]}_{row[2]}", int(row[3])) == row[4]
    assert stage_at("25.03", "switch_ingress", 99) == ""
    assert len(releases()) >= 10


def test_openflow_tables_are_named():
    assert openflow_table(0).title.startswith("from the wire")
    assert openflow_table(14, "25.03", router=False).stages == ("ls_in_pre_stateful",)
    assert openflow_table(45, "25.03", router=False).stages == ("ls_out_lookup_fdb",)
    assert openflow_table(40, "22.03", router=False).stages == ("ls_out_pre_acl",)
    assert not openflow_table(250).known


def test_the_page_is_current():
    page = Path(__file__).parents[2] / "docs" / "ovn-for-humans.md"
    assert page.read_text(encoding="utf-8") == document()
