"""The tokens of OVN's match and action languages.

Facts: ovn-sb(5), Logical_Flow, and the behaviour of OVN's own lexer. Both languages share one set of tokens.
Input is text; offsets are characters from its start. Nothing here raises for bad input: a token of kind
``ERROR`` carries the message, and the parser that reaches it reports it.
"""

from __future__ import annotations

import re
import socket
from enum import StrEnum

from msgspec import Struct

END, ID, STRING, INTEGER, ADDRESS_SET, PORT_GROUP, TEMPLATE, ERROR = (
    "end",
    "id",
    "string",
    "integer",
    "$",
    "@",
    "^",
    "error",
)
"""Kinds of the tokens that carry a value; every other kind is the punctuation itself (``&&``, ``<->``, ``{``)."""


class Format(StrEnum):
    """How an integer constant is spelled."""

    DECIMAL = "decimal"
    HEXADECIMAL = "hexadecimal"
    IPV4 = "ipv4"
    IPV6 = "ipv6"
    ETHERNET = "ethernet"


DECIMAL, HEXADECIMAL = Format.DECIMAL, Format.HEXADECIMAL
IPV4, IPV6, ETHERNET = Format.IPV4, Format.IPV6, Format.ETHERNET


class Number(Struct, frozen=True, gc=False):
    """An integer token: its value, its mask when it has one, and its spelling."""

    value: int
    format: Format
    mask: int | None = None


class LanguageError(ValueError):
    """Text that is not in the language: ``message`` says what, ``offset`` (characters) says where."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} (at offset {offset})")
        self.message = message
        self.offset = offset


_WORD = re.compile(
    r"""(?:[ \t\n\r\v\f]+|//[^\n\0]*|/\*[^\n\0]*?\*/)*
    (?:
      (?P<id>(?![a-fA-F][0-9a-fA-F]*:)[A-Za-z_][A-Za-z0-9_.]*)
     |(?P<op>&&|\|\||==|!=|<=|>=|<->|--|\.\.|[(){}\[\]=!<>,;-]|:(?!:))
     |(?P<integer>[0-9A-Fa-f:][0-9A-Za-z:]*(?:\.(?!\.)[0-9A-Za-z]*)*)
      (?P<slash>/[0-9A-Za-z:]*(?:\.(?!\.)[0-9A-Za-z]*)*)?
     |"(?P<string>[^"\\\0]*(?:\\[^\0][^"\\\0]*)*)"
     |(?P<name>[$@^][A-Za-z_.][A-Za-z0-9_.]*)
     |(?P<end>\Z)
     |(?P<error>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ETHERNET = re.compile(r"(?:(?:0[xX])?[0-9a-fA-F]+:){5}(?:0[xX])?[0-9a-fA-F]+\Z")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_HEX4 = re.compile(r"[0-9a-fA-F]{4}")
_PLAIN = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

Tokens = tuple[list[str], list[object], list[int], list[int]]
"""Kinds, values, start and end offsets of all tokens; the last is ``END`` or ``ERROR``."""


def tokenize(text: str) -> Tokens:
    """All tokens of ``text`` up to its end or to the first that is not one."""
    kinds: list[str] = []
    values: list[object] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    match = _WORD.match
    while True:
        found = match(text, position)
        # The last alternative takes any character, so there is always a match.
        assert found is not None
        group = found.lastgroup
        assert group is not None
        position = found.end()
        kind: str
        value: object = None
        if group == "id":
            kind, value, start = ID, found[group], found.start(group)
        elif group == "op":
            kind, start = found[group], found.start(group)
        elif group == "integer" or group == "slash":
            start = found.start("integer")
            number = integer(found["integer"], found["slash"])
            kind, value = (ERROR, number) if isinstance(number, str) else (INTEGER, number)
        elif group == "string":
            start = found.start(group) - 1
            kind, value = unescape(found[group])
        elif group == "name":
            start = found.start(group)
            kind, value = found[group][0], found[group][1:]
        elif group == "end":
            kind, start = END, position
        else:
            start = found.start(group)
            kind, value = ERROR, _complaint(text, start)
        kinds.append(kind)
        values.append(value)
        starts.append(start)
        ends.append(position)
        if kind is END or kind is ERROR:
            return kinds, values, starts, ends


def _complaint(text: str, at: int) -> str:
    char = text[at]
    if char == '"':
        return "this string has no closing quote"
    if char in "$@^":
        return f"{char} needs a name after it"
    if char in "&|":
        return f"a single {char} has no meaning here: write {char}{char}"
    if char == "/":
        if text.startswith("/*", at):
            return "this comment has no end on its line"
        return "/ stands only between a value and its mask, or begins a comment"
    if char == ".":
        return "a single . stands only inside a name or a number"
    if char.isascii() and char.isprintable():
        return f"the character {char} has no meaning here"
    return f"the character U+{ord(char):04X} is not allowed here"


def integer(text: str, slash: str | None = None) -> Number | str:
    """The number that ``text`` spells, with the mask of ``slash`` (with its ``/``), or what is wrong with it."""
    number = _plain(text)
    if slash is None or isinstance(number, str):
        return number
    mask = _plain(slash[1:])
    if isinstance(mask, str):
        return mask if slash != "/" else "a mask must follow the /"
    shape = number.format
    if shape is mask.format:
        bits = mask.value
    elif shape is IPV4 and mask.format is DECIMAL and mask.value & 0xFFFFFFFF <= 32:
        bits = prefix_mask(mask.value & 0xFFFFFFFF, 32)
    elif shape is IPV6 and mask.format is DECIMAL and mask.value & 0xFFFFFFFF <= 128:
        bits = prefix_mask(mask.value & 0xFFFFFFFF, 128)
    elif shape is DECIMAL and mask.format is HEXADECIMAL and number.value == 0:
        shape, bits = HEXADECIMAL, mask.value
    else:
        return "value and mask are not written the same way, or the prefix length is too large"
    return Number(number.value & bits, shape, bits)


def prefix_mask(length: int, width: int) -> int:
    """The mask of ``width`` bits whose first ``length`` bits are ones."""
    return ((1 << length) - 1) << (width - length)


def _plain(text: str) -> Number | str:
    if text.isdigit():
        if text[0] == "0" and len(text) > 1:
            return "a decimal number cannot begin with 0"
        if len(text) > 20 or (value := int(text)) >= 1 << 64:
            return "a decimal number must be less than 2**64"
        return Number(value, DECIMAL)
    if len(text) == 17 and _ETHERNET.match(text):
        if text[2::3] == ":::::" and "x" not in text and "X" not in text:
            return Number(int(text.replace(":", ""), 16), ETHERNET)
        octets = 0
        for part in text.split(":"):
            octets = octets << 8 | int(part, 16) & 0xFF
        return Number(octets, ETHERNET)
    if text[:2] in ("0x", "0X"):
        digits = text[2:].lstrip("0")
        if len(text) == 2:
            return "hexadecimal digits must follow 0x"
        if digits.strip("0123456789abcdefABCDEF"):
            return "this hexadecimal number holds something other than hexadecimal digits"
        if len(digits) > 32:
            return "a hexadecimal number cannot have more than 128 bits"
        return Number(int(digits or "0", 16), HEXADECIMAL)
    if 0 < len(text) < 46:
        try:
            if ":" not in text:
                return Number(int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big"), IPV4)
            return Number(int.from_bytes(socket.inet_pton(socket.AF_INET6, text), "big"), IPV6)
        except (OSError, ValueError):  # a NUL is a ValueError
            pass
    return "this is no number and no address"


def unescape(text: str) -> tuple[str, str]:
    """``(STRING, value)`` of the inside of a quoted string, or ``(ERROR, message)``."""
    if "\\" not in text:
        return STRING, text
    out: list[str] = []
    position = 0
    while found := _ESCAPE.search(text, position):
        out.append(text[position : found.start()])
        position = found.end()
        if found[1] == "u":
            code = _unit(text, position)
            position += 4
            if 0xD800 <= code < 0xDC00:
                low = _unit(text, position + 2) if text[position : position + 2] == "\\u" else -1
                if not 0xDC00 <= low < 0xE000:
                    return ERROR, "half of a surrogate pair in a \\u escape"
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                position += 6
            if code <= 0:
                return ERROR, "a \\u escape needs four hexadecimal digits, not all of them 0"
            out.append(chr(code))
        elif found[1] in _PLAIN:
            out.append(_PLAIN[found[1]])
        else:
            return ERROR, f"\\{found[1]} is no escape of a string"
    out.append(text[position:])
    return STRING, "".join(out)


def _unit(text: str, at: int) -> int:
    found = _HEX4.match(text, at)
    return int(found[0], 16) if found else -1


_QUOTED = {c: f"\\u{c:04x}" for c in [*range(32), *range(0xDC00, 0xE000)]} | {
    ord(v): f"\\{k}" for k, v in _PLAIN.items() if k != "/"
}


def quote(text: str) -> str:
    """``text`` as a quoted string of the language."""
    return f'"{text.translate(_QUOTED)}"'


def format_value(value: int, shape: Format) -> str:
    """``value`` in OVN's spelling of ``shape``."""
    if shape is DECIMAL:
        return str(value)
    if shape is HEXADECIMAL:
        return hex(value)
    if shape is IPV4:
        return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"
    if shape is IPV6:
        return socket.inet_ntop(socket.AF_INET6, value.to_bytes(16, "big"))
    return ":".join(f"{value >> shift & 255:02x}" for shift in range(40, -1, -8))


def format_number(value: int, shape: Format, mask: int | None) -> str:
    """A constant in OVN's spelling: an address mask that is a prefix is printed as its length."""
    text = format_value(value, shape)
    if mask is None:
        return text
    width = {IPV4: 32, IPV6: 128}.get(shape)
    if width is not None:
        length = mask.bit_count()
        if mask == prefix_mask(length, width):
            return f"{text}/{length}"
    return f"{text}/{format_value(mask, shape)}"
