"""Names and addresses of a snapshot replaced by others, the same ones everywhere.

Addresses keep their place among each other: two that share a prefix share one afterwards, so that subnets, routes
and matches still fit. First octets, multicast, loopback and link-local ranges stay. A MAC keeps its vendor part.
The key is thrown away with the process: nothing leads back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import socket
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import IO

import msgspec

from ko_tui.backend.saving.vocabulary import parts, tool_words, vocabulary
from ko_tui.backend.source.objects import KubeObject
from ko_tui.backend.source.ovsdb_log import records
from ko_tui.backend.source.snapshot_format import SavedRun

_IPV4 = re.compile(r"(?<![\w.:])(\d{1,3}(?:\.\d{1,3}){3})(/\d{1,2})?(?![\w.]*\d?\.\d)")
_MAC = re.compile(
    r"(?<![0-9a-fA-F:])((?:[0-9a-fA-F]{2}:){3})((?:[0-9a-fA-F]{2}:){2}[0-9a-fA-F]{2})(?![0-9a-fA-F:])"
)
_IPV6 = re.compile(r"(?<![\w:.])((?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4})(/\d{1,3})?(?![\w:])")
_KEPT_V4 = frozenset({0, 127, 169, 255, *range(224, 240)})
# Names of Kubernetes and Kube-OVN itself tell nothing about whose cluster it is, and ko-tui looks for them.
_PUBLIC_TEXT = """
default kube-system kube-public kube-node-lease ovn-central ovs-ovn kube-ovn-cni kube-ovn-controller kubernetes
kube-ovn-monitor kube-ovn-pinger ovn-default ovn-cluster ovn-external join kube-dns coredns system
"""
_PUBLIC = frozenset(_PUBLIC_TEXT.split())
_PUBLIC_PREFIXES = ("kube-ovn-", "kube-proxy", "ovn-central-", "ovn-nb", "ovn-northd", "ovn-sb", "ovs-ovn-")
_PUBLIC_NAME = re.compile(r"kube\.ovn|kube-ovn|ovn-cluster|ovn-default|^[a-z]+-(?:tcp|udp|sctp)(?:-|$)")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PART = re.compile(r"[A-Za-z0-9]+")
# A word that is a key of JSON is a column's or a field's name, whatever else is called so.
_NAME = re.compile(r'[A-Za-z0-9]+(?:[-._:@][A-Za-z0-9]+)*+(?!":)')
_ADDRESS_LIKE = re.compile(r"[0-9a-fA-F.:/]*[.:][0-9a-fA-F.:/]*|[0-9.]+")
REMEMBERED = 200_000
SHORTEST = 3
"""Shorter words are too common to stand for one object."""


class Redactor:
    """Replaces in the content of any member. ``objects`` tell which words are names, and so does ``ovn``: the names
    in OVN's own databases, of which some were given by hand and belong to no object."""

    def __init__(
        self, objects: Iterable[KubeObject], ovn: Iterable[str] = (), key: bytes | None = None
    ) -> None:
        self._key = key or secrets.token_bytes(32)
        self._names: dict[str, str] = {}
        self._longest = 1  # parts of the longest name
        self._words: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
        for item in objects:
            for name in (item.name, item.namespace, str(item.spec.get("nodeName") or "")):
                self._learn(name)
            for owner in item.metadata.owner_references:
                self._learn(owner.name)
            if item.labels.get("app", "") not in _PUBLIC:
                for value in item.labels.values():
                    self._learn(value)
        for name in ovn:
            self._learn_rest(name)
        self._words.clear()

    def _learn_rest(self, name: str) -> None:
        """What no object accounts for in a name of OVN's databases; a name without any known part is one word."""
        left = _NAME.sub(lambda found: self._replaced(found[0], lambda _: " "), name)
        strange = [part for part in parts(left) if part.lower() not in vocabulary() and not part.isdigit()]
        if not strange or _UUID.fullmatch(name) or _PUBLIC_NAME.search(name):
            return
        if left == name:
            self._learn(name)
        else:
            for part in strange:
                self._learn(part)

    def _learn(self, name: str) -> None:
        if len(name) < SHORTEST or name in _PUBLIC or name.startswith(_PUBLIC_PREFIXES) or name.isdigit():
            return
        if name.lower() in vocabulary() or _ADDRESS_LIKE.fullmatch(name):
            return
        self._longest = max(self._longest, len(parts(name)))
        made = f"n{self._digest('name', name)[:10]}"
        self._names.setdefault(name, made)
        # Kube-OVN writes names into port groups and address sets with dots for dashes.
        self._names.setdefault(name.replace("-", "."), made)

    def _digest(self, kind: str, text: str) -> str:
        return hmac.new(self._key, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()

    def text(self, text: str) -> str:
        """A text with every known name and every address replaced."""
        for pattern, change in ((_MAC, self._mac), (_IPV6, self._ipv6), (_IPV4, self._ipv4)):
            text = pattern.sub(partial(self._once, change), text)
        return _NAME.sub(self._word, text)

    def _word(self, found: re.Match[str]) -> str:
        """A composed word with the names in it replaced, remembered: a database repeats a few words."""
        word = found[0]
        made = self._words.get(word)
        if made is None:
            if len(self._words) >= REMEMBERED:
                self._words.clear()
            made = self._words[word] = self._replaced(word, self._names.__getitem__)
        return made

    def _replaced(self, word: str, change: Callable[[str], str]) -> str:
        """``word`` with each longest run of its parts that is a name changed."""
        spans = [(found.start(), found.end()) for found in _PART.finditer(word)]
        made, at, number = [], 0, 0
        while number < len(spans):
            start = spans[number][0]
            for last in range(min(number + self._longest, len(spans)) - 1, number - 1, -1):
                end = spans[last][1]
                if word[start:end] in self._names:
                    made += [word[at:start], change(word[start:end])]
                    at, number = end, last
                    break
            number += 1
        return "".join([*made, word[at:]])

    def _once(self, change: Callable[[re.Match[str]], str], found: re.Match[str]) -> str:
        """What an address becomes, remembered: there are few of them and each occurs often."""
        made = self._addresses.get(found[0])
        if made is None:
            made = self._addresses[found[0]] = change(found)
        return made

    def _mac(self, found: re.Match[str]) -> str:
        low = self._digest("mac", found[0].lower())[:6]
        if found[0].lower() in ("ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00") or int(found[1][:2], 16) & 1:
            return found[0]
        return f"{found[1].lower()}{low[:2]}:{low[2:4]}:{low[4:]}"

    def _ipv4(self, found: re.Match[str]) -> str:
        try:
            value = int.from_bytes(socket.inet_pton(socket.AF_INET, found[1]), "big")
        except OSError:
            return found[0]
        if value >> 24 in _KEPT_V4:
            return found[0]
        length = int(found[2][1:]) if found[2] else 32
        made = self._moved(value, 32, 8, length, "v4")
        return socket.inet_ntop(socket.AF_INET, made.to_bytes(4, "big")) + (found[2] or "")

    def _ipv6(self, found: re.Match[str]) -> str:
        try:
            value = int.from_bytes(socket.inet_pton(socket.AF_INET6, found[1]), "big")
        except OSError:
            return found[0]
        top = value >> 112
        if top >> 8 == 0xFF or top & 0xFFC0 == 0xFE80 or value < 1 << 32:
            return found[0]
        length = int(found[2][1:]) if found[2] else 128
        # The last 24 bits stay: solicited-node addresses are made of them.
        made = self._moved(value, 128, 16, min(length, 104), "v6")
        return socket.inet_ntop(socket.AF_INET6, made.to_bytes(16, "big")) + (found[2] or "")

    def _moved(self, value: int, width: int, kept: int, length: int, kind: str) -> int:
        """``value`` with the bits from ``kept`` to ``length`` exchanged, each depending on those before it."""
        made = value
        for bit in range(kept, min(length, width)):
            prefix = value >> width - bit
            if int(self._digest(kind, f"{bit}:{prefix:x}")[0], 16) & 1:
                made ^= 1 << width - bit - 1
        return made

    def run(self, saved: SavedRun) -> SavedRun:
        """A recorded command with its pod and words replaced; the tools' own words stay, or it is never found again."""
        return msgspec.structs.replace(
            saved, pod=self.text(saved.pod), namespace=self.text(saved.namespace),
            argv=tuple(word if word in tool_words() else self.text(word) for word in saved.argv),
        )  # fmt: skip

    def rewrite(self, name: str, content: IO[bytes]) -> Iterator[bytes]:
        """A member's content, replaced; a database gets new lengths and checksums."""
        if name.startswith("db/"):
            for magic, body in records(content, name):  # type: ignore[arg-type]
                text = body.decode("utf-8", "surrogateescape")
                if not text.startswith('{"name":'):
                    text = self.text(text)
                record = text.encode("utf-8", "surrogateescape")
                digest = hashlib.sha1(record, usedforsecurity=False).hexdigest()
                yield f"OVSDB {magic} {len(record)} {digest}\n".encode()
                yield record
            return
        text = content.read().decode("utf-8", "surrogateescape")
        made = self.text(text)
        if name.endswith(".json"):
            json.loads(made)  # what is written must still be JSON
        yield made.encode("utf-8", "surrogateescape")
