"""The README's words on speed, written from the figures: what stands between its two marks is replaced."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Final

from tests.benchmarks.latency.field import OURS
from tests.benchmarks.latency.points import Place, Point
from tests.benchmarks.latency.sustainable import OF_PLAIN
from tests.benchmarks.measure import Figure

BEGIN: Final = "<!-- make bench writes from here -->"
END: Final = "<!-- to here -->"
_WIDTH: Final = 120
_RATES: Final = (1_000, 10_000)
_ROWS: Final = 1_000_000


def write(figures: Sequence[Figure], points: Sequence[Point], readme: Path) -> None:
    """Replace what stands between the marks. Raises ValueError where they are missing."""
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{readme.name} has not the marks between which its figures stand: {BEGIN} {END}")
    said = "\n".join(wrap(" ".join(sentences(figures, points)), _WIDTH, break_long_words=False, break_on_hyphens=False))
    readme.write_text(f"{before}{BEGIN}\n{said}\n{END}{after}", encoding="utf-8")


def sentences(figures: Sequence[Figure], points: Sequence[Point]) -> Iterator[str]:
    """One for each thing of which there are figures, with its day."""
    known = {(figure.name, figure.against): figure for figure in figures}
    alone = {figure.name: figure for figure in figures}
    quix, limit = known.get(("full_pipeline", "quix_counter")), known.get(("full_pipeline", "getmany"))
    if quix and quix.ratio and limit and limit.ratio:
        yield (
            f"{_rounded(quix.value):,} events a second through the whole pipeline of one worker, {quix.ratio:.1f} "
            "times what Quix Streams does for a mere counter with its state and changelog, and "
            f"{limit.ratio:.2f} of an `aiokafka.getmany()` that does nothing ({_day(quix.measured)})."
        )
    yield from _students(alone)
    yield from _latency({point.place: point for point in points})
    yield from _sustainable(alone)


def _students(figures: Mapping[str, Figure]) -> Iterator[str]:
    recovery, memory = figures.get("recovery"), figures.get("memory")
    if recovery and memory:
        yield (
            f"A table of a million students comes back in {_ROWS / recovery.value:.0f} seconds, and takes "
            f"{memory.value / 1000:.1f} KB of memory a student ({_day(recovery.measured)})."
        )


def _latency(points: Mapping[Place, Point]) -> Iterator[str]:
    for rate in _RATES:
        point = points.get(Place("plain", OURS.name, rate))
        if point and point.quantiles_ms and point.cpu_percent is not None:
            p50, _, p99 = point.quantiles_ms
            yield (
                f"At {rate:,} events a second an update comes {p50:,.0f} ms after its event was due in the median, and "
                f"{p99:,.0f} ms after it in the 99th percentile, for {point.cpu_percent:.0f} % of a core "
                f"({_day(point.measured)})."
            )


def _sustainable(figures: Mapping[str, Figure]) -> Iterator[str]:
    short, long = (figures.get(f"{OF_PLAIN}.{bound_ms}_ms.{OURS.name}") for bound_ms in (100, 1_000))
    if short and long:
        yield (
            f"The 99th percentile stays under 100 ms up to {_rounded(short.value):,} events a second, and under a "
            f"second up to {_rounded(long.value):,} ({_day(short.measured)})."
        )


def _rounded(value: float) -> int:
    return 1_000 * round(value / 1_000) if value >= 10_000 else round(value)


def _day(measured: str) -> str:
    return measured.split(" ")[0]
