"""Writes docs/explanation-samples.md anew: ten templates and ten explanations, as the product makes them; and into
docs/norms.md what `skillstream norms` prints.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from schemas.explanation import Explanation
from streams.languages.tables import LanguageCode
from tests.samples import norms
from tests.samples.students import SampleClass, Told

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "explanation-samples.md"
DEFAULT: Final = 6
COURSE: Final = 4
OTHERS: Final[tuple[LanguageCode, ...]] = ("es", "de", "fr")
_HEAD: Final = """\
# Explanations as they come

Made by `make samples` from simulated students, and not edited. Each student was explained once at half of their events
and again at the end, so that what changed is told; shown is the second time, and of it the skills that moved. Six are
of the default skills, of which nearly all are profiles; four of `course_success`, which is a score. The students are
drawn by chance: what they do means nothing.

**No GPT wrote any of this.** The templates are what students get whose claims failed the check, for whom there was no
budget, or in another language than English. The explanations went the whole way of a model's: facts with slots, a grant
of the budget, an answer in the agreed form, the check of each claim, numbers put in, what was explained noted in the
row. But the answer is that of the *scripted model* (`SKILLSTREAM_REASONING=scripted`), which puts the facts that it is
sent into sentences by rule. A model's own sentences can be seen with `skillstream explain STUDENT`.
"""


def page() -> str:
    """The whole page."""
    default = SampleClass("default", students=12, events=900, seed=5).told(DEFAULT)
    course = SampleClass("course_success", students=12, events=700, seed=5).told(COURSE)
    parts = [_HEAD, "## Ten templates\n", *(_shown(each, each.templated["en"]) for each in (*default, *course))]
    parts += ["## Ten explanations\n", *(_shown(each, each.explanation) for each in (*default, *course))]
    parts.append("## The template in other languages\n\nTwo of the students once more: the first, and the last.\n")
    for code in OTHERS:
        parts += [f"### {code}\n", *(_shown(each, each.templated[code], "####") for each in (default[0], course[-1]))]
    return "\n".join(parts)


def _shown(told: Told, explanation: Explanation, heading: str = "###") -> str:
    return "\n".join([f"{heading} {told.student}\n", f"{explanation.summary}\n", *_skills(told, explanation)])


def _skills(told: Told, explanation: Explanation) -> Iterator[str]:
    for skill in explanation.skills:
        if skill.skill not in told.moved or not skill.claims:
            continue
        said = [*(claim.text for claim in skill.claims), skill.conflict, skill.certainty]
        yield f"* **{skill.skill.replace('_', ' ')}**: {' '.join(text for text in said if isinstance(text, str))}"
        if isinstance(skill.suggestion, str):
            yield f"  *{skill.suggestion}*"
    yield ""


def main() -> int:
    """Write the pages."""
    PAGE.write_text(page(), encoding="utf-8")
    norms.PAGE.write_text(norms.written(norms.PAGE.read_text("utf-8")), encoding="utf-8")
    sys.stderr.write(f"Written to {PAGE.name} and {norms.PAGE.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
