"""Whether a text is English, by its function words; where that is not clear, it is not.

Function words are a half of what people write, and other languages have others. A text is English where at least
MIN_SHARE of its words, and at least two, are English function words, half as many again as those of any other language
here. The lists are our own choice of each language's most frequent words.
"""

from collections.abc import Sequence
from typing import Final

MIN_WORDS: Final = 5
MIN_SHARE: Final = 0.25
MIN_LEAD: Final = 1.5

_ENGLISH: Final = frozenset(
    """a about after again all also always am an and any are as at back be because been before being but by can cannot
    could did do does doing down each even every few first for from get go going good had has have he her here him his
    how i if in into is it its just know like made make many maybe me more most much must my myself need never no not
    nothing now of off on one only or other our out over own people really said same say see she should so some
    something still such take than that the their them then there these they thing things think this those through time
    to too try two up us very want was way we well were what when where which while who why will with work would yes
    you your i'm i've i'd i'll you're you've you'll he's she's it's we're we've we'll they're they've that's there's
    what's let's don't doesn't didn't isn't wasn't aren't weren't won't can't couldn't wouldn't shouldn't hasn't
    haven't hadn't""".split()
)
_OTHERS: Final = tuple(
    frozenset(words.split())
    for words in (
        """a al algo algunos ante antes aunque aún así bien cada casi como con creo cuando cual de del desde donde dos
        el él ella ellos en entre era eran es esa ese eso esta está estaba estamos están este esto estoy fue fueron
        gracias ha había hace hacer han hasta hay he la las le les lo los más me menos mi mis mucho muy nada ni no nos
        nosotros o otra otro para parece pero poco por porque puede pues que qué quien se sea ser si sí sido sin sobre
        solo son soy su sus también tan tanto te tener tengo tiene tienen todo todos tu tus un una unos usted va vamos
        voy y ya yo""",
        """aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bin bis bist da damit
        dann das dass dein dem den denn der des dich die dies diese diesem diesen dieser dieses dir doch dort du durch
        ein eine einem einen einer eines er es etwas euch für gegen gut hab habe haben hast hat hatte hatten hier ich
        ihm ihn ihnen ihr ihre im immer in ins ist ja jede jetzt kann kein keine können könnte mal man mehr mein meine
        meinen mich mir mit muss nach nicht nichts noch nun nur ob oder ohne schon sehr sein seine sich sie sind so soll
        über um und uns unser unter viel vom von vor war waren was weil wenn wer werden wie wieder will wir wird
        wirklich wo wurde würde zu zum zur zwei""",
        """à ai alors après assez au aussi autre aux avait avec avez avoir avons bien c'est ça car ce cela ces cet cette
        chez comme comment dans de des deux dit donc du elle elles en encore est et était être eux fait faire il ils
        j'ai j'avais je jour l'on la là le les leur leurs lui ma mais me même mes moi moins mon n'est ne ni non nos
        notre nous on ont ou où par parce pas peu peut plus pour pourquoi qu'il qu'elle quand que quel quelle qui quoi
        s'est sa sans se ses si son sont sous sur ta te tes toi ton tous tout toute très trop tu un une va vers voir vos
        votre vous y""",
        """a ad ai al alla alle anche ancora c'è che chi ci come con così cosa da dal dalla degli dei del della delle di
        dopo dove due e è era erano essere fa fare gli ha hai hanno ho i il in io la le lei li lo loro lui ma me mi mia
        mio molto nel nella no noi non nostra nostro o per perché più poi prima quando quella quello questa questo qui
        se senza sei si sia siamo sono sta su sua suo ti tu tutti tutto un una uno va vi voi""",
        """a ao aos as até com como da das de depois do dos e é ela ele eles em era essa esse esta está este eu foi
        foram há isso isto já lhe mais mas me mesmo meu minha muito na não nas nem no nos nós o os ou para pela pelo por
        porque quando que quem se sem ser seu são só sua também tem tenho ter teu todo tudo tu um uma você vou""",
        """aan al alle als altijd dan dat de deze die dit doen door dus een en er ga gaan geen goed had heb hebben heeft
        heel hem het hier hij hoe hun iets ik in is je jij jou kan kon maar me meer mee met mij mijn moet moest naar
        niet niets nog nu of om omdat onder ons onze ook op over te toch toen tot u uit van veel voor waar waarom was
        wat we weer weet wel wij wil worden wordt zal ze zei zeer zelf zich zij zijn zo zonder zou""",
        """alla att av blev bli bra de dem den denna det detta dig din du då där efter ej eller en ett från för få går
        ha hade han har hon hur här i ingen inte jag ju kan kom kunde man med men mer mig min mitt mycket men när något
        någon nu och om oss på sedan sig sin ska skulle som så till under upp ut utan vad var vara vi vill vår än är
        över""",
    )
)


_FOREIGN: Final[frozenset[str]] = frozenset().union(*_OTHERS)


def is_english(words: Sequence[str]) -> bool:
    """Whether `words`, in lower case, are clearly English."""
    english = _of(_ENGLISH, words)
    if english < 2 or english < MIN_SHARE * len(words):
        return False
    if english >= MIN_LEAD * _of(_FOREIGN, words):  # no language has more of them than all together
        return True
    return all(english >= MIN_LEAD * _of(other, words) for other in _OTHERS)


def _of(function_words: frozenset[str], words: Sequence[str]) -> int:
    return sum(map(function_words.__contains__, words))


def function_words(words: Sequence[str]) -> tuple[int, int]:
    """How many of `words`, in lower case, are function words of English; and of other languages only."""
    return _of(_ENGLISH, words), _of(_FOREIGN - _ENGLISH, words)
