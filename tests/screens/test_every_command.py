"""Every command that is declared is given in some test: by its key, or by its name behind ``:``."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import ko_tui.screens
import ko_tui.widgets
from ko_tui.screens.directory import every_command
from tests.screens.driving import DRIVEN

# Tab and arrows between the fields of a form cannot be changed.
FORMS = {"form.next", "form.previous"}
# Given in a real terminal, or on a real cluster, where alone they do something.
ELSEWHERE = {
    "app.suspend": ("tests.e2e.test_endings", "test_suspended_and_brought_back"),
    "capture.trace": ("tests.lab_tests.test_capture_screen", "test_a_packet_is_seen_looked_at_and_traced"),
}


def test_every_command_of_a_screen_or_widget_is_listed() -> None:
    """What is not listed has no help outside its screen and no id for the configuration file."""
    listed = {command.id for _, command in every_command()}
    for package in (ko_tui.screens, ko_tui.widgets):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for thing in vars(importlib.import_module(module.name)).values():
                if isinstance(thing, type) and isinstance(getattr(thing, "commands", None), tuple):
                    unlisted = {c.id for c in thing.commands} - listed - FORMS
                    assert not unlisted, (thing.__name__, unlisted)


def test_every_command_is_driven_by_a_test() -> None:
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(f"tests.screens.{path.stem}")
    driven = set(DRIVEN)
    for name, (module, test) in ELSEWHERE.items():
        assert callable(getattr(importlib.import_module(module), test))
        driven.add(name)
    declared = {command.id: place for place, command in every_command()}
    missing = sorted(f"{place}: {name}" for name, place in declared.items() if name not in driven)
    assert not missing, "no test gives " + ", ".join(missing)
    strange = sorted(name for name in driven if name not in declared)
    assert not strange, "tests name what is no command: " + ", ".join(strange)
