"""What operators do to a deployment's configuration, and what it says of it."""

from tests.agents.command import Ran, run_here
from tests.agents.deployment import Deployment
from tests.agents.environment import environment
from tests.agents.worker_process import WorkerProcess


def command(deployment: Deployment, *arguments: str) -> Ran:
    """`skillstream ARGUMENTS`, told what the workers are told."""
    return run_here(environment(deployment.given()), *arguments)


def told(deployment: Deployment, *arguments: str) -> Ran:
    """The same, where it has to do what it is told."""
    ran = command(deployment, *arguments)
    assert ran.code == 0, ran.err
    return ran


def by_configuration(deployment: Deployment) -> dict[str, int]:
    """How many students' last updates name which configuration."""
    [said] = told(deployment, "rescore", "--dry-run", "--json").lines
    return dict(said["students"])


def config_health(worker: WorkerProcess) -> dict[str, str]:
    """The component `config` of its health."""
    found: dict[str, str] = worker.get("/health/detailed").json["components"]["config"]
    return found
