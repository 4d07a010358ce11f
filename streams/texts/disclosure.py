"""Texts in which somebody may disclose that they harm themselves, or are harmed: no skill is read from such a text.

An English list of our own. It misses much, and stops some that are harmless: it errs towards stopping, be a phrase
denied, quoted or said of another. Commas and full stops do not matter. What must not stop a text by itself are idioms
("killing me", "died laughing"), accidents and games ("cut myself shaving", "beat me at chess"). Neither a score nor an
explanation ever rests on what it stops.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from schemas.attention import ATTENTION_REASONS, AttentionReason
from streams.texts.words import plain_text, tokenise, words_of

_KIN: Final = (
    r"(?:step|foster )?(?:dad|daddy|father|mom|mommy|mum|mummy|mother|parents?|grand\w+|uncle|aunt\w*|cousin|brother"
    r"|sister|boyfriend|girlfriend|husband|wife|partner|ex)s?"
)
_THEY: Final = (
    rf"(?:he|she|they|{_KIN}|coach|teachers?|tutor|priest|neighbou?r|someone|somebody|everyone|everybody|man|men|woman"
    r"|boys?|girls?|guys?|kids?|bull(?:y|ies)|people)(?:'\w+)?"
)
_WANT: Final = r"(?:want|wants|wanted|wanting|wanna|wish|wishing|ready|rather|hope|hoping|try|tried|trying)"
_BY_ACCIDENT: Final = (
    r"(?! (?:accidentally|by accident|playing|shaving|cooking|falling|running|skating|training|laughing|some|off|loose"
    r"|free|short|out|an?|(?:on|with) (?:an? |the |some )?(?:paper|glass|stove|oven|pan))(?!\S))"
)
_GAME: Final = (
    r"(?! (?:\d|to it|to the|fair|at (?!home|night|school)|by (?:\d|one|two|three|a)"
    r"|in (?:a|the|our|this) (?:race|game|match|finals?|quiz|competition|tournament|contest|election)))"
)
_HARM: Final = (
    "hit hits hitting slap slaps slapped slapping punch punches punched punching choke chokes choked choking strangle"
    " strangles strangled rape rapes raped raping molest molests molested abuse abuses abused abusing assault assaults"
    " assaulted grope gropes groped groping starve starves starving bully bullies bullied"
    " hurt hurts hurting whips whipped burns burned burnt threaten threatens"
    " threatened"
)
_PHRASES: Final[tuple[tuple[AttentionReason, str, str], ...]] = (
    (
        "self_harm",
        "myself self",
        r"(?:kill|killing|killed|harm|harming|harmed|starve|starving|starved|hang|hanging|drown|drowning|unalive"
        r"|unaliving|(?:to|gonna|wanna) off) my ?self(?! laughing)"
        rf"|(?<!accidentally )(?:hurt|hurting|cut|cutting|burn|burning|scratch|scratching) my ?self{_BY_ACCIDENT}"
        r"|throw(?:ing)? my ?self (?:off|under|in front)|mak(?:e|ing) my ?self (?:throw up|vomit|puke)"
        r"|end(?:ing)? my ?self",
    ),
    (
        "self_harm",
        "self selfharm selfharming",
        r"(?:i|i'm|i've|i'd|my)(?: \S+){0,4} self ?harm\w*",
    ),
    (
        "self_harm",
        "wrists wrist arms arm thighs legs veins",
        r"(?:cut|cutting|slit|slitting|slash|slashing) my(?: own)? (?:wrists?|arms?|thighs?|legs|veins)",
    ),
    (
        "self_harm",
        "die dead died unalive kill",
        rf"{_WANT}(?: to| 2| i could| i can| i would| i)?(?: just)? (?:die(?! my hair)|died|be dead|unalive)"
        r"|i (?:just )?deserve to die|(?:wish|wished|wishing|better if|better when) i (?:was|were|am) dead"
        r"|better (?:off )?dead"
        r"|(?:cares?|happier|better|easier)(?: off)? if i (?:just )?(?:live or )?(?:die|died|was dead|were dead)"
        r"|(?:someone|somebody|they) (?:would|could|to)(?: please| just)? kill me|(?:please|just) kill me",
    ),
    ("self_harm", "dying", r"(?:think\w*|thoughts) (?:about|of) dying"),
    (
        "self_harm",
        "born exist existing alive disappear disappeared here around gone burden forever",
        r"(?:wish|wished|wishing) i(?:'d| had| hadn't| was| were)?(?: never)?(?: been)? born"
        r"|(?:wish|wishing|better|care|notice)(?: off)?(?: if)? i (?:just )?(?:didn't exist|disappeared|was gone"
        r"|were gone|could disappear|(?:wasn't|weren't|was not|were not|am not) (?:here|around|alive))"
        r"|(?:don't|not|didn't|never|no longer)(?: even)? (?:want to|wanna|wish to) (?:be alive|exist)"
        r"|(?:don't|not|didn't|never|no longer)(?: even)? (?:want to|wanna) be (?:here|around) any ?(?:more|longer)"
        r"|(?:want to|wanna)(?: just)? (?:stop existing|not exist|disappear|sleep forever)"
        r"|what if i (?:just )?disappeared"
        r"|(?:i'm|i am|being|like)(?: just| such)? a burden|(?:tired|sick) of being alive|hate being alive",
    ),
    (
        "self_harm",
        "live living life wake",
        r"(?:end|ending|take|taking|took) my (?:own )?life(?! (?:lessons?|story|skills?|experiences?|seriously))"
        r"|(?:don't|not|didn't|never|no longer)(?: even)? (?:want to|wanna|wish to)"
        r" (?:live(?! (?:in|near|there|next|at|on|by))|wake up(?! (?:early|at|so|late|for)))"
        r"|(?:no|any|a|the) (?:reason|point) (?:to|in|of) (?:live|living|my life)|(?:tired|sick) of (?:living|life)"
        r"|(?:not|isn't|ain't|never) worth living|can't live (?:like this|any ?more)|never wake up"
        r"|hate my life|(?:hope|wish) i (?:don't|didn't|never) wake up",
    ),
    ("self_harm", "without miss", r"better off without me|(?:nobody|no one|noone) (?:would|will)(?: even)? miss me"),
    (
        "self_harm",
        "end ending can't",
        r"(?:end|ending) it all|(?:think\w* (?:about|of)|feel\w* like) ending it"
        r"|can't (?:go|carry) on (?:any ?more|living|like this)",
    ),
    (
        "self_harm",
        "suicidal suicide",
        r"suicidal|(?:i|i'm|i've|i'd|my)(?: \S+){0,4} suicide|(?:think|thinks|thinking|thoughts) (?:about|of) suicide",
    ),
    (
        "self_harm",
        "kms",
        r"(?:i'll|i|gonna|wanna|(?:want|going|need|about) to|should|might|just|will) kms"
        r"|kms (?:rn|lol|tbh|now|fr|tonight|today|already|pls|please)",
    ),
    (
        "self_harm",
        "overdose overdosed overdosing pills tablets paracetamol painkillers",
        r"(?:i|i'm|i'll|gonna|wanna)(?: \S+){0,3} overdos\w+"
        r"|(?:took|taken|take|swallow\w*) (?:all|too many|a lot of|a bunch of|a whole)(?: \S+){0,3}"
        r" (?:pills|tablets|paracetamol|painkillers)",
    ),
    (
        "self_harm",
        "jump jumping",
        r"(?:want to|wanna|going to|gonna|feel like)(?: just)? jump(?:ing)? (?:off|in front of|under)",
    ),
    (
        "abuse",
        f"{_HARM} beat beats beating kick kicks kicked kicking touch touches touched touching lock locks locked",
        rf"{_THEY}(?: \S+){{0,3}} (?:(?:{'|'.join(_HARM.split())}) (?:me|us)"
        r"(?! (?:up (?:on|when|if|later)|back|with (?:an?|the) (?:\S+ )?(?:ideas?|questions?|news|surprises?|balls?)))"
        r"|threaten(?:s|ed)? to (?:kill|hurt|hit|beat) me"
        rf"|(?:beats?|beating) me{_GAME}|kick(?:s|ed|ing)? me(?! (?:off|out|the|a)(?!\S))"
        r"|touch(?:es|ed|ing)? me(?! (?:deeply|emotionally|profoundly|so much|with))"
        r"|lock(?:s|ed)? me (?:in|up|out of the house))",
    ),
    (
        "abuse",
        "abused raped molested beaten beat assaulted groped bullied hit",
        r"(?:i was|i am|i'm|i've been|i have been|i got|i get|keep getting)(?: \S+){0,2}"
        rf" (?:abused|raped|molested|assaulted|groped|bullied|hit by {_THEY}|hit by my|(?:beaten|beat up){_GAME})",
    ),
    (
        "abuse",
        f"{_HARM} beat beats beating",
        rf"{_THEY}(?: \S+){{0,2}} (?:{'|'.join(_HARM.split())}|beats?|beating) (?:my (?:little )?)?{_KIN}",
    ),
    (
        "abuse",
        "violent abusive bruise bruises threw throws throwing",
        rf"{_KIN} (?:is|was|gets|got)(?: \S+)? (?:violent|abusive)"
        r"|bruises? (?:from|where|because) (?:my|he|she|him|her|they)"
        rf"|{_THEY}(?: \S+){{0,2}} (?:threw|throws|throwing)(?: (?!ball|snowball|paper)\S+){{1,3}} at me",
    ),
    (
        "abuse",
        "forces forced forcing makes made making",
        r"(?:forces|forced|forcing|makes|made|making) me (?:to )?(?:do things|have sex|touch|undress|kiss)",
    ),
    (
        "abuse",
        "home safe",
        r"(?:scared|afraid|frightened|terrified) (?:to|of) (?:go|going|be|being|come|coming) (?:back )?(?:at )?home"
        r"|(?:not|don't|never|isn't)(?: \S+)? safe (?:at home|with (?:him|her|them|my))",
    ),
    (
        "abuse",
        "scared afraid frightened terrified",
        rf"(?:scared|afraid|frightened|terrified) of my (?:own )?{_KIN}"
        r"|i(?:'m| am)(?: \S+)? (?:scared|afraid|frightened|terrified) of (?:him|her)",
    ),
    (
        "abuse",
        "private nudes nude naked night",
        r"(?:my|his|her|their) private parts|com(?:es?|ing) (?:in|into|to) my (?:bed|bedroom|room) (?:at|every) night"
        r"|(?:ask\w*|want\w*|told|tell\w*|mak\w+|made|forc\w+|pressur\w+) me (?:to send|for|into sending|to get)"
        r"(?: \S+){0,2} (?:nudes?|naked)",
    ),
)
"""(reason, words, pattern): what the pattern matches has one of the words, so that most texts are done with at once,
and _REACH words on either side are enough to look at."""
_REACH: Final = 8
_BY_WORD: Final[dict[str, list[tuple[AttentionReason, re.Pattern[str]]]]] = defaultdict(list)
for _reason, _words, _pattern in _PHRASES:
    _compiled = re.compile(rf"(?<!\S)(?:{_pattern})(?!\S)")
    for _word in _words.split():
        _BY_WORD[_word].append((_reason, _compiled))


def disclosures_in(text: str) -> Sequence[AttentionReason]:
    """What a text, HTML or not, may disclose, as far as it is read; mostly nothing."""
    return disclosed(tokenise(plain_text(text)))


def disclosed(tokens: Iterable[str]) -> Sequence[AttentionReason]:
    """What one of the phrases among these tokens may disclose, be it denied or quoted."""
    if _BY_WORD.keys().isdisjoint(tokens):
        return ()
    words = words_of([*tokens])
    found: set[AttentionReason] = set()
    for at, word in enumerate(words):
        if word in _BY_WORD:
            said = " ".join(words[max(at - _REACH, 0) : at + _REACH])
            found.update(reason for reason, pattern in _BY_WORD[word] if reason not in found and pattern.search(said))
    return [reason for reason in ATTENTION_REASONS if reason in found]
