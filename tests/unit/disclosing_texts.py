"""Texts that may disclose harm, and texts that only look so; how often real texts are stopped.

python -m tests.unit.disclosing_texts        the figures of docs/language.md; needs ../shared/data
"""

from collections import Counter
from typing import Final

from streams.texts.disclosure import disclosures_in
from tests.unit.foreign_texts import reactions

SELF_HARM: Final = (
    "I can't do this, what's the point. I want to die",
    "i wanna die",
    "idk i just wanna be dead lol",
    "im gonna kms",
    "kms rn this is too much",
    "i cut myself again last night",
    "sometimes I've been hurting my self when it gets bad",
    "<p>I feel <b>suicidal</b> again</p>",
    "i dont want to live anymore",
    "I don't wanna be here any more",
    "theres no point in living",
    "everyone would be better off without me",
    "nobody would even miss me",
    "i wish i was never born",
    "I wish I didn't exist",
    "been thinking about ending it all",
    "I took too many pills on purpose",
    "i am tired of living",
    "i keep cutting my wrists",
    "I hope I don’t wake up tomorrow",
    "Thinking of killing myself",
    "I starve myself so they like me",
    "i want 2 die",
    "I want to\njust die",
    "nobody cares if I live or die",
    "i hate myself and want to disappear",
    "wish i could sleep and never wake up",
    "I'm a burden to everyone",
    "i wish someone would kill me",
    "everyone would be happier if i was dead",
)
ABUSE: Final = (
    "he hits me at home",
    "my dad beats me when he is drunk",
    "My step dad keeps touching me",
    "im scared to go home",
    "she slapped me again and locked me in my room",
    "my uncle raped me",
    "I was abused when I was little",
    "the boys at school punch me every day",
    "i got beaten up by my brother again",
    "my mums boyfriend hurts my mum",
    "I am afraid of my dad",
    "i dont feel safe at home",
    "he told me to send him nudes",
    "someone touched my sister and he threatened to hurt me",
    "He comes into my room every night",
    "my mom hits me with a belt",
    "Dad punched mum again",
    "my dad's been hitting us",
    "he forces me to do things I don't want",
    "I have bruises from my dad",
    "my parents starve me",
    "i am being bullied and beaten",
    "My father is violent and I am scared of him",
)
AMBIGUOUS: Final = (
    "I don't want to die",
    "“I want to die”, says Juliet in the last act",
    "my friend wants to die and I don't know what to do",
    "I would rather die than do maths",
    "He never hit me",
    "I hurt myself at football",
)
"""Denied, quoted, said of another, or meant otherwise: who reads it decides, so they are stopped."""
HARMLESS: Final = (
    "this homework is killing me",
    "I could kill for a pizza",
    "my character died in the last level",
    "I nearly died laughing at that",
    "my phone is dead and my battery died",
    "he killed it on stage, the crowd went wild",
    "I'm dying to see the new film",
    "it hit me that the answer was seven",
    "hit me up when you get home",
    "she beat me at chess 3 to 1",
    "they beat me to it",
    "he beat me in the race by two seconds",
    "that story really touched me",
    "we had to cut the paper and I cut myself some card",
    "I cut myself shaving",
    "I accidentally cut myself on the paper",
    "I ran 5 kms this morning",
    "The main theme of the play is death and dying",
    "Romeo killed himself because he thought that she was dead",
    "At the end of my life I want to be remembered",
    "I take it all back, you were right",
    "I don't want to live in a big city",
    "I don't want to wake up early on Saturday",
    "they kicked me out of the group chat",
    "the dead poets society is about a teacher",
    "how did people live without phones",
    "I am scared of spiders",
    "I killed myself laughing",
    "the numbers do not add up, kill the process and start again",
    "my dad hits the ball harder than me",
    "I want to die my hair blue",
    "I take my life lessons from sport",
    "she hit me with a great idea",
    "hit me up later",
    "my mum will kill me if I fail",
    "this exam is going to be the death of me",
    "In the book, the soldiers killed each other",
    "my teacher touched on this topic",
)


def stopped() -> tuple[Counter[str], int]:
    """How many texts of Empathic Reactions are stopped, by what they may disclose; and how many texts there are."""
    found, texts = Counter[str](), 0
    for text in reactions():
        texts += 1
        found.update(disclosures_in(text))
        found["any"] += bool(disclosures_in(text))
    return found, texts


if __name__ == "__main__":
    by_reason, of_texts = stopped()
    for reason, count in sorted(by_reason.items()):
        print(f"{reason:10} {count:5} of {of_texts} texts ({count / of_texts:.1%})")  # noqa: T201
