"""Actions with plain arguments: look-ups, learning, log, sample, queues and meters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, cast

from ko_tui.backend.ovn.actions.reader import ActionReader, Target
from ko_tui.backend.ovn.actions.tree import (
    Action,
    Call,
    CheckPktLarger,
    Log,
    Next,
    Output,
    Pipeline,
    Result,
    Sample,
    SetMeter,
    SetQueue,
    Stack,
)
from ko_tui.backend.ovn.expression.tree import FieldRef, StringConstant
from ko_tui.backend.ovn.lexer import ADDRESS_SET

MAX_QUEUE = 0xF000
SEVERITIES = ("alert", "warning", "notice", "info", "debug")


def output(reader: ActionReader) -> Action:
    """``output``."""
    return Output()


def next_table(reader: ActionReader) -> Action:
    """``next``, ``next(table)``, ``next(pipeline=..., table=...)``."""
    at = reader.at - 1
    if not reader.lengths[reader.pipeline] and reader.strict:
        reader.fail("next is not allowed here", at)
    pipeline: Pipeline | None = None
    table: int | None = None
    if reader.accept("("):
        if reader.decimal() is not None:
            table = reader.small_integer("a table number")
        else:
            while True:
                name = reader.name_of("pipeline", "table")
                reader.expect("=")
                if name == "pipeline":
                    pipeline = cast(Pipeline, reader.name_of("ingress", "egress"))
                else:
                    table = reader.small_integer("a table number")
                if not reader.accept(","):
                    break
        reader.expect(")")
    made = Next(pipeline, table)
    # Until 25.03 one length, that of the flow's own pipeline, bounds both pipelines.
    into = (pipeline or reader.pipeline) if reader.release >= 5 else reader.pipeline
    if reader.strict and made.target(reader.pipeline, reader.table)[1] >= reader.lengths[into]:
        reader.fail(f"next cannot go beyond table {reader.lengths[into] - 1}", at)
    return made


def stack(kind: Literal["push", "pop"], reader: ActionReader) -> Action:
    """``push(field)``, ``pop(field)``."""
    reader.expect("(")
    at = reader.at
    target = reader.plain_field()
    reader.check(target, target[2], at, write=kind == "pop")
    reader.expect(")")
    return Stack(kind, target[1])


def word(name: str) -> Callable[[ActionReader], Action]:
    """An action that is its name alone."""
    made = Call(name)
    return lambda reader: made


def call(name: str, *widths: int) -> Callable[[ActionReader], Action]:
    """An action whose arguments are fields of these widths, 0 for a string."""

    def parse(reader: ActionReader) -> Action:
        return Call(name, _fields(reader, widths))

    return parse


def result(name: str, bits: int, *widths: int) -> Callable[[ActionReader, Target], Action]:
    """A look-up whose answer has ``bits`` bits, with arguments as for ``call``."""

    def parse(reader: ActionReader, target: Target) -> Action:
        # Which port or MAC an FDB look-up finds may go to a string field too.
        if bits != 32 or not name.endswith("_fdb") or target[2]:
            reader.check(target, bits, reader.at)
        reader.at -= 1
        return Result(target[1], name, _fields(reader, widths))

    return parse


def _fields(reader: ActionReader, widths: tuple[int, ...]) -> tuple[FieldRef, ...]:
    reader.expect("(")
    made: list[FieldRef] = []
    for index, width in enumerate(widths):
        if index:
            reader.expect(",")
        made.append(reader.argument(width))
    reader.expect(")")
    return tuple(made)


def check_pkt_larger(reader: ActionReader, target: Target) -> Action:
    """``field = check_pkt_larger(bytes)``."""
    reader.check(target, 1, reader.at)
    size = reader.small_integer("a number of bytes")
    reader.expect(")")
    return CheckPktLarger(target[1], size)


def bind_vport(reader: ActionReader) -> Action:
    """``bind_vport("port", inport)``."""
    reader.expect("(")
    port = StringConstant(reader.string("a port's name in quotes"))
    reader.expect(",")
    parent = reader.argument(0)
    reader.expect(")")
    return Call("bind_vport", (port, parent))


def mirror(reader: ActionReader) -> Action:
    """``mirror("port")``."""
    reader.expect("(")
    port = StringConstant(reader.string("a port's name in quotes"))
    reader.expect(")")
    return Call("mirror", (port,))


def set_queue(reader: ActionReader) -> Action:
    """``set_queue(id)``."""
    reader.expect("(")
    at = reader.at
    queue = reader.small_integer("a queue's number")
    reader.expect(")")
    if queue > MAX_QUEUE:
        reader.fail(f"a queue's number is between 0 and {MAX_QUEUE}", at)
    return SetQueue(queue)


def set_meter(reader: ActionReader) -> Action:
    """``set_meter(rate, burst)``."""
    reader.expect("(")
    at = reader.at
    rate = reader.decimal() or 0
    burst = 0
    reader.skip()
    if reader.accept(","):
        burst = reader.decimal() or 0
        reader.skip()
    reader.expect(")")
    if not rate:
        reader.fail("a meter's rate is a decimal number other than 0", at)
    return SetMeter(rate, burst)


def log(reader: ActionReader) -> Action:
    """``log(name="...", verdict=..., severity=..., meter="...")``; of a repeated argument the last counts."""
    verdict = name = meter = None
    severity = "info"
    verdicts = ("allow", "drop", "reject", "pass") if reader.since("24.03") else ("allow", "drop", "reject")
    if reader.accept("("):
        while not reader.accept(")"):
            argument = reader.name_of("verdict", "name", "severity", "meter")
            reader.expect("=")
            if argument == "verdict":
                verdict = reader.name_of(*verdicts)
            elif argument == "severity":
                severity = reader.name_of(*SEVERITIES)
            elif argument == "meter":
                meter = reader.string()
            else:
                name = reader.string()
                if len(name.encode("utf-8", "surrogatepass")) >= 64:
                    reader.fail("a log name must be shorter than 64 bytes", reader.at - 1)
            reader.accept(",")
    if verdict is None:
        reader.unexpected("verdict")
    return Log(
        cast(Literal["allow", "drop", "reject", "pass"], verdict),
        cast(Literal["alert", "warning", "notice", "info", "debug"], severity),
        name,
        meter,
    )


def sample(reader: ActionReader) -> Action:
    """``sample(probability=..., collector_set=..., obs_domain=..., obs_point=...)``."""
    start = reader.at - 1
    probability = collector_set = domain = 0
    point: int | Literal["$cookie"] | FieldRef = 0
    if reader.accept("("):
        while not reader.accept(")"):
            argument = reader.name_of("probability", "collector_set", "obs_domain", "obs_point")
            reader.expect("=")
            number = reader.decimal()
            if argument == "probability":
                if number is not None:
                    probability = reader.port_number("a probability")
            elif argument == "obs_point":
                if number is not None:
                    point = number & 0xFFFFFFFF
                    reader.at += 1
                elif reader.kinds[reader.at] == ADDRESS_SET and reader.values[reader.at] == "cookie":
                    point = "$cookie"
                    reader.at += 1
                elif reader.since("25.03"):
                    point = reader.argument(32)
                else:
                    reader.unexpected("a number or $cookie")
            else:
                value = (number or 0) & 0xFFFFFFFF
                if argument == "collector_set":
                    collector_set = value
                elif value > 255:
                    reader.fail("obs_domain must be less than 256")
                else:
                    domain = value
                reader.skip()
            reader.accept(",")
    if not probability:
        reader.fail("sample needs a probability other than 0", start)
    return Sample(probability, collector_set, domain, point)
