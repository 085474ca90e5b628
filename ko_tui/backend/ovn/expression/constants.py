"""Constants as logical flows spell them, decoded without the lexer where a text is of a common form.

What is not of such a form, or does not fit its field, gives None, and the parser has the word.
"""

from __future__ import annotations

import re
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_pton

from ko_tui.backend.ovn.expression.tree import (
    AddressSet,
    Constant,
    ConstantSet,
    PortGroup,
    StringConstant,
    Value,
)
from ko_tui.backend.ovn.lexer import DECIMAL, ETHERNET, IPV4, IPV6, Number, integer, prefix_mask

_MASKS = {str(length): prefix_mask(length, 32) for length in range(33)}
_NAME = re.compile(r"[$@][A-Za-z_.][A-Za-z0-9_.]*")
_from_bytes = int.from_bytes


def decode(text: str, width: int) -> Value | ConstantSet | None:
    """The constant, when it can stand behind a field of ``width`` bits (0: a string)."""
    first = text[:1]
    if not width:
        if first == '"':
            if text[-1] != '"' or text.count('"') != 2 or "\\" in text or "\0" in text:
                return None
            return StringConstant(text[1:-1])
    elif width == 32:
        if "." in text and "/" not in text and first != "{":
            try:
                return Constant(_from_bytes(inet_pton(AF_INET, text)), IPV4)
            except (OSError, ValueError):
                return _rare(text, width)
    elif width == 48:
        if len(text) == 17 and text[2::3] == ":::::":
            digits = text.replace(":", "")
            if len(digits) == 12 and digits.isalnum():
                try:
                    return Constant(int(digits, 16), ETHERNET)
                except ValueError:
                    return None
    elif width == 128 and ":" in text and "." not in text and "/" not in text and first != "{":
        try:
            return Constant(_from_bytes(inet_pton(AF_INET6, text)), IPV6)
        except (OSError, ValueError):
            return _rare(text, width)
    return _rare(text, width)


@lru_cache(maxsize=1 << 14)
def _rare(text: str, width: int) -> Value | ConstantSet | None:
    value: Value | ConstantSet | None
    if text[:1] == "{" and text[-1:] == "}":
        values = [decode(each, width) for each in text[1:-1].split(", ")]
        value = None if None in values else ConstantSet(tuple(values))  # type: ignore[arg-type]
    else:
        value = _constant(text)
    return value if value is not None and _suits(value, width) else None


def _suits(value: Value | ConstantSet, width: int) -> bool:
    kind = type(value)
    if kind is StringConstant:
        return not width
    if kind is Constant:
        return 0 < width >= value.width  # type: ignore[union-attr]
    if kind is ConstantSet:
        return all(_suits(each, width) for each in value.values)  # type: ignore[union-attr]
    return (kind is AddressSet) is (width > 0)


def _constant(text: str) -> Value | None:
    first = text[:1]
    if first in ("$", "@"):
        if not _NAME.fullmatch(text):
            return None
        return AddressSet(text[1:]) if first == "$" else PortGroup(text[1:])
    if not text.isascii():
        return None
    if text.isdigit() and first != "0" and len(text) < 19:
        return Constant(int(text), DECIMAL)
    value, slash, tail = text.partition("/")
    if value.count(".") == 3 and (mask := _MASKS.get(tail)) is not None:
        try:
            return Constant(_from_bytes(inet_pton(AF_INET, value)) & mask, IPV4, mask)
        except (OSError, ValueError):
            pass
    number = integer(value, slash + tail if slash else None)
    return Constant(number.value, number.format, number.mask) if isinstance(number, Number) else None
