"""Only the commands that run a worker import Faust, which takes a second; none needs it to learn a topic's name."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import agents

ROOT: Final = Path(agents.__file__).parents[1]
RUN_A_WORKER: Final = {"agents.cli.worker", "agents.cli.demo", "agents.cli.__main__"}

_IMPORTS: Final = """
import sys
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
    for library in ("faust", "mode"):
        assert library not in sys.modules, f"{name} imports {library}"
"""


def modules(package: str) -> Iterator[str]:
    """All of them, those of its packages too."""
    for file in sorted((ROOT / package).rglob("*.py")):
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        yield name.removesuffix(".__init__")


def test_no_command_but_those_that_run_a_worker_imports_faust() -> None:
    # What a command imports when it is called is among the operations.
    named = [*modules("agents/cli"), *modules("agents/operations"), "agents.delivery.deployment"]
    wanted = [name for name in named if name not in RUN_A_WORKER]
    assert len(wanted) > 40

    done = subprocess.run([sys.executable, "-c", _IMPORTS, *wanted], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr


def test_a_worker_does_not_wait_for_libraries_that_its_settings_may_not_need() -> None:
    """Redis for its limits, OpenAI for its explanations, scikit-learn for a model: together they take seconds."""
    program = """
import sys
import agents.worker.worker
imported = {"redis", "openai", "sklearn", "skops", "rich"} & set(sys.modules)
assert not imported, imported
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
