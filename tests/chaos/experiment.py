"""What an experiment is, and the list of all: the modules of `experiments` add theirs when they are imported."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from tests.chaos.scene import Scene

Broker = Literal["shared", "own", "small disk"]
"""What it runs on: a Kafka that it leaves whole, one that it may break, one of its own on a small volume."""
Play = Callable[[Scene], None]


@dataclass(frozen=True, slots=True)
class Experiment:
    """A named story. With `planted`, verify must find that kind of fault, once, and nothing else.

    With `partly_judged`, verify must find no difference, and say that it could not judge everything: rows hold events
    that are on no topic any more, for which the story itself must account. Its workers make `norms` every few seconds,
    unless it says otherwise.
    """

    name: str
    play: Play
    broker: Broker = "shared"
    planted: str | None = None
    partly_judged: bool = False
    norms: bool = True

    @property
    def what(self) -> str:
        """What it does, in a line."""
        return (self.play.__doc__ or "").strip().splitlines()[0]


EXPERIMENTS: Final[dict[str, Experiment]] = {}


def experiment(
    name: str,
    *,
    broker: Broker = "shared",
    planted: str | None = None,
    partly_judged: bool = False,
    norms: bool = True,
) -> Callable[[Play], Play]:
    """Puts the function on the list."""

    def listed(play: Play) -> Play:
        assert name not in EXPERIMENTS, f"two experiments are named {name}"
        EXPERIMENTS[name] = Experiment(name, play, broker, planted, partly_judged, norms)
        return play

    return listed
