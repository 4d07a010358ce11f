"""Numbers that a claim writes itself. It may write none: those of its facts are put into its slots.

In digits of any script, and in words of English, Spanish, German and French: from two on, and half, twice and the like.
"""

import re
from typing import Final

from streams.reasoning.check.lexicon import load, pattern_of

_FOREIGN: Final = """
    cero dos tres cuatro cinco seis siete ocho nueve diez doce trece catorce quince veinte treinta cuarenta cincuenta
    sesenta setenta ochenta noventa cien ciento mil millones mitad doble docena segundo tercero cuarto quinto
    null zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn
    neunzehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig hundert tausend halb halbe hälfte doppelt
    zweimal dreimal viermal zweite dritte vierte prozent dutzend
    zéro deux trois quatre cinq sept huit neuf dix onze douze treize quatorze quinze seize vingt trente quarante
    cinquante soixante cent mille moitié demi demie deuxième troisième quatrième douzaine pourcent
"""
_TABLES: Final = load()
_WORDS: Final = pattern_of([*_TABLES["numbers"].split(), *_TABLES["number_phrases"], *_FOREIGN.split()])
_FIGURES: Final = re.compile(r"\d[\d.,]*")
_ROMAN: Final = re.compile(r"\b(?:I{2,3}|IV|VI{0,3}|IX|XI{1,3}|XIV|XVI{0,3}|XX)\b")


def number_in(text: str) -> str | None:
    """The first number that `text` writes, as it stands there; None where it has none. Slots taken out."""
    found = _FIGURES.search(text) or _WORDS.search(text.replace("-", " ")) or _ROMAN.search(text)
    if found is None:
        return next((char for char in text if char.isnumeric()), None)
    return found.group()
