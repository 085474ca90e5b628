"""The packet that a microflow describes, with ovn-trace's own errors when it describes none or several.

Facts: lib/expr.c (expr_parse_microflow, expr_find_inport) and utilities/ovn-trace.c (trace_parse).
"""

from __future__ import annotations

from ko_tui.backend.ovn.expression import Expression, ExpressionError, parse
from ko_tui.backend.simulate.annotation import Annotated, Fixed, Joint, Test, _plain, annotate, written
from ko_tui.backend.simulate.error_text import ovn_message
from ko_tui.backend.simulate.matching import Scope, UnknownName
from ko_tui.backend.simulate.packet_state import EMPTY, State, place_of
from ko_tui.backend.simulate.southbound import Datapath, Southbound

MAX_READINGS = 2000
"""More ways than this to read a microflow are not told apart: it is ambiguous."""

# What must hold: field -> (mask, value); string field -> text.
_Reading = dict[str, tuple[int, int] | str]


class MicroflowError(ValueError):
    """What ovn-trace prints instead of a trace, with its line feed where it has one."""


def find_datapath(southbound: Southbound, datapath: str | None, text: str, scope: Scope) -> Datapath:
    """The datapath named, or the one of the microflow's inport. Raises MicroflowError."""
    if datapath is not None:
        found = southbound.datapath(datapath)
        if found is None:
            raise MicroflowError(f'unknown datapath "{datapath}"\n')
        return found
    inports: set[str] = set()
    try:
        _inports(_plain(_parsed(text, scope), scope, False), inports)
    except UnknownName as error:
        raise _failed(_unknown(error)) from None
    if len(inports) != 1:
        what = "on multiple inports" if inports else "on inport"
        verb = "matches" if inports else "does not match"
        raise _failed(f"flow match expression {verb} {what}")
    port = southbound.ports.get(name := inports.pop())
    if port is None:
        raise MicroflowError(f'unknown port "{name}"\n')
    return port.datapath


def parse_microflow(text: str, scope: Scope) -> State:
    """The state of the packet; what the microflow does not say is 0. Raises MicroflowError.

    ``ip.dscp`` and ``ip.ecn`` are 0 whatever it says: Open vSwitch's match takes no part of that byte from
    ovn-trace (mf_set in lib/meta-flow.c).
    """
    state = parse_known(text, scope)[0]
    state["nw_tos"] = 0
    return state


def parse_known(text: str, scope: Scope) -> tuple[State, dict[str, int]]:
    """The same, and which bits of each key the microflow speaks of."""
    expression = _parsed(text, scope)
    try:
        annotated = annotate(expression, scope)
    except UnknownName as error:
        raise _failed(_unknown(error)) from None
    readings = _readings(annotated, scope)
    if readings is not None and not readings:
        raise _failed("Constraints are contradictory.")
    if readings is None or len(readings) > 1:
        raise _failed(f"Constraints are ambiguous: {written(annotated, scope)}.")
    state, known = dict(EMPTY), dict[str, int]()
    for name, wanted in readings[0].items():
        place = place_of(scope.symbols, name)
        if place is None:
            continue
        if isinstance(wanted, str):
            number = scope.number(wanted)
            if number is not None:
                state[place.key] = number
                known[place.key] = place.mask
        else:
            mask, value = wanted
            place.write(state, place.read(state) & ~mask | value)
            known[place.key] = known.get(place.key, 0) | mask << place.shift
    return state, known


def _parsed(text: str, scope: Scope) -> Expression:
    try:
        return parse(text, symbols=scope.symbols)
    except ExpressionError as error:
        raise _failed(ovn_message(text, error)) from None


def _failed(message: str) -> MicroflowError:
    return MicroflowError(f"error parsing flow: {message}\n")


def _unknown(error: UnknownName) -> str:
    name = str(error)
    kind = "address set" if name.startswith("$") else "port group"
    return f"Syntax error at `{name}' expecting {kind} name."


def _inports(term: Annotated, found: set[str]) -> None:
    if isinstance(term, Joint):
        for inner in term.terms:
            _inports(inner, found)
    elif isinstance(term, Test) and term.symbol == "inport" and term.op == "==" and term.text is not None:
        found.add(term.text)


def _readings(term: Annotated, scope: Scope) -> list[_Reading] | None:
    """Every way in which the match can hold, none contained in another; None when there are too many."""
    found = _expand(term, scope)
    if found is None:
        return None
    kept: list[_Reading] = []
    for reading in found:
        if any(_implies(reading, other) for other in kept):
            continue
        kept = [other for other in kept if not _implies(other, reading)] + [reading]
    return kept


def _expand(term: Annotated, scope: Scope) -> list[_Reading] | None:
    if isinstance(term, Fixed):
        return [{}] if term.value or term.port is not None else []
    if isinstance(term, Test):
        return _one(term, scope)
    found: list[_Reading] = [{}] if term.all else []
    for inner in term.terms:
        more = _expand(inner, scope)
        if more is None:
            return None
        if term.all:
            found = [m for a in found for b in more if (m := _both(a, b)) is not None]
        else:
            found = found + more
        if len(found) > MAX_READINGS:
            return None
    return found


def _one(test: Test, scope: Scope) -> list[_Reading] | None:
    """A comparison as alternatives of fixed bits, as expr_simplify makes them."""
    if test.text is not None:
        return [{test.symbol: test.text}]
    if test.op == "==":
        return [{test.symbol: (test.mask, test.value)}] if test.mask else [{}]
    bits = [n for n in range(test.mask.bit_length()) if test.mask >> n & 1]
    if test.op == "!=":
        made: list[_Reading] = []
        for bit in bits:
            mask = test.mask >> bit << bit
            made.append({test.symbol: (mask, (test.value ^ 1 << bit) & mask)})
        return made
    less = test.op in ("<", "<=")
    out: list[_Reading] = [{test.symbol: (test.mask, test.value)}] if test.op in ("<=", ">=") else []
    for bit in bits:
        if bool(test.value >> bit & 1) is less:
            mask = test.mask >> bit << bit
            out.append({test.symbol: (mask, (test.value ^ 1 << bit) & mask)})
    full = 1 << len(bits)
    if len(out) == len(bits) + 1 and test.op in ("<=", ">=") and full:
        return [{}]  # true of every value
    return out


def _both(a: _Reading, b: _Reading) -> _Reading | None:
    made = dict(a)
    for name, wanted in b.items():
        have = made.get(name)
        if have is None:
            made[name] = wanted
        elif isinstance(have, str) or isinstance(wanted, str):
            if have != wanted:
                return None
        else:
            common = have[0] & wanted[0]
            if (have[1] ^ wanted[1]) & common:
                return None
            made[name] = (have[0] | wanted[0], have[1] | wanted[1])
    return made


def _implies(narrow: _Reading, wide: _Reading) -> bool:
    """Whether every packet of ``narrow`` is one of ``wide``."""
    for name, wanted in wide.items():
        have = narrow.get(name)
        if have is None:
            return False
        if isinstance(have, str) or isinstance(wanted, str):
            if have != wanted:
                return False
        elif wanted[0] & ~have[0] or (have[1] ^ wanted[1]) & wanted[0]:
            return False
    return True
