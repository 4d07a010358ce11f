"""A length of time as people say it."""

from typing import Final

_UNITS: Final = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s"))


def duration(seconds: float | None) -> str:
    """Short: 0.4 s, 12 s, 3 m 20 s, 5 h 2 m, 3 d 4 h; a dash for what is not known."""
    if seconds is None:
        return "-"
    if seconds < 59.5:
        return f"{seconds:.1f} s" if 0 < seconds < 9.95 else f"{seconds:.0f} s"
    whole = round(seconds)
    size, unit, smaller, name = next(each for each in _UNITS if whole >= each[0])
    return f"{whole // size} {unit} {whole % size // smaller} {name}"
