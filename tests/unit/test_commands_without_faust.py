"""Only the commands that run a worker import Faust, which takes a second; none needs it to learn a topic's name."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import agents
from streams.evidence.artifacts import load_artifact, save_artifact

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


_SCORING: Final = """
import asyncio, sys
import agents.worker.worker
from streams.evidence.artifacts import load_artifact
from streams.evidence.model import ModelSource
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay
from streams.rows.row_batch import RowBatch
from streams.simulation import simulate
from streams.skills.skills_file import load_skills
def fail(source, error):
    raise error
skills, artifact = load_skills("default"), load_artifact(sys.argv[1])
replay = Replay(Pipeline(skills, artifact, on_failure=fail))
records = [FileRecord(n, 1_900_000_000_000 + n, each.value) for n, each in enumerate(simulate(20, 500, seed=1))]
assert asyncio.run(replay.feed(records)).updates
rows = RowBatch.of([row for _, row in replay.rows.items(0)], skills.names)
assert (ModelSource(artifact, skills.names).compute(rows).n > 0).any()
"""
LEARNING: Final = ("sklearn", "scipy", "skops", "joblib", "threadpoolctl")


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
    """Redis for its limits, OpenAI for its explanations: together they take seconds."""
    run_alone("import agents.worker.worker", without=("redis", "openai", "rich", "opentelemetry", *LEARNING))


def test_scores_by_trees_need_no_scikit_learn(tmp_path: Path) -> None:
    """Nor scipy, nor what reads models of before: a worker would wait for them for seconds at each start."""
    default = load_artifact("default")
    save_artifact(tmp_path / "trees", default.card, default.models)
    assert [path.suffix for path in sorted((tmp_path / "trees").iterdir())] == [".json", ".json"]

    run_alone(_SCORING, str(tmp_path / "trees"), without=LEARNING)


def run_alone(program: str, *arguments: str, without: tuple[str, ...]) -> None:
    """Run it in an interpreter of its own, which must not have imported any of these libraries by the end."""
    check = f"import sys; imported = {set(without)} & set(sys.modules); assert not imported, imported"
    command = [sys.executable, "-c", f"{program}\n{check}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)

    assert done.returncode == 0, done.stderr
