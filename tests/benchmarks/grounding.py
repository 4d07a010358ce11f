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
from tests.unit.reasoning.unseen_claims import ROUNDS, plain_good, unseen_bad, unseen_good

NAME: Final = "grounding"
_CAUGHT: Final = Target("at least", 95, of="value")
_REFUSED: Final = Target("at most", 3, of="value")


def measure(sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """In percent of all bad claims, and of all good ones; and what one check takes.

    The authors of the claims called `independent`, `first_sight` and `second_sight` had not seen the rules; whoever
    wrote the later ones had mended them by the first two. They were mended by all since: what was measured at
    first sight is in decision 44.
    """
    bad, good, plain = bad_claims(), good_claims(), plain_good()
    lots = {
        "independent": (independent_bad(), independent_good()),
        **{f"{round_}_sight": (unseen_bad(round_), unseen_good(round_)) for round_ in ROUNDS},
    }
    for labelled in (*bad, *(each for some, _ in lots.values() for each in some)):
        if not faults_of(labelled):
            sys.stderr.write(f"  {NAME}  missed: {labelled.claim.text}\n")
    return [
        rounds.figure(f"{NAME}.caught", f"% of {len(bad)}", [_found_percent(bad)], target=_CAUGHT),
        rounds.figure(f"{NAME}.refused", f"% of {len(good)}", [_found_percent(good)], target=_REFUSED),
        rounds.figure(f"{NAME}.plain_refused", f"% of {len(plain)}", [_found_percent(plain)], target=_REFUSED),
        *(
            rounds.figure(f"{NAME}.{lot}_{name}", f"% of {len(some)}", [_found_percent(some)], target=target)
            for lot, both in lots.items()
            for name, some, target in zip(("caught", "refused"), both, (_CAUGHT, _REFUSED), strict=True)
        ),
        rounds.figure(f"{NAME}.claim", "us", [_claim_us(good) for _ in range(sizes.rounds)]),
    ]


def _found_percent(claims: list[LabelledClaim]) -> float:
    return 100 * sum(bool(faults_of(labelled)) for labelled in claims) / len(claims)


def _claim_us(claims: list[LabelledClaim]) -> float:
    began_s = time.process_time()
    _found_percent(claims)
    return (time.process_time() - began_s) / len(claims) * 1e6
