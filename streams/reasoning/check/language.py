"""Whether a claim is written in English: its function words, and its letters, are."""

from streams.texts.english import function_words
from streams.texts.words import tokenise, words_of


def is_foreign(text: str) -> bool:
    """Whether `text`, short as it may be, is in another language: a letter that English has not, or more function words
    of other languages than of English.
    """
    if not text.isascii() and any(char.isalpha() and not char.isascii() for char in text):
        return True
    english, foreign = function_words(words_of(tokenise(text)))
    return foreign > english
