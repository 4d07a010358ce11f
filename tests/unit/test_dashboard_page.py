"""The dashboard as HTML: whole or half, it is well formed, escaped, and readable without a script."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.dashboard.bars import stacked
from agents.dashboard.charts import Curve, TimeChart, round_top
from agents.dashboard.figures import ComponentFigure, LagFigure, PageFigures, PartitionFigure, TenantFigure
from agents.dashboard.group import Member, group_view
from agents.dashboard.numbers import compact, dollars, numbers_said, percent, seconds
from agents.dashboard.page import changed, dashboard_page, parts
from tests.agents.dashboard_groups import NOW_S, half_a_group, whole_group

_VOID = {"meta", "link", "input", "path", "rect", "circle", "polyline", "polygon", "img"}


class Outline(HTMLParser):
    """A page's text, tags and attributes; fails on tags that don't match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self._open = "", list[str]()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "

    def values(self, name: str) -> list[str]:
        return [attrs[name] or "" for _, attrs in self.tags if name in attrs]


def outline(members: list[Member]) -> Outline:
    view = group_view(members, NOW_S)
    return Outline(dashboard_page(view, parts(view), "skillstream", "0.1.0", reloading=False, students=True))


@pytest.mark.parametrize("members", [whole_group(), half_a_group(), [Member(instance="w", figures=PageFigures())], []])
def test_the_page_is_well_formed_and_asks_for_nothing_outside(members: list[Member]) -> None:
    page = outline(members)

    assert len(set(page.values("id"))) == len(page.values("id"))
    linked = [each for name in ("src", "action") for each in page.values(name)]
    linked += [attrs["href"] or "" for tag, attrs in page.tags if tag == "link"]
    assert linked
    assert all(each.startswith("/") and not each.startswith("//") for each in linked)
    assert not any("style" in attrs or any(name.startswith("on") for name in attrs) for _, attrs in page.tags)
    assert all("src" in attrs for tag, attrs in page.tags if tag == "script")


def test_the_whole_group_is_on_the_page() -> None:
    text = outline(whole_group()).text

    for words in (
        "Working, with something missing.",
        "connection refused",
        "on worker-1",
        "1,820",
        "WARN",
        "not_json",
        "student-activity/1 @ 81200",
        "12 % left",
        "problem solving",
        "a profile, no score",
        "failed lately",
        "642 updates were published",
        "4–5",
    ):
        assert words in text, words


def test_tenants_have_a_card_where_there_are_any_the_held_ones_first() -> None:
    def said(events_s: float, held: int) -> PageFigures:
        north = TenantFigure(tenant="north", events_s=events_s, budget={"usd/day": 0.97, "usd/month": 0.2}, unpaid=True)
        south = TenantFigure(tenant="south", updates_s=3.0, held=held, dead_letters=41.0, spend_usd=1.5)
        return PageFigures(tenants=[north, south])

    page = outline([Member(instance=f"w-{each}", figures=said(10.0, held=2)) for each in range(2)])
    assert "tenants" in page.values("id")
    table = page.text[page.text.index("own budget") :]
    assert table.index("south") < table.index("north")
    for words in (
        "held on 2",
        "6/s",
        "82",
        "$3.00",
        "what all may",
        "no money left",
        "20/s",
        "3 % of usd/day left",
    ):
        assert words in table, words
    assert "tenants" not in outline(whole_group()).values("id")


def test_half_a_group_says_what_is_missing_and_shows_no_number_for_it() -> None:
    text = outline(half_a_group()).text

    for words in (
        "1 of 3 workers answered",
        "no answer within 5 s",
        "The last figures were measured 44 s ago.",
        "Nothing measured yet.",
        "Reasoning is off",
    ):
        assert words in text, words


def test_what_others_say_is_escaped_wherever_it_is_shown() -> None:
    evil = "<script>alert(1)</script>\"'"
    lag = LagFigure(
        age_s=1.0, partitions=[PartitionFigure(topic=evil, partition=0, records=1, status=evil, owner=evil)]
    )
    figures = msgspec.structs.replace(
        whole_group()[0].figures or PageFigures(),
        components=[ComponentFigure(evil, "degraded", evil)],
        lag=lag,
        dead_letters={evil: 1.0},
        sources={evil: "ok"},
        tenants=[TenantFigure(tenant=evil, budget={evil: 0.5})],
    )
    page = outline([Member(instance=evil, url=f"javascript:{evil}", version=evil, partitions=(0,), figures=figures)])

    assert all("src" in attrs for tag, attrs in page.tags if tag == "script")
    assert "alert(1)" in page.text
    assert not any("javascript:" in (each or "") for each in page.values("href"))


def test_only_parts_that_changed_are_sent() -> None:
    view = group_view(whole_group(), NOW_S)
    former, now = parts(view), parts(replace(view, at_s=NOW_S + 5, dead_letters={"not_json": 1.0}))

    assert set(changed(former, now)) == {"as-of", "tiles", "dead-letters"}
    assert changed(now, now) == {}


def test_every_part_has_its_place_on_the_page() -> None:
    view = group_view(whole_group(), NOW_S)
    page = outline(whole_group())

    places = [attrs["id"] for _, attrs in page.tags if "data-part" in attrs]
    assert sorted(filter(None, places)) == sorted(parts(view))


def test_a_chart_s_values_are_there_for_the_cursor_and_in_words_for_who_listens() -> None:
    chart = TimeChart("Lag", [5, 10, 15], [Curve("records behind", [1.0, None, 3_000.0], "first")], compact)
    [drawn] = [attrs for tag, attrs in Outline(chart.html()).tags if tag == "svg"]

    assert json.loads(drawn["data-values"] or "") == [["1", "–", "3 k"]]
    assert drawn["aria-label"] == "Lag. records behind: 3 k now, from 1 to 3 k"


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e12)), min_size=1, max_size=200))
@settings(max_examples=40)
def test_whatever_is_measured_stays_within_the_chart(values: list[float | None]) -> None:
    html = TimeChart("x", range(5, 5 * len(values) + 5, 5), [Curve("x", values, "first")], compact).html()

    points = re.findall(r'<poly[^>]* points="([^"]*)"', html)
    for x, y in (map(float, point.split(",")) for each in points for point in each.split()):
        assert 50 <= x <= 400
        assert 9 <= y <= 170


@given(st.floats(1e-9, 1e15))
@settings(max_examples=60)
def test_the_top_of_a_chart_is_a_round_number_just_above(most: float) -> None:
    assert most <= round_top(most) <= max(2.0001 * most, 1e-3)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (compact(0), "0"),
        (compact(999.9), "1 k"),
        (compact(12_345), "12.3 k"),
        (compact(2_500_000), "2.5 M"),
        (compact(None), "–"),
        (compact(float("nan")), "–"),
        (seconds(0.0123), "12.3 ms"),
        (seconds(4), "4 s"),
        (seconds(150), "2 min"),
        (seconds(7_300), "2 h"),
        (seconds(300_000), "3 d"),
        (dollars(1_234.5), "$1,234.50"),
        (dollars(0.0042), "$0.0042"),
        (percent(0.001), "<1 %"),
        (percent(0), "0 %"),
        (numbers_said((3, 1, 2, 7)), "1–3, 7"),
        (numbers_said(()), "none"),
    ],
)
def test_numbers_are_short(written: str, expected: str) -> None:
    assert written == expected


def test_shares_are_in_words_too() -> None:
    assert 'aria-label="s: a 75 %, b 25 %"' in stacked("s", {"b": 0.25, "a": 0.75}, ("a", "b", "c"))
