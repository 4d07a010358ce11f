"""A secret as settings hold it: a string that does not show itself, and may know what it has become since."""

from collections.abc import Callable, Iterable
from typing import Protocol

from agents.display.redaction import redact
from agents.secrets.errors import SecretUnusable


class Location(Protocol):
    """Where one secret is kept."""

    def read(self) -> str:
        """What is there now. Blocks. Raises SecretUnusable, SecretsUnavailable."""
        ...


class HeldSecret:
    """The secret of the setting `name`, which may be read again from its place. `variable` is what messages call it.

    `problem` says what is wrong with a value; `hidden_in` tells of a value what must not be shown. That is hidden from
    then on in all that is shown, beside what was hidden before.
    """

    def __init__(
        self,
        name: str,
        variable: str,
        location: Location,
        problem: Callable[[str], str | None],
        hidden_in: Callable[[str], Iterable[str]],
    ) -> None:
        self.name, self.variable = name, variable
        self._location, self._problem, self._hidden_in = location, problem, hidden_in
        self.value = self._read()

    def look(self) -> bool:
        """Read it again; whether it is another. Blocks.

        Raises SecretUnusable, SecretsUnavailable; it stays what it was then.
        """
        found = self._read()
        if (problem := self._problem(found)) is not None:
            raise SecretUnusable(f"{self.variable} {problem}")
        former, self.value = self.value, found
        return found != former

    def _read(self) -> str:
        found = self._location.read().strip()
        redact.learn(self._hidden_in(found))
        return found


class Secret(str):
    """A string that does not show itself in logs and tracebacks; `held` where it may be rotated."""

    __slots__ = ("held",)
    held: HeldSecret | None

    def __new__(cls, value: str = "", held: HeldSecret | None = None) -> "Secret":
        secret = super().__new__(cls, value)
        secret.held = held
        return secret

    def __repr__(self) -> str:
        return "Secret('…')" if self else "Secret('')"


def current(secret: str) -> str:
    """What a secret is now; any other string is itself."""
    held = secret.held if isinstance(secret, Secret) else None
    return str(secret) if held is None else held.value
