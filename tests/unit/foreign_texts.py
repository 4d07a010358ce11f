"""Texts that are not English, or not clearly so, and how often either kind is taken for the other.

python -m tests.unit.foreign_texts        the figures of docs/language.md; needs ../shared/data
"""

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from streams.texts.english import is_english
from streams.texts.quotations import without_quotations
from streams.texts.words import tokenise, words_of
from tests.shared_data import SHARED

FOREIGN: Final = {
    "es": "La semana pasada nuestro grupo tuvo que explicar por qué las plantas necesitan luz. Al principio no "
    "entendía nada, pero después de leer el texto otra vez me di cuenta de que la respuesta estaba en la tabla.",
    "de": "Letzte Woche musste unsere Gruppe erklären, warum Pflanzen Licht brauchen. Am Anfang habe ich nichts "
    "verstanden, aber nachdem ich den Text noch einmal gelesen hatte, war mir klar, dass die Antwort dort stand.",
    "fr": "La semaine dernière notre groupe a dû expliquer pourquoi les plantes ont besoin de lumière. Au début je ne "
    "comprenais rien, mais après avoir relu le texte j'ai vu que la réponse était dans le tableau.",
    "it": "La settimana scorsa il nostro gruppo doveva spiegare perché le piante hanno bisogno di luce. All'inizio non "
    "capivo niente, ma dopo aver riletto il testo ho visto che la risposta era nella tabella.",
    "nl": "Vorige week moest onze groep uitleggen waarom planten licht nodig hebben. In het begin was er niets van te "
    "begrijpen, maar we waren op tijd klaar en het was over.",
    "ru": "На прошлой неделе наша группа должна была объяснить, почему растениям нужен свет. Сначала я не понимал.",
    "no words": "7 8 9 10 11 12 = = 13 14",
    "pt": "Na semana passada o nosso grupo teve de explicar por que as plantas precisam de luz. No início eu não "
    "entendia nada, mas depois de ler o texto outra vez percebi que a resposta estava na tabela.",
    "sv": "Förra veckan skulle vår grupp förklara varför växter behöver ljus. I början förstod jag ingenting, men när "
    "jag hade läst texten en gång till såg jag att svaret fanns i tabellen.",
    "tr": "Geçen hafta grubumuz bitkilerin neden ışığa ihtiyaç duyduğunu açıklamak zorundaydı. Başta hiçbir "
    "şey anlamadım.",
    "names": "Ada Bob Cem Dana Emil Fatma kept trying",
    "half and half": "I kept trying pero no quiero hacer esto porque es muy difícil para mí y la tarea no me gusta",
}


REACTIONS: Final = SHARED / "empathic_reactions" / "messages.csv.gz"
SIZES: Final = (4, 5, 6, 8, 15, 40)


def reactions() -> Iterator[str]:
    """The English texts of Empathic Reactions."""
    with gzip.open(REACTIONS, "rt", encoding="utf-8", newline="") as table:
        yield from (row["essay"] for row in csv.DictReader(table))


def share_read(texts: Iterable[str], size: int, step: int) -> float:
    """Of all stretches of `size` words that begin at each `step`-th word of a text, the share taken for English."""
    words = (words_of(tokenise(without_quotations(text))) for text in texts)
    stretches = [stretch for of_text in words for stretch in _stretches(of_text, size, step)]
    return sum(map(is_english, stretches)) / len(stretches)


def _stretches(words: Sequence[str], size: int, step: int) -> Iterator[Sequence[str]]:
    return (words[at : at + size] for at in range(0, max(1, len(words) - size + 1), step))


if __name__ == "__main__":
    english = list(reactions())
    for size in (*SIZES, 10_000):
        read, taken = share_read(english, size, size), share_read(FOREIGN.values(), size, 1)
        print(f"{size:6} words: {read:.4f} {taken:.4f}")  # noqa: T201
