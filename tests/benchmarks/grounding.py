"""How many bad claims the check of explanations catches, and how many good ones it refuses, of those that are labelled.

make bench ONLY=grounding
"""

import sys
import time
from typing import Final

from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.sizes import Sizes
from tests.unit.reasoning.claim_corpus import (
    LabelledClaim,
    bad_claims,
    faults_of,
    good_claims,
    independent_bad,
    independent_good,
)

NAME: Final = "grounding"
_CAUGHT: Final = Target("at least", 95, of="value")
_REFUSED: Final = Target("at most", 3, of="value")


def measure(sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """In percent of all bad claims, and of all good ones; and what one check takes.

    `independent` are the claims whose author had not seen the rules, at first: the rules were mended by them since.
    """
    bad, good = bad_claims(), good_claims()
    others_bad, others_good = independent_bad(), independent_good()
    missed = sorted(labelled.claim.text for labelled in (*bad, *others_bad) if not faults_of(labelled))
    for text in missed:
        sys.stderr.write(f"  {NAME}  missed: {text}\n")
    return [
        rounds.figure(f"{NAME}.caught", f"% of {len(bad)}", [_found_percent(bad)], target=_CAUGHT),
        rounds.figure(f"{NAME}.refused", f"% of {len(good)}", [_found_percent(good)], target=_REFUSED),
        rounds.figure(f"{NAME}.independent_caught", f"% of {len(others_bad)}", [_found_percent(others_bad)]),
        rounds.figure(f"{NAME}.independent_refused", f"% of {len(others_good)}", [_found_percent(others_good)]),
        rounds.figure(f"{NAME}.claim", "us", [_claim_us(good) for _ in range(sizes.rounds)]),
    ]


def _found_percent(claims: list[LabelledClaim]) -> float:
    return 100 * sum(bool(faults_of(labelled)) for labelled in claims) / len(claims)


def _claim_us(claims: list[LabelledClaim]) -> float:
    began_s = time.process_time()
    _found_percent(claims)
    return (time.process_time() - began_s) / len(claims) * 1e6
