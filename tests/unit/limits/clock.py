"""A clock that moves only when a test moves it."""


class ManualClock:
    """Microseconds since an epoch of no meaning; call it to read it."""

    def __init__(self, now_us: int = 1_800_000_000_000_000) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us

    def advance(self, *, seconds: float = 0, us: int = 0) -> None:
        self.now_us += round(seconds * 1e6) + us
