"""Whose a statement is, which one it is, and when it happened."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.dialects.native import MAX_DEPTH
from schemas.dialects.xapi import Xapi
from tests.contract.test_xapi_kinds import SCORED
from tests.contract.xapi_statements import (
    ADA,
    BEN,
    CLASS,
    KEY_OF_ADA,
    KEY_OF_BEN,
    decoded,
    event_of,
    statement,
)  # fmt: skip
from tests.events import NOW_MS, record


@pytest.mark.parametrize(
    ("actor", "student"),
    [
        (ADA, KEY_OF_ADA),
        (BEN, KEY_OF_BEN),
        ({"mbox_sha1sum": KEY_OF_BEN.partition(":")[2].upper()}, KEY_OF_BEN),
        ({"openid": "https://ada.example/"}, "https://ada.example/"),
    ],
)
def test_an_agent_is_the_student_whatever_identifies_it(actor: dict[str, Any], student: str) -> None:
    assert event_of(statement(actor=actor)).student_id == student


def test_a_group_acts_through_its_members_each_once() -> None:
    group = {**CLASS, "member": [ADA, BEN, ADA]}
    assert [event.student_id for event in decoded(statement(actor=group)).events] == [KEY_OF_ADA, KEY_OF_BEN]
    nameless = decoded(statement(actor={"objectType": "Group", "mbox": "mailto:class@school.example"}))
    assert ([ignored.name for ignored in nameless.ignored], list(nameless.events)) == (["group_without_members"], [])


def test_a_resend_of_a_statement_without_id_is_known_by_what_it_says() -> None:
    first, resent, other = (
        event_of(given)
        for given in (
            statement(id=None),
            dict(reversed(statement(id=None, stored="2026-03-02T12:00:00Z", authority=BEN, version="1.0.3").items())),
            statement(id=None, **SCORED),
        )
    )
    assert first.event_id == resent.event_id != other.event_id
    assert not first.voidable


def test_a_statement_without_id_may_be_as_deep_as_a_record() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH - 3):
        deep = [deep]
    assert event_of(statement(id=None, result={"extensions": {"urn:x": deep}})).event_id.startswith("sha256:")


def test_a_statement_without_timestamp_happened_when_it_was_stored_or_sent() -> None:
    stored = event_of(statement(timestamp=None, stored="2026-03-02T10:00:00+01:00"))
    assert stored.time == datetime(2026, 3, 2, 9, tzinfo=UTC)
    sent = event_of(statement(timestamp=None))
    assert sent.time.timestamp() * 1000 == NOW_MS + 3_600_000


@pytest.mark.parametrize("timestamp", [-1, 10**18])
def test_a_record_of_no_time_is_an_absurd_one(timestamp: int) -> None:
    found = Xapi().decode(statement(timestamp=None), record(b"", timestamp=timestamp))
    assert [invalid.reason for invalid in found.invalid] == ["absurd_time"]
