"""Matches and actions by the thousand, from a seed: most nearly valid, many spoiled in one or two places."""

from __future__ import annotations

import random
import re

from ko_tui.backend.ovn.symbols import table
from ko_tui.backend.ovn.versions import OvnVersion
from tests.differential_language.samples import BLOCKS, LIKELY, NOISE, OPTIONS, TEMPLATES

TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"|[A-Za-z_][\w.]*|[0-9A-Fa-f:][0-9A-Za-z:.]*(?:/[0-9A-Za-z:.]+)?|[&|=!<>.-]+|.', re.S
)


class Generator:
    """Texts from one seed, for one release."""

    def __init__(self, seed: int, version: OvnVersion) -> None:
        self.random = random.Random(seed)
        self.symbols = table(version)
        self.names = sorted(self.symbols)
        self.careful = False
        self.negated = False

    # Matches.

    def match(self) -> str:
        """A match, spoiled one time in two."""
        self.careful = self.random.random() < 0.7
        return self._perhaps_spoiled(self._expression(self.random.choice((0, 1, 1, 2, 3))))

    def _expression(self, depth: int) -> str:
        rnd = self.random
        if depth <= 0:
            return self._term()
        count = rnd.choice((1, 2, 2, 3, 4))
        joint = rnd.choice((" && ", " || ", "&&", "||", " &&\t"))
        terms = [self._operand(depth - 1) for _ in range(count)]
        if not self.careful and rnd.random() < 0.05 and count > 2:
            return " && ".join(terms[:-1]) + " || " + terms[-1]
        return joint.join(terms)

    def _operand(self, depth: int) -> str:
        roll = self.random.random()
        if roll < 0.45:
            return self._term()
        if roll < 0.55:
            self.negated = not self.negated
            inner = self._expression(depth)
            self.negated = not self.negated
            return f"!({inner})"
        return f"({self._expression(depth)})"

    def _term(self) -> str:
        return self._careful_term() if self.careful else self._wild_term()

    def _careful_term(self) -> str:
        rnd = self.random
        if rnd.random() < 0.04:
            return rnd.choice(("0", "1", "!1", '!is_chassis_resident("port")', 'is_chassis_resident("a")'))
        name = rnd.choice(self.names)
        symbol = self.symbols[name]
        if (
            symbol.kind == "predicate"
            and (symbol.level != "nominal" or not self.negated)
            and rnd.random() < 0.8
        ):
            return ("!" if symbol.level != "nominal" and rnd.random() < 0.3 else "") + name
        if symbol.level == "nominal":
            value = "1" if symbol.kind == "predicate" else self._value(symbol.width)
            text = f"{name} {'!=' if self.negated else '=='} {value}"
            return text if rnd.random() < 0.95 else f"!({name} {'==' if self.negated else '!='} {value})"
        field = self._bits(name)
        if "[" in field and ".." not in field and rnd.random() < 0.6:
            return rnd.choice(("", "!")) + field
        if symbol.level == "boolean" or rnd.random() < 0.6:
            return f"{field} {rnd.choice(('==', '!='))} {self._value(symbol.width)}"
        low, high = (self._plain(symbol.width) for _ in "ab")
        if rnd.random() < 0.3:
            return f"{low} {rnd.choice(('<', '<='))} {field} {rnd.choice(('<', '<='))} {high}"
        if rnd.random() < 0.2:
            return f"{low} {rnd.choice(('>', '>='))} {field} {rnd.choice(('>', '>='))} {high}"
        pair = (field, low) if rnd.random() < 0.8 else (low, field)
        return f"{pair[0]} {rnd.choice(('<', '<=', '>', '>='))} {pair[1]}"

    def _plain(self, width: int) -> str:
        return self._constant(width).split("/")[0]

    def _wild_term(self) -> str:
        rnd = self.random
        roll = rnd.random()
        if roll < 0.04:
            return rnd.choice(
                ("0", "1", "!1", "!0", "0x1", "2", '!is_chassis_resident("port")', 'is_chassis_resident("a")')
            )
        name = rnd.choice(self.names)
        symbol = self.symbols[name]
        if (symbol.kind == "predicate" and roll < 0.8) or roll < 0.15:
            return rnd.choice(("", "", "!")) + self._bits(name)
        field = self._bits(name)
        value = self._value(symbol.width if rnd.random() < 0.95 else rnd.choice((0, 8, 16, 32, 48, 128)))
        op = (
            "=="
            if symbol.level == "nominal" and roll < 0.9
            else rnd.choice(("==", "==", "!=", "<", "<=", ">", ">="))
        )
        space = rnd.choice((" ", " ", " ", "", "  "))
        text = f"{field}{space}{op}{space}{value}"
        if roll > 0.96:
            text = (
                f"{self._value(symbol.width)} {rnd.choice(('<', '<=', '>', '>=', '=='))} {field} {op} {value}"
            )
        elif roll > 0.9:
            text = f"{value}{space}{op}{space}{field}"
        return f"!({text})" if rnd.random() < 0.07 else text

    def _bits(self, name: str) -> str:
        rnd = self.random
        symbol = self.symbols[name]
        if symbol.level == "ordinal" and symbol.width > 1 and rnd.random() < 0.3:
            low = rnd.randrange(symbol.width)
            if rnd.random() < 0.5:
                return f"{name}[{low}]"
            high = rnd.randrange(low, symbol.width + (not self.careful and rnd.random() < 0.1))
            return f"{name}[{low}..{high}]"
        if not self.careful and rnd.random() < 0.04:
            return f"{name}[{rnd.randrange(3)}{rnd.choice(('', '..1', '..7'))}]"
        return name

    def _value(self, width: int) -> str:
        rnd = self.random
        if rnd.random() < 0.15:
            values = [self._constant(width) for _ in range(rnd.choice((1, 2, 3)))]
            return "{" + rnd.choice((", ", ",", " ")).join(values) + rnd.choice(("}", "}", "}", ",}"))
        return self._constant(width)

    def _constant(self, width: int) -> str:
        rnd = self.random
        if not width:
            return rnd.choice(('"port"', '"lsp-a.b"', '""', '"a\\"b\\\\"', '"\\u00e9"', "@ports"))
        if not self.careful and rnd.random() < 0.08:
            width += rnd.choice((1, 8, -width + 1))
        value = rnd.getrandbits(width) >> rnd.choice((0, 0, width // 2, width - 1))
        if rnd.random() < 0.05 and width in (32, 128):
            return "$addresses4" if width == 32 else "$addresses6"
        shapes = [str(value) if value < 1 << 64 else hex(value), hex(value)]
        octets = value.to_bytes(17, "big")
        mask = rnd.getrandbits(width)
        if width == 32:
            text = ".".join(map(str, octets[-4:]))
            shapes += [text, text, f"{text}/{rnd.randrange(34)}", f"{text}/255.255.0.255"]
        elif width == 48:
            text = ":".join(f"{b:02x}" for b in octets[-6:])
            shapes += [text, text, text.upper(), f"{text}/01:00:00:00:00:00"]
        elif width == 128:
            text = ":".join(f"{int.from_bytes(octets[i : i + 2], 'big'):x}" for i in range(1, 17, 2))
            shapes += [
                text,
                text,
                f"{text}/{rnd.randrange(130)}",
                "::1",
                "fe80::/10",
                "::1.2.3.4/::ffff:ffff",
            ]
        if not self.careful or not rnd.randrange(3):
            shapes += [
                f"{value:#x}/{mask:#x}",
                f"{value}/{mask}" if max(value, mask) < 1 << 64 else "1/1",
                f"0/{mask:#x}",
            ]
        return rnd.choice(shapes)

    # Actions.

    def actions(self) -> str:
        """An action list, spoiled one time in two."""
        rnd = self.random
        self.careful = rnd.random() < 0.7
        return self._perhaps_spoiled(" ".join(self._action(2) for _ in range(rnd.choice((1, 1, 1, 2, 3)))))

    def _action(self, depth: int) -> str:
        rnd = self.random
        if rnd.random() < 0.3:
            return self._assignment()
        if depth and rnd.random() < 0.2:
            name = rnd.choice(BLOCKS)
            inner = " ".join(self._action(depth - 1) for _ in range(rnd.choice((0, 1, 2))))
            if name == "ct_commit" and rnd.random() < 0.7:
                inner = rnd.choice(
                    ("ct_mark = 1;", "ct_label.blocked = 1; ct_mark.natted = 0;", "ct_label = 1/1;")
                )
            return f"{name} {{ {inner} }};"
        return re.sub(r"<(\w+)>", lambda found: self._slot(found[1]), rnd.choice(TEMPLATES))

    def _assignment(self) -> str:
        rnd = self.random
        name = rnd.choice(self.names)
        width = self.symbols[name].width
        left = self._bits(name)
        if self.careful and self.symbols[name].scope != "anywhere":
            name = left = rnd.choice(("reg0", "eth.src", "ip.ttl", "outport", "flags.loopback", "xxreg1"))
            width = self.symbols[name].width
        if rnd.random() < 0.6:
            return f"{left} = {self._plain(width)};"
        alike = [other for other in self.names if self.symbols[other].width == width]
        right = self._bits(rnd.choice(alike if rnd.random() < 0.8 else self.names))
        return f"{left} {rnd.choice(('=', '=', '<->'))} {right};"

    def _slot(self, kind: str) -> str:
        rnd = self.random
        if self.careful and kind in LIKELY and rnd.random() < 0.9:
            return rnd.choice(LIKELY[kind])
        if kind == "bit":
            return rnd.choice(
                (
                    "reg0[0]",
                    "reg9[31]",
                    "xxreg0[127]",
                    "flags.loopback",
                    "eth.src[40]",
                    "ct_mark[0]",
                    "reg0",
                    "ct.trk",
                )
            )
        if kind == "reg":
            return rnd.choice(
                (
                    "reg0",
                    "reg8[16..31]",
                    "reg9[0..15]",
                    "reg0[0..14]",
                    "xreg0",
                    "outport",
                    "ip.proto",
                    "reg3[0..7]",
                )
            )
        if kind == "string":
            return rnd.choice(("inport", "outport", "inport", "reg0"))
        if kind in ("ip4", "ip6", "mac"):
            width = {"ip4": 32, "ip6": 128, "mac": 48}[kind]
            return rnd.choice(
                [n for n in self.names if self.symbols[n].width == width] + [f"xxreg0[0..{width - 1}]"]
            )
        if kind == "address":
            return rnd.choice(("1.2.3.4", "10.0.0.1", "fd00::1", "::ffff:1.2.3.4", "1.2.3.0/24", "5", "0x5"))
        if kind == "backend":
            return rnd.choice(
                (
                    "1.2.3.4",
                    "1.2.3.4:80",
                    "[fd00::1]:80",
                    "fd00::1",
                    "[fd00::1]",
                    "1.2.3.4:0",
                    "1.2.3.4:65536",
                    "fd00::1:80",
                )
            )
        if kind == "endpoint":
            return rnd.choice(
                (
                    "1.2.3.4:80",
                    "1.2.3.4",
                    "[fd00::1]:80",
                    "[fd00::1]",
                    "fd00::1",
                    "1.2.3.4:99999",
                    "name:80",
                    "",
                    ":80",
                    "1.2.3.4:",
                    "[::1",
                    "1.2.3.4:+8",
                )
            )
        if kind == "number":
            return rnd.choice(
                (
                    "0",
                    "1",
                    "5",
                    "80",
                    "255",
                    "256",
                    "65535",
                    "65536",
                    "61440",
                    "61441",
                    "2147483648",
                    "0x5",
                    "1/1",
                    "4294967301",
                )
            )
        if kind == "word":
            return rnd.choice(
                (
                    "true",
                    "false",
                    '"true"',
                    "tcp",
                    "udp",
                    "sctp",
                    "drop",
                    "allow",
                    "reject",
                    "pass",
                    "info",
                    "alert",
                    "dnat",
                    "snat",
                )
            )
        if kind == "option":
            return rnd.choice(OPTIONS)
        return rnd.choice(
            ('"port"', '"a b"', '""', '"' + "n" * 63 + '"', '"' + "n" * 64 + '"', '"eth_src,ip_dst"')
        )

    # Spoiling.

    def _perhaps_spoiled(self, text: str) -> str:
        rnd = self.random
        if rnd.random() < (0.7 if self.careful else 0.3) or not text:
            return text
        tokens = TOKEN.findall(text)
        for _ in range(rnd.choice((1, 1, 2))):
            at = rnd.randrange(len(tokens) + 1)
            roll = rnd.random()
            if roll < 0.3:
                tokens[at : at + 1] = []
            elif roll < 0.45 and at < len(tokens):
                tokens.insert(at, tokens[at])
            elif roll < 0.6:
                tokens[at : at + 1] = [rnd.choice(NOISE)]
            elif roll < 0.75:
                tokens.insert(at, f" {rnd.choice(NOISE)} ")
            elif roll < 0.85 and len(tokens) > 1:
                other = rnd.randrange(len(tokens))
                at = min(at, len(tokens) - 1)
                tokens[at], tokens[other] = tokens[other], tokens[at]
            elif text:
                where = rnd.randrange(len(text))
                return (
                    text[:where]
                    + rnd.choice(("", "0", "f", ".", ":", "/", " ", "]", "(", "x", "="))
                    + text[where + 1 :]
                )
        return "".join(tokens)
