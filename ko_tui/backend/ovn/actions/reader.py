"""The grammar of action lists, apart from the arguments of each action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from ko_tui.backend.ovn.actions.tree import (
    Action,
    Assign,
    CtCommit,
    DecrementTtl,
    Drop,
    Exchange,
    Nested,
    Pipeline,
    UnknownAction,
)
from ko_tui.backend.ovn.expression.parser import TokenReader
from ko_tui.backend.ovn.expression.tree import AddressSet, Constant, FieldRef, PortGroup, StringConstant
from ko_tui.backend.ovn.lexer import END, ERROR, ID, INTEGER, STRING, TEMPLATE, Format, LanguageError, Number
from ko_tui.backend.ovn.symbols import Symbol, SymbolTable
from ko_tui.backend.ovn.versions import KNOWN, OvnVersion

MAX_DEPTH = 31
"""OVN refuses actions nested deeper than this."""


class ActionError(LanguageError):
    """Actions that OVN would refuse: ``message`` says why, ``offset`` (characters) where."""


Target = tuple[Symbol, FieldRef, int]
"""A field on the left of ``=``: symbol, reference, number of bits."""


class ActionReader(TokenReader):
    """A place in the tokens of an action list, with the context that decides what is allowed there."""

    error = ActionError

    def __init__(
        self,
        text: str,
        symbols: SymbolTable,
        statements: Mapping[str, Callable[[ActionReader], Action]],
        results: Mapping[str, Callable[[ActionReader, Target], Action]],
        version: OvnVersion,
        *,
        pipeline: Pipeline,
        table: int,
        lengths: Mapping[Pipeline, int],
        strict: bool,
    ) -> None:
        super().__init__(text, symbols)
        self.statements = statements
        self.results = results
        self.release = KNOWN.index(version)
        self.pipeline = pipeline
        self.table = table
        self.lengths = lengths
        self.strict = strict
        self.depth = 0
        self.scope = "anywhere"

    def since(self, version: OvnVersion) -> bool:
        """Whether the release has what came with ``version``; always when not strict."""
        return self.release >= KNOWN.index(version) or not self.strict

    # The list and its statements.

    def actions(self, sentinel: str = END) -> tuple[Action, ...]:
        """All actions up to ``sentinel``, and past it. No action at all means the same as ``drop;``."""
        if (
            self.kinds[self.at] == ID
            and self.values[self.at] == "drop"
            and self.kinds[self.at + 1] == ";"
            and (self.strict or self.kinds[self.at + 2] == sentinel)
        ):
            self.at += 2
            if self.kinds[self.at] != sentinel:
                self.fail("drop; stands alone: nothing can come before or after it")
            self._pass(sentinel)
            return (Drop(),)
        made: list[Action] = []
        while self.kinds[self.at] != sentinel:
            if self.strict:
                made.append(self.statement())
            elif self.kinds[self.at] == END:
                break
            else:
                made.append(self._lenient_statement(sentinel))
        self._pass(sentinel)
        return tuple(made) or (Drop(),)

    def _pass(self, sentinel: str) -> None:
        if sentinel != END and self.kinds[self.at] == sentinel:
            self.at += 1

    def statement(self) -> Action:
        """One action with its semicolon."""
        at = self.at
        kinds = self.kinds
        if kinds[at] != ID:
            if kinds[at] == TEMPLATE:
                self.fail(f"the template ^{self.values[at]} was not filled in")
            self.unexpected("an action")
        if kinds[at + 1] in ("=", "<->", "["):
            made = self._assignment()
        else:
            name = cast(str, self.values[at])
            parse = self.statements.get(name)
            if parse is None:
                if name == "drop":
                    self.fail("drop; stands alone: nothing can come before or after it")
                self.fail(f"{name} is not an action of this OVN version")
            self.at += 1
            made = parse(self)
        self.expect(";")
        return made

    def _lenient_statement(self, sentinel: str) -> Action:
        start, depth, scope = self.at, self.depth, self.scope
        try:
            return self.statement()
        except LanguageError as error:
            self.depth, self.scope = depth, scope
            return self._skip(start, sentinel, error)

    def _skip(self, start: int, sentinel: str, error: LanguageError) -> UnknownAction:
        """The statement that begins at token ``start`` as text; goes on after it."""
        at, open_braces = start, 0
        while True:
            kind = self.kinds[at]
            if kind in (END, ERROR):
                if kind == ERROR:
                    # Nothing behind a bad token was read: the rest of the text belongs to this one.
                    self.kinds[at] = END
                    self.ends[at] = len(self.text)
                break
            if kind == "{":
                open_braces += 1
            elif kind == "}":
                if not open_braces and sentinel == "}":
                    break
                open_braces -= 1
            elif kind == ";" and open_braces <= 0:
                at += 1
                break
            at += 1
        self.at = at
        last = at if self.kinds[at] == END else at - 1
        text = self.text[self.starts[start] : self.ends[last]].strip()
        return UnknownAction(text, error.message, error.offset)

    def nested(self, name: str, scope: str | None = None) -> Action:
        """``{ actions }`` after the name of an action that holds others."""
        self.expect("{")
        if self.depth >= MAX_DEPTH:
            self.fail(f"actions are nested deeper than {MAX_DEPTH}")
        outer = self.scope
        self.depth += 1
        self.scope = scope or outer
        inner = self.actions("}")
        self.depth -= 1
        self.scope = outer
        if name == "ct_commit":
            return CtCommit(() if inner == (Drop(),) else inner)
        return Nested(name, inner)

    # Fields and assignments.

    def plain_field(self) -> Target:
        """A field that is no predicate."""
        start = self.at
        found = self.field()
        if found[0].kind == "predicate":
            self.fail(f"{found[0].name} is a predicate, not a field", start)
        return found

    def argument(self, bits: int) -> FieldRef:
        """A field of exactly ``bits`` bits to read; 0 for a string."""
        start = self.at
        target = self.plain_field()
        self.check(target, bits, start, write=False)
        return target[1]

    def check(self, target: Target, bits: int, at: int | None = None, *, write: bool = True) -> None:
        """Refuse a field of another size, or one that cannot be assigned here."""
        symbol, field, has = target
        if has != bits:
            wanted = f"{bits} bits" if bits else "a string"
            self.fail(f"{field} has {f'{has} bits' if has else 'a string'} where {wanted} must be", at)
        if write and symbol.scope not in (self.scope, "any"):
            self.fail(f"{field} cannot be assigned here", at)

    def _assignment(self) -> Action:
        start = self.at
        target = self.plain_field()
        if self.accept("<->"):
            return self._copy(target, start, exchange=True)
        if not self.accept("="):
            self.unexpected("= or <->")
        if self.kinds[self.at] != ID:
            return self._load(target, start)
        parse = self.results.get(cast(str, self.values[self.at]))
        if parse is not None and self.kinds[self.at + 1] == "(":
            self.at += 2
            return parse(self, target)
        return self._copy(target, start, exchange=False)

    def _load(self, target: Target, start: int) -> Action:
        symbol, field, bits = target
        self.check(target, bits, start)
        at = self.at
        value = self.constant()
        if isinstance(value, AddressSet | PortGroup):
            self.fail("a set cannot be assigned", at)
        self.check_type(symbol, (value,), at)
        return Assign(field, value)

    def _copy(self, target: Target, start: int, *, exchange: bool) -> Action:
        at = self.at
        source = self.plain_field()
        if bool(target[0].width) != bool(source[0].width):
            self.fail(f"one of {target[1]} and {source[1]} is a string, the other a number", at)
        if target[2] != source[2]:
            self.fail(f"{target[1]} has {target[2]} bits, {source[1]} has {source[2]}", at)
        self.check(target, target[2], start)
        self.check(source, source[2], at, write=exchange)
        return Exchange(target[1], source[1]) if exchange else Assign(target[1], source[1])

    # Small parts of arguments.

    def skip(self) -> None:
        """Go past any token: OVN does not look at what stands here."""
        if self.kinds[self.at] not in (END, ERROR):
            self.at += 1

    def name_of(self, *names: str) -> str:
        """One of ``names``."""
        value = self.values[self.at]
        if self.kinds[self.at] != ID or value not in names:
            self.unexpected(" or ".join(names))
        self.at += 1
        return value

    def string(self, wanted: str = "a string") -> str:
        """A quoted string."""
        if self.kinds[self.at] != STRING:
            self.unexpected(wanted)
        self.at += 1
        return cast(str, self.values[self.at - 1])

    def port_number(self, wanted: str) -> int:
        """A decimal number of 16 bits."""
        at = self.at
        number = self.small_integer(wanted)
        if number > 0xFFFF:
            self.fail(f"{wanted} must be less than 65536", at)
        return number

    def decimal(self) -> int | None:
        """The decimal number here, without going past it."""
        number = self.values[self.at]
        if isinstance(number, Number) and number.format is Format.DECIMAL and number.mask is None:
            return number.value
        return None

    def address(self, *formats: Format, wanted: str = "an IP address") -> Constant:
        """An address in one of the spellings."""
        number = self.values[self.at]
        if self.kinds[self.at] != INTEGER or not isinstance(number, Number):
            self.unexpected(wanted)
        if number.format not in formats or number.mask is not None:
            self.unexpected(wanted)
        self.at += 1
        return Constant(number.value, number.format)

    def truth(self) -> bool:
        """``true`` or ``false``, quoted or not."""
        value = self.values[self.at]
        if self.kinds[self.at] not in (ID, STRING) or value not in ("true", "false"):
            self.unexpected("true or false")
        self.at += 1
        return value == "true"

    def not_last_table(self, name: str) -> None:
        """Refuse ``name`` beyond the pipeline's end."""
        if self.strict and self.table >= self.lengths[self.pipeline]:
            self.fail(f"{name} is not allowed in the last table")


def decrement_ttl(reader: ActionReader) -> Action:
    """``ip.ttl--``."""
    reader.expect("--")
    return DecrementTtl()


__all__ = ["MAX_DEPTH", "ActionError", "ActionReader", "StringConstant", "Target", "decrement_ttl"]
