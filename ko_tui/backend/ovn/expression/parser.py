"""The parser of matches: recursive descent over the tokens, with OVN's own checks.

Facts: ovn-sb(5), Logical_Flow match, and what OVN accepts and refuses (compared with OVN 23.03 itself in
tests/differential_language).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, NoReturn, cast

from ko_tui.backend.ovn.expression.tree import (
    AddressSet,
    And,
    Boolean,
    ChassisResident,
    Compare,
    Constant,
    ConstantSet,
    Expression,
    FieldRef,
    Not,
    Operator,
    Or,
    PortGroup,
    Range,
    StringConstant,
    Value,
)
from ko_tui.backend.ovn.lexer import (
    ADDRESS_SET,
    DECIMAL,
    END,
    ERROR,
    ID,
    INTEGER,
    PORT_GROUP,
    STRING,
    TEMPLATE,
    LanguageError,
    Number,
    Tokens,
    integer,
    tokenize,
)
from ko_tui.backend.ovn.symbols import Symbol, SymbolTable

MAX_PARENTHESES = 100
"""OVN refuses parentheses nested deeper than this."""

_OPERATORS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_TURNED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ARTICLE = {"nominal": "a nominal", "boolean": "a boolean"}


class ExpressionError(LanguageError):
    """A match that OVN would refuse: ``message`` says why, ``offset`` (characters) where."""


class TokenReader:
    """A place in a list of tokens, and the parts that matches and actions share: fields and constants."""

    error: type[LanguageError] = ExpressionError

    def __init__(self, text: str, symbols: SymbolTable, tokens: Tokens | None = None) -> None:
        self.text = text
        self.symbols = symbols
        self.kinds, self.values, self.starts, self.ends = tokens or tokenize(text)
        self.at = 0
        self.address_sets: Collection[str] | None = None
        self.port_groups: Collection[str] | None = None

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        """Raise the error at token ``at`` (the present one by default); a bad token tells its own story."""
        if at is None:
            at = self.at
            if self.kinds[at] is ERROR:
                message = cast(str, self.values[at])
        raise self.error(message, self.starts[at])

    def unexpected(self, wanted: str) -> NoReturn:
        """Raise: something else than ``wanted`` is here."""
        at = self.at
        if self.kinds[at] == END:
            self.fail(f"{wanted} is missing at the end")
        found = self.text[self.starts[at] : self.ends[at]]
        if len(found) > 40:
            found = found[:37] + "..."
        self.fail(f"{found} stands where {wanted} was expected")

    def accept(self, kind: str) -> bool:
        """Go past the present token when it is of ``kind``."""
        if self.kinds[self.at] == kind:
            self.at += 1
            return True
        return False

    def expect(self, kind: str) -> None:
        """Go past the present token, which must be of ``kind``."""
        if self.kinds[self.at] != kind:
            self.unexpected(kind)
        self.at += 1

    def accept_id(self, name: str) -> bool:
        """Go past the present token when it is the word ``name``."""
        if self.kinds[self.at] == ID and self.values[self.at] == name:
            self.at += 1
            return True
        return False

    def small_integer(self, wanted: str = "a small number") -> int:
        """A decimal number below 2**31."""
        number = self.values[self.at]
        if (
            not isinstance(number, Number)
            or number.format is not DECIMAL
            or number.mask is not None
            or number.value > 0x7FFFFFFF
        ):
            self.unexpected(wanted)
        self.at += 1
        return number.value

    def symbol(self) -> Symbol:
        """The symbol that the present token names; goes past it."""
        at = self.at
        found = self.symbols.get(cast(str, self.values[at])) if self.kinds[at] == ID else None
        if found is None:
            if self.kinds[at] == ID:
                self.fail(f"{self.values[at]} is not a field of this OVN version")
            self.unexpected("a field")
        self.at = at + 1
        return found

    def field(self) -> tuple[Symbol, FieldRef, int]:
        """A field or some of its bits: its symbol, the reference, and the number of bits."""
        start = self.at
        symbol = self.symbol()
        width = symbol.width
        if self.kinds[self.at] != "[":
            return symbol, FieldRef(symbol.name), width
        self.at += 1
        if not width:
            self.fail(f"{symbol.name} is a string: it has no bits to choose", start)
        low = high = self.small_integer("a bit number")
        if self.accept(".."):
            high = self.small_integer("a bit number")
        self.expect("]")
        if low > high:
            self.fail(f"the bits {low}..{high} run backwards", start)
        if high >= width:
            self.fail(f"{symbol.name} has {width} bits: there is no bit {high}", start)
        if high - low + 1 == width:
            return symbol, FieldRef(symbol.name), width
        if symbol.level == "nominal":
            self.fail(f"{symbol.name} is nominal: it can only be used as a whole", start)
        return symbol, FieldRef(symbol.name, low, high), high - low + 1

    def constant(self) -> Value:
        """One constant."""
        at = self.at
        kind = self.kinds[at]
        value = self.values[at]
        made: Value
        if kind == INTEGER:
            number = cast(Number, value)
            made = Constant(number.value, number.format, number.mask)
        elif kind == STRING:
            made = StringConstant(cast(str, value))
        elif kind == ADDRESS_SET:
            made = AddressSet(cast(str, value))
            if self.address_sets is not None and made.name not in self.address_sets:
                self.fail(f"there is no address set {made.name}")
        elif kind == PORT_GROUP:
            made = PortGroup(cast(str, value))
            if self.port_groups is not None and made.name not in self.port_groups:
                self.fail(f"there is no port group {made.name}")
        elif kind == TEMPLATE:
            self.fail(f"the template ^{value} was not filled in")
        else:
            self.unexpected("a constant")
        self.at = at + 1
        return made

    def constants(self) -> Value | ConstantSet:
        """One constant, or a set in braces whose commas may be left out."""
        if not self.accept("{"):
            return self.constant()
        values = [self.constant()]
        textual = isinstance(values[0], StringConstant | PortGroup)
        self.accept(",")
        while not self.accept("}"):
            at = self.at
            value = self.constant()
            if isinstance(value, StringConstant | PortGroup) is not textual:
                self.fail("a set holds either numbers or strings, not both", at)
            values.append(value)
            self.accept(",")
        return ConstantSet(tuple(values))

    def check_type(self, symbol: Symbol, values: tuple[Value, ...], at: int) -> None:
        """Strings for string fields, numbers that fit for the others."""
        width = symbol.width
        for value in values:
            if isinstance(value, StringConstant | PortGroup):
                if width:
                    self.fail(f"{symbol.name} is a number and cannot be compared with a string", at)
            elif not width:
                self.fail(f"{symbol.name} is a string and cannot be compared with a number", at)
            elif isinstance(value, Constant):
                self._check_width(value, symbol, at)
            elif isinstance(value, AddressSet) and isinstance(self.address_sets, Mapping):
                for text in self.address_sets[value.name]:
                    number = integer(*_parted(text))
                    # OVN leaves out what is no address.
                    if isinstance(number, Number):
                        self._check_width(Constant(number.value, number.format, number.mask), symbol, at)

    def _check_width(self, value: Constant, symbol: Symbol, at: int) -> None:
        if value.width > symbol.width:
            self.fail(f"{value} needs {value.width} bits but {symbol.name} has {symbol.width}", at)


def _parted(text: str) -> tuple[str, str | None]:
    value, slash, mask = text.partition("/")
    return value, slash + mask if slash else None


class ExpressionReader(TokenReader):
    """The grammar of matches."""

    def __init__(self, text: str, symbols: SymbolTable, tokens: Tokens | None = None) -> None:
        super().__init__(text, symbols, tokens)
        self.depth = 0
        self.negated = False

    def expression(self) -> Expression:
        """Terms joined by ``&&``, or by ``||``."""
        term = self.term()
        joint = self.kinds[self.at]
        if joint != "&&" and joint != "||":
            return term
        family: type[And] | type[Or] = And if joint == "&&" else Or
        terms: list[Expression] = []
        while True:
            if type(term) is family:
                terms.extend(term.terms)
            else:
                terms.append(term)
            if self.kinds[self.at] != joint:
                break
            self.at += 1
            term = self.term()
        if self.kinds[self.at] in ("&&", "||"):
            self.fail("&& and || together need parentheses")
        return family(tuple(terms))

    def term(self) -> Expression:
        """A term, perhaps negated."""
        kind = self.kinds[self.at]
        if kind == "!":
            start = self.at
            self.at += 1
            self.negated = not self.negated
            atomic = self.kinds[self.at] == "("
            inner = self.group() if atomic else self.simple()
            self.negated = not self.negated
            if not atomic and isinstance(inner, Compare | Range):
                self.fail("what ! negates needs parentheses", start)
            return Not(inner)
        if kind == "(":
            return self.group()
        return self.simple()

    def group(self) -> Expression:
        """An expression in parentheses."""
        if self.depth >= MAX_PARENTHESES:
            self.fail(f"parentheses are nested deeper than {MAX_PARENTHESES}")
        self.at += 1
        self.depth += 1
        inner = self.expression()
        self.depth -= 1
        self.expect(")")
        return inner

    def simple(self) -> Expression:
        """A comparison, a predicate, a bit, a constant truth or a function."""
        at = self.at
        kind = self.kinds[at]
        if kind != ID:
            return self.constant_first()
        if self.kinds[at + 1] == "(":
            return self.function()
        symbol, field, bits = self.field()
        op = self.kinds[self.at]
        if op in _OPERATORS:
            self.at += 1
            value_at = self.at
            value = self.constants()
            return self.compare(symbol, field, cast(Operator, op), value, at, value_at)
        if not bits or op == "=":
            self.unexpected("a comparison operator")
        if bits > 1 and not self.negated:
            self.fail(f"{field} has {bits} bits: write {field} != 0 to test that it is not 0", at)
        if symbol.kind == "predicate" and symbol.level == "nominal" and self.negated:
            self.fail(f"{field} is nominal: it cannot be negated", at)
        return field

    def function(self) -> Expression:
        """``is_chassis_resident("port")``, the only function."""
        if self.values[self.at] != "is_chassis_resident":
            self.fail(f"there is no function {self.values[self.at]}")
        self.at += 2
        if self.kinds[self.at] != STRING:
            self.unexpected("a port's name in quotes")
        port = cast(str, self.values[self.at])
        self.at += 1
        self.expect(")")
        return ChassisResident(port)

    def constant_first(self) -> Expression:
        """``0``, ``1``, ``5 == field`` or ``5 < field < 9``."""
        at = self.at
        first = self.constants()
        op = self.kinds[self.at]
        if op not in _OPERATORS:
            if (
                isinstance(first, Constant)
                and first.format is DECIMAL
                and first.mask is None
                and first.value <= 1
            ):
                return Boolean(first.value == 1)
            self.unexpected("a comparison operator")
        self.at += 1
        symbol, field, _ = self.field()
        turned = cast(Operator, _TURNED[op])
        second_op = self.kinds[self.at]
        if second_op not in _OPERATORS:
            return self.compare(symbol, field, turned, first, at, at)
        self.at += 1
        second_at = self.at
        second = self.constants()
        if op[0] not in "<>" or second_op[0] != op[0]:
            self.fail("a range has the form low < field < high, with < or <= (or both turned round)", at)
        self.compare(symbol, field, turned, first, at, at)
        self.compare(symbol, field, cast(Operator, second_op), second, at, second_at)
        low, high = cast(Value, first), cast(Value, second)
        if op[0] == "<":
            return _range(low, op, field, second_op, high)
        return _range(high, _TURNED[second_op], field, turned, low)

    def compare(
        self,
        symbol: Symbol,
        field: FieldRef,
        op: Operator,
        value: Value | ConstantSet,
        at: int,
        value_at: int,
    ) -> Compare:
        """The comparison, checked as OVN does; ``at`` and ``value_at`` are its first token and its value's."""
        values = value.values if isinstance(value, ConstantSet) else (value,)
        self.check_type(symbol, values, value_at)
        equality = op == "==" or op == "!="
        if not equality:
            if isinstance(value, ConstantSet):
                self.fail("a set can only be compared with == or !=", value_at)
            if symbol.level != "ordinal":
                self.fail(f"{symbol.name} is {symbol.level}: it can only be compared with == or !=", at)
            if isinstance(value, Constant) and value.mask is not None:
                self.fail(
                    "a masked value can only be compared with == or !=; compare some bits instead", value_at
                )
        if symbol.level == "nominal":
            if symbol.kind == "predicate":
                for each in values:
                    if not isinstance(each, Constant):
                        continue
                    if not (each.value & 1) ^ (op == "!=") ^ self.negated:
                        self.fail(f"{symbol.name} is nominal: it cannot be negated", at)
            elif op != ("!=" if self.negated else "=="):
                self.fail(f"{symbol.name} is nominal: it can only be tested for equality", at)
        return Compare(field, op, value)

    def whole(self) -> Expression:
        """The expression that the whole text is."""
        made = self.expression()
        if self.kinds[self.at] != END:
            self.unexpected("the end")
        return made


def _range(low: Value, low_op: str, field: FieldRef, high_op: str, high: Value) -> Range:
    return Range(low, cast(Literal["<", "<="], low_op), field, cast(Literal["<", "<="], high_op), high)
