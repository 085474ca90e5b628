"""The direction of data is kept: who may import whom, and what stays unloaded until it is needed."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from importlib import resources

import pytest

import ko_tui.backend


def loaded_by(statement: str) -> set[str]:
    """The names of all modules loaded after ``statement`` in a fresh interpreter."""
    code = f"import sys\n{statement}\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_contracts_are_kept() -> None:
    root = resources.files("ko_tui").joinpath("..")
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        capture_output=True,
        text=True,
        cwd=str(root),
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_backend_module_loads_a_screen_library() -> None:
    names = [m.name for m in pkgutil.walk_packages(ko_tui.backend.__path__, "ko_tui.backend.")]
    names = [n for n in names if not n.endswith("__main__")]
    assert len(names) > 20
    loaded = loaded_by("\n".join(f"import {name}" for name in names))
    assert not loaded & {"textual", "rich"}


@pytest.mark.parametrize("module", ["ko_tui.backend.session", "ko_tui.cli", "ko_tui.app"])
def test_kubernetes_is_not_loaded_before_it_is_used(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert not {m for m in loaded if m.split(".")[0] in ("kubernetes", "websocket", "urllib3")}


def test_the_kubernetes_models_are_never_loaded() -> None:
    loaded = loaded_by("import ko_tui.backend.source.live")
    assert not loaded & {"kubernetes.stream", "kubernetes.client.api"}
