"""The check against labelled claims: nearly all bad ones are caught, nearly no good one is refused."""

from collections import Counter

from tests.unit.reasoning.claim_corpus import bad_claims, faults_of, good_claims, independent_bad, independent_good


def test_at_least_95_in_100_bad_claims_are_caught_and_most_of_each_kind() -> None:
    claims = bad_claims()
    missed = [labelled for labelled in claims if not faults_of(labelled)]
    assert len(missed) <= 0.05 * len(claims), missed
    every, by_kind = (Counter(labelled.wrong for labelled in some) for some in (claims, missed))
    assert {kind for kind, number in by_kind.items() if number > 0.2 * every[kind]} == set()


def test_at_most_3_in_100_good_claims_are_refused() -> None:
    claims = good_claims()
    refused = {labelled.claim.text: faults for labelled in claims if (faults := faults_of(labelled))}
    assert len(refused) <= 0.03 * len(claims), refused


def test_there_are_claims_enough_to_tell() -> None:
    assert len(good_claims()) + len(bad_claims()) >= 300


def test_of_claims_by_somebody_who_had_not_seen_the_rules_no_fewer_are_judged_right_than_when_measured() -> None:
    bad, good = independent_bad(), independent_good()
    missed = [labelled for labelled in bad if not faults_of(labelled)]
    refused = {labelled.claim.text: faults for labelled in good if (faults := faults_of(labelled))}
    assert len(missed) <= 0.05 * len(bad), missed
    assert len(refused) <= 0.05 * len(good), refused
