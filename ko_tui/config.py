"""The configuration file: TOML in the XDG configuration directory. Each setting's comment is its documentation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ko_tui.backend.errors import UsageError

APP = "ko-tui"
ANSI = "ansi-dark"
FEW_COLOURS = frozenset(
    {"linux", "vt100", "vt102", "vt220", "ansi", "dumb", "xterm", "screen", "rxvt", "cygwin"}
)


class BadConfig(UsageError):
    """The configuration file does not say what it must."""

    title = "The configuration file is wrong"


def _about(words: str, choices: tuple[str, ...] = ()) -> dict[str, Any]:
    """What is told of a setting."""
    return {"words": words, "choices": choices}


@dataclass(slots=True)
class Settings:
    """All settings with their defaults."""

    theme: str = field(
        default="auto",
        metadata=_about(
            "Colours: auto, ko-night, ko-day, ansi (the terminal's own 16), or any theme of Textual."
        ),
    )
    glyphs: str = field(
        default="auto",
        metadata=_about("Signs and lines: auto goes by TERM and the locale.", ("auto", "unicode", "ascii")),
    )
    mouse: bool = field(
        default=True,
        metadata=_about("Take the mouse. false leaves selecting text to the terminal (--no-mouse)."),
    )
    start: str = field(
        default="pods",
        metadata=_about(
            "Where to start.",
            ("status", "pods", "trace", "pipeline", "openflow", "console", "capture", "operations"),
        ),
    )
    clipboard: str = field(
        default="auto",
        metadata=_about(
            "How y copies: auto and osc52 ask the terminal (wrapped inside tmux) and write a file; file only writes.",
            ("auto", "osc52", "file"),
        ),
    )
    status_seconds: int = field(
        default=10, metadata=_about("Seconds between two looks of the status screen (5 or more).")
    )
    pod_columns: str = field(
        default="",
        metadata=_about(
            "Columns of the pods in order, separated by commas (KIND,NAME,IP,NODE); empty shows what fits. C chooses."
        ),
    )
    openflow_seconds: int = field(
        default=0,
        metadata=_about(
            "Seconds between two looks at a node's flows, or at a trace's counts; 0 asks only on r or c."
        ),
    )
    local_trace_flows: int = field(
        default=50_000,
        metadata=_about(
            "From how many logical flows traces are made here (engine local) unless told otherwise; 0: never."
        ),
    )
    history_lines: int = field(
        default=500, metadata=_about("How many traces and commands are remembered. 0 remembers nothing.")
    )
    ask_before_quit: bool = field(default=True, metadata=_about("q asks before it leaves; :q never does."))
    show_quiet_stages: bool = field(
        default=False, metadata=_about("Show stages where nothing happens instead of folding them.")
    )
    keys: dict[str, str] = field(
        default_factory=dict,
        metadata=_about(
            'Other keys, by the id that ? shows: "trace.reply" = "B". Several are separated by commas.'
        ),
    )


def config_path(environment: Mapping[str, str] | None = None) -> Path:
    """Where the file is looked for: KO_TUI_CONFIG, else the XDG configuration directory."""
    env = os.environ if environment is None else environment
    if named := env.get("KO_TUI_CONFIG"):
        return Path(named)
    from platformdirs import user_config_path

    return user_config_path(APP) / "config.toml"


def load(path: Path | None = None) -> Settings:
    """The settings of a file. A missing default file gives the defaults; raises BadConfig for a wrong one."""
    chosen = path or config_path()
    try:
        text = chosen.read_text(encoding="utf-8")
    except FileNotFoundError:
        if path is not None:
            raise BadConfig(
                f"{path} does not exist.", "ko-tui config --print writes one to start from."
            ) from None
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{chosen} cannot be read: {error}.") from error
    import tomllib  # a first paint without a file does not wait for it

    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(
            f"{chosen}: {error}.", "It must be TOML; ko-tui config --print shows the form."
        ) from error
    return settings_of(values, str(chosen))


def settings_of(values: Mapping[str, Any], origin: str) -> Settings:
    """Settings from plain values, each checked. Raises BadConfig that names ``origin`` and the setting."""
    known = {f.name: f for f in fields(Settings)}
    settings = Settings()
    for name, value in values.items():
        if name not in known:
            raise BadConfig(
                f"{origin}: there is no setting {name!r}.", f"The settings are {', '.join(known)}."
            )
        wanted = type(getattr(settings, name))
        if type(value) is not wanted:
            raise BadConfig(f"{origin}: {name} must be {_kind(wanted)}, not {value!r}.")
        choices = known[name].metadata["choices"]
        if choices and value not in choices:
            raise BadConfig(
                f"{origin}: {name} = {value!r} is not possible.", f"Choose from {', '.join(choices)}."
            )
        if wanted is int and value < 0:
            raise BadConfig(f"{origin}: {name} must not be negative.")
        if wanted is dict and not all(isinstance(v, str) for v in value.values()):
            raise BadConfig(f"{origin}: every key in [keys] must be text.", '"trace.reply" = "B"')
        setattr(settings, name, value)
    return settings


def _kind(wanted: type) -> str:
    return {bool: "true or false", int: "a number", str: "text in quotes", dict: "a table"}[wanted]


def documented(settings: Settings | None = None) -> str:
    """The whole file as TOML, every setting explained, with the values given (default: the defaults)."""
    current = settings or Settings()
    lines = [f"# Configuration of ko-tui: {config_path()}", ""]
    for setting in fields(Settings):
        value = getattr(current, setting.name)
        lines.append(f"# {setting.metadata['words']}")
        if setting.metadata["choices"]:
            lines.append(f"# One of: {', '.join(setting.metadata['choices'])}")
        if isinstance(value, dict):
            lines.append(f"[{setting.name}]")
            lines += [f"{_text(name)} = {_text(keys)}" for name, keys in value.items()]
        elif isinstance(value, str):
            lines.append(f"{setting.name} = {_text(value)}")
        else:
            lines.append(f"{setting.name} = {str(value).lower()}")
        lines.append("")
    return "\n".join(lines)


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def theme_of(wanted: str, environment: Mapping[str, str] | None = None) -> str:
    """The theme's name: ``auto`` is ansi where colours are few or NO_COLOR is set, else ko-night."""
    env = os.environ if environment is None else environment
    if wanted in ("ansi", "ansi-dark"):
        return ANSI
    if env.get("NO_COLOR"):
        return "ansi-light" if wanted in ("ko-day", "ansi-light") else ANSI
    if wanted != "auto":
        return wanted
    if env.get("TERM", "") in FEW_COLOURS and not env.get("COLORTERM"):
        return ANSI
    return "ko-night"
