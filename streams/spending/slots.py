"""Amounts by scope and second, as far as they are recent. Pure."""

from dataclasses import dataclass, field

_SECOND_US = 1_000_000


@dataclass(slots=True)
class Slots:
    """Amounts of the last `window_s` seconds; those of a second count until all of it is older."""

    window_s: int
    _amounts: dict[str, dict[int, int]] = field(default_factory=dict)

    def fill(self, scope: str, second: int, amount: int) -> None:
        """Have nothing but this amount."""
        self._amounts[scope] = {second: amount}

    def clear(self, scope: str) -> None:
        """Have nothing."""
        self._amounts.pop(scope, None)

    def total(self, scope: str, second: int) -> int:
        """The sum, as of `second`."""
        return sum(self._recent(scope, second).values())

    def add(self, scope: str, at: int, amount: int, second: int) -> None:
        """Add to the amount of the second `at`; below zero only where there is one, and never below none."""
        recent = self._recent(scope, second)
        if amount > 0 or at in recent:
            recent[at] = max(0, recent.get(at, 0) + amount)
            self._amounts[scope] = recent

    def wait_us(self, scope: str, most: int, now_us: int) -> int:
        """How long until the sum is at most `most`."""
        recent = self._recent(scope, now_us // _SECOND_US)
        total = sum(recent.values())
        for at in sorted(recent):
            total -= recent[at]
            if total <= most:
                return (at + self.window_s + 1) * _SECOND_US - now_us
        return 0

    def _recent(self, scope: str, second: int) -> dict[int, int]:
        """What lies ahead of a clock that went back was added now."""
        recent: dict[int, int] = {}
        for at, amount in self._amounts.get(scope, {}).items():
            if at >= second - self.window_s:
                recent[min(at, second)] = recent.get(min(at, second), 0) + amount
        return recent
