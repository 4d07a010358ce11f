"""How often words of the lists occur in real texts.

python -m tests.unit.word_list_rates        the figures of docs/language.md; needs ../shared/data
"""

from collections import Counter

from streams.skills.text_reader import TextReader
from streams.skills.word_lists import WORD_LISTS
from streams.vocabulary import Fact
from tests.events import default_skills
from tests.unit.foreign_texts import reactions


def rates() -> dict[str, float]:
    """By fact, in 100 words of the texts of Empathic Reactions."""
    reader, sums = TextReader.of(default_skills()), Counter[int]()
    for text in reactions():
        sums.update({fact: int(value) for fact, value in reader.read(text).facts})
    return {words.fact.key: 100 * sums[words.fact] / sums[Fact.WORDS_READ] for words in WORD_LISTS}


if __name__ == "__main__":
    for fact, rate in rates().items():
        print(f"{fact:20} {rate:5.2f}")  # noqa: T201
