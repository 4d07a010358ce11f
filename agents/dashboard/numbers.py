"""How numbers are written for people: short, with a unit, and `unknown` said as a dash."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Final

UNKNOWN: Final = "–"
_MOST_NUMBERS: Final = 12
_THOUSANDS: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def amount(value: float | None) -> str:
    """A count, with commas."""
    return UNKNOWN if value is None or not isfinite(value) else f"{value:,.0f}"


def compact(value: float | None) -> str:
    """Three digits at most, with k, M or G behind them."""
    if value is None or not isfinite(value):
        return UNKNOWN
    for size, prefix in _THOUSANDS:
        if abs(value) >= size * 0.9995:
            return f"{_three(value / size)} {prefix}"
    return _three(value)


def seconds(value: float | None) -> str:
    """A span of time, from microseconds to days."""
    if value is None or not isfinite(value):
        return UNKNOWN
    if 0 < value < 0.9995:
        return f"{_three(value * 1e3)} ms"
    if value < 99.5:
        return f"{_three(value)} s"
    minutes = round(value / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours = round(value / 3_600)
    return f"{hours} h" if hours < 48 else f"{round(value / 86_400)} d"


def dollars(value: float | None) -> str:
    """US dollars, to the cent; below ten cents to a hundredth of one."""
    if value is None or not isfinite(value):
        return UNKNOWN
    return f"${value:,.4f}" if 0 < abs(value) < 0.1 else f"${value:,.2f}"


def percent(share: float | None) -> str:
    """A share, as a whole percentage; what is little is not none."""
    if share is None or not isfinite(share):
        return UNKNOWN
    return "<1 %" if 0 < share < 0.005 else f"{share * 100:.0f} %"


def utc_time(at_s: float) -> str:
    """The time of day."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%H:%M:%S")


def utc(at_s: float) -> str:
    """Day and time."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def numbers_said(numbers: Sequence[int]) -> str:
    """Partition numbers, neighbours as a range; not all of very many."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    said = [str(first) if first == last else f"{first}–{last}" for first, last in runs]
    rest = f" and {len(said) - _MOST_NUMBERS} more ranges" if len(said) > _MOST_NUMBERS else ""
    return ", ".join(said[:_MOST_NUMBERS]) + rest or "none"


def _three(value: float) -> str:
    """Three digits that say something, without zeros behind the point."""
    if abs(value) >= 99.95:
        return f"{value:.0f}"
    text = f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"
    return text.rstrip("0").rstrip(".")
