"""A parser's complaint in OVN's own words, since ovn-trace's output is what people compare with.

Facts: lib/lex.c and lib/expr.c.
"""

from __future__ import annotations

import re

from ko_tui.backend.ovn.expression import ExpressionError
from ko_tui.backend.ovn.lexer import END, tokenize

_EXPECTED = {
    "a field": "field name",
    "a constant": "constant",
    "a comparison operator": "relational operator",
    "the end": "end of input",
    "a bit number": "small integer",
    "a small number": "small integer",
    "a port's name in quotes": "string",
}
# The lexer's own complaints, which need no place.
_LEXICAL = (
    (r"this string has no closing quote", "Input ends inside quoted string."),
    (r"([$@^]) needs a name after it", r"`\1' must be followed by a valid identifier."),
    (r"a single ([&|]) has no meaning here.*", r"`\1' is only valid as part of `\1\1'."),
    (r"this comment has no end on its line", "`/*' without matching `*/'."),
    (r"/ stands only between.*", "`/' is only valid as part of `//' or `/*'."),
    (r"a single \. stands only.*", "`.' is only valid as part of `..' or a number."),
    (r"the character (.) has no meaning here", r"Invalid character `\1' in input."),
    (r"a decimal number cannot begin with 0", "Decimal constants must not have leading zeros."),
    (r"a decimal number must be less than 2\*\*64", "Decimal constants must be less than 2**64."),
    (r"hexadecimal digits must follow 0x", "Hex digits expected following 0x."),
    (r"this hexadecimal number holds.*", "Invalid syntax in hexadecimal constant."),
    (r"a hexadecimal number cannot have.*", "Hexadecimal constant requires more than 128 bits."),
    (r"this is no number and no address", "Invalid numeric constant."),
    (r"a mask must follow the /", "Integer constant expected."),
    (r"value and mask are not written.*", "Value and mask have incompatible formats."),
)
_SEMANTIC = (
    (r"&& and \|\| together need parentheses", "&& and || must be parenthesized when used together."),
    (r"what ! negates needs parentheses", "Missing parentheses around operand of !."),
    (r"parentheses are nested deeper than .*", "Parentheses nested too deeply."),
    (r"there is no function .*", "parsing function name"),
    (r"the template .* was not filled in", "Unexpanded template."),
    (r"a set can only be compared.*", "Only == and != operators may be used with value sets."),
    (r"(\S+) is (nominal|boolean): it can only be compared.*",
     r"Only == and != operators may be used with \2 field \1."),
    (r"(\S+) is nominal: it can only be tested for equality",
     r"Nominal field \1 may only be tested for equality (taking enclosing `!' operators into account)."),
    (r"(\S+) is nominal: it cannot be negated",
     r"Nominal predicate \1 may only be tested positively, e.g. `\1' or `\1 == 1' but not `!\1' or `\1 == 0'."),
    (r"(\S+) has \d+ bits: write .*",
     "Explicit `!= 0' is required for inequality test of multibit field against 0."),
    (r"(\S+) is a string: it has no bits to choose", r"Cannot select subfield of string field \1."),
    (r"(\S+) is nominal: it can only be used as a whole", r"Cannot select subfield of nominal field \1."),
    (r"the bits (\d+)\.\.(\d+) run backwards", r"Invalid bit range \1 to \2."),
    (r"(\S+) is a number and cannot be compared with a string",
     r"Integer field \1 is not compatible with string constant."),
    (r"(\S+) is a string and cannot be compared with a number",
     r"String field \1 is not compatible with integer constant."),
    (r"\S+ needs (\d+) bits but (\S+) has (\d+)",
     r"\1-bit constant is not compatible with \3-bit field \2."),
    (r"a range has the form .*",
     "Range expressions must have the form `x < field < y' or `x > field > y', with each `<' optionally "
     "replaced by `<=' or `>' by `>=')."),
)  # fmt: skip
_MISSING = re.compile(r"(.*) is missing at the end")
_NO_BIT = re.compile(r"(\S+) has (\d+) bits: there is no bit (\d+)")
_BITS = re.compile(r"[\w.]+\s*\[\s*(\d+)")
_UNEXPECTED = re.compile(r".* stands where (.*) was expected", re.DOTALL)


def ovn_message(text: str, error: ExpressionError) -> str:
    """What OVN says of the error in ``text``."""
    message = error.message
    for pattern, words in (*_LEXICAL, *_SEMANTIC):
        if re.fullmatch(pattern, message):
            return re.sub(pattern, words, message)
    if found := _NO_BIT.fullmatch(message):
        bits = _BITS.match(text, error.offset)
        low = bits[1] if bits else found[3]
        return f"Cannot select bits {low} to {found[3]} of {found[2]}-bit field {found[1]}."
    if message.endswith("is not a field of this OVN version"):
        return _syntax(text, error.offset, "field name")
    if found := _MISSING.fullmatch(message):
        return f"Syntax error at end of input{_expecting(found[1])}."
    if found := _UNEXPECTED.fullmatch(message):
        return _syntax(text, error.offset, found[1], known=False)
    return f"{message[0].upper()}{message[1:]}."


def _expecting(wanted: str) -> str:
    return f" expecting {_EXPECTED.get(wanted, f'`{wanted}' + chr(39))}"


def _syntax(text: str, offset: int, wanted: str, *, known: bool = True) -> str:
    kinds, _, starts, ends = tokenize(text)
    token = text[offset:]
    for kind, start, end in zip(kinds, starts, ends, strict=True):
        if start == offset and kind != END:
            token = text[start:end]
    expecting = f" expecting {wanted}" if known else _expecting(wanted)
    return f"Syntax error at `{token}'{expecting}."
