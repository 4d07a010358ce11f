"""Texts in which somebody may disclose that they harm themselves, or are harmed: no skill is read from such a text.

A guard, and no detector: an English list of our own, of what is said in the first person. It misses much, and stops
some that are harmless; neither a score nor an explanation ever rests on what it stops.
"""

import re
from collections.abc import Sequence
from typing import Final

_WORDS: Final = frozenset(
    """kill killing killed hurt hurting hurts harm harming cut cutting starve starving end ending die dead born live
    alive exist life suicidal suicide wake hits hit hitting beats beat beating beaten touches touched touching abuses
    abused abusing raped rapes molests molested chokes choked assaulted home without""".split()
)
"""Each of _PHRASES has one of them: most texts have none, and are done with."""
_THEY: Final = (
    r"(?:he|she|they|dad|father|mom|mum|mother|parents|step\w+|uncle|cousin|brother|sister|boyfriend|girlfriend|coach"
    r"|teacher|someone|somebody)"
)
_PHRASES: Final = re.compile(
    r"(?<!\S)(?:"
    r"(?:kill|killing|killed|hurt|hurting|harm|harming|cut|cutting|starve|starving) (?:myself|my self)"
    r"|(?:end|ending|take|taking) (?:my (?:own )?life|it all)"
    r"|(?:want|wants|wanted|wanna|ready|wish|rather|wanting)(?: to| i could| i can)?(?: just)? (?:die|be dead)"
    r"|wish i (?:was|were) (?:dead|never born)|wish i had never been born|wish i'd never been born"
    r"|better off (?:dead|without me)"
    r"|(?:don't|not|didn't|never) want to (?:live|be alive|exist|wake up)|(?:no|any) reason to live"
    r"|suicidal|(?:i|i'm|i've|i'd|my)(?: \S+){0,4} suicide"
    rf"|{_THEY}(?: \S+)? (?:hits?|hitting|beats?|beating|touch(?:es|ed)|touching|abuse[sd]|abusing|rape[sd]"
    r"|molest(?:s|ed)|hurts?|hurting|choke[sd]) me"
    r"|(?:i was|i am|i'm|i've been|i have been|i got|i get|keep getting)(?: \S+)?"
    r" (?:abused|raped|molested|beaten|assaulted)"
    r"|(?:scared|afraid|frightened) to (?:go|be|come) (?:back )?(?:at )?home"
    r")(?!\S)"
)


def may_disclose(tokens: Sequence[str]) -> bool:
    """Whether one of the phrases is among these tokens, be it denied or quoted."""
    return not _WORDS.isdisjoint(tokens) and _PHRASES.search(" ".join(tokens)) is not None
