"""The language of each word: from its script, and for Latin script from the function words around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import groupby

from r1lite.text.words import Word

Detect = Callable[[str], str]  # the language of a text in Latin script

SCRIPTS = {
    "CYRILLIC": "ru", "GREEK": "el", "ARABIC": "ar", "HEBREW": "he", "DEVANAGARI": "hi", "HANGUL": "ko", "thai": "th", "kana": "ja"
}  # fmt: skip
FUNCTION_WORDS = {
    "en": """the of and to in is that it for on with as are was be this by not or from we have has can if then so but which at
        an our you let there need all now first next thus hence therefore because since where when what how each every than
        both must will would should could do does find add multiply subtract divide check try get gives answer equals i'm
        it's let's don't that's my your its they these those also only no yes same other into over after before means hmm
        wait okay sum number numbers one two three times minus plus using use me he she who just about more some any up out
        case given wanted distance speed time product even odd square root factor factors prime equation digit digits value
        values list loop return function right left remaining total difference remainder step steps assume suppose verify
        compute calculate solve equal greater less half twice again back goes works wrong answer's theorem proof line""",
    "fr": """le la les un une des du de et est que qui dans pour sur avec pas nous vous il elle ce cette donc alors mais ou par
        sont au aux en se ne plus puis si on car comme soit ainsi d'abord c'est l'on deux trois calculons nombre réponse faut""",
    "de": """der die das und ist nicht ein eine einen wir sie es zu mit auf für von dem den des im also aber wenn dann durch
        auch sich oder als bei nach noch nur wird werden haben hat sind man so zwei drei zahl zuerst antwort damit daher""",
    "es": """el la los las un una de y es que en por para con no se lo del al como más pero si entonces porque son está hay
        nos su este esta ahora primero luego dos tres número respuesta tenemos debemos cada también""",
    "it": """il lo la gli le un una di e è che in per con non si del della al come più ma se allora perché sono quindi questo
        questa ora prima poi due tre numero risposta abbiamo ogni anche dei nel""",
    "pt": """o a os as um uma de e é que em por para com não se do da dos das ao como mais mas então porque são está há
        nos este esta agora primeiro depois dois três número resposta temos cada também""",
    "nl": """de het een en is niet van in op te dat die voor met zijn we ik je aan er maar om dan dus als ook door naar
        bij nog wel uit eerst twee drie getal antwoord moeten wordt hebben""",
}  # fmt: skip
LANGUAGES = ("zh", *FUNCTION_WORDS, *SCRIPTS.values())
_FUNCTION_WORDS = {language: frozenset(listed.split()) for language, listed in FUNCTION_WORDS.items()}
_LANGUAGES_OF = {word: [n for n, own in _FUNCTION_WORDS.items() if word in own] for listed in _FUNCTION_WORDS.values() for word in listed}
UNKNOWN = ""
SHORT = 4  # a Latin run of fewer words takes the language of the rest
SPARSE = 8  # a run with less than one function word in so many is in no known language
DENSE, INTERLEAVED = 5, 3  # one function word in so many, and so many different ones, make a second language in a run
KANA_SHARE = 0.15  # with at least this share of kana in a sentence, its Chinese characters are Japanese


def languages_of(words: Sequence[Word], default: str = UNKNOWN, detect: Detect | None = None) -> list[str]:
    """The language of each word. `default` is the language of a few Latin words that nothing else decides."""
    languages: list[str] = []
    latin = [w for w in words if w.script == "LATIN"]
    whole = _by_function_words(latin) or (default if len(latin) < SPARSE else UNKNOWN)
    japanese = _japanese(words)
    for (sentence, is_latin), run in groupby(words, key=lambda w: (w.sentence, w.script == "LATIN")):
        if is_latin:
            languages += _latin(list(run), whole, detect)
        else:
            han = "ja" if sentence in japanese else "zh"
            languages += [han if w.script == "han" else SCRIPTS.get(w.script, UNKNOWN) for w in run]
    return languages


def _japanese(words: Sequence[Word]) -> set[int]:
    """The sentences whose Chinese characters are Japanese."""
    kana = Counter(w.sentence for w in words if w.script == "kana")
    han = Counter(w.sentence for w in words if w.script == "han" and w.sentence in kana)
    return {sentence for sentence, count in kana.items() if count >= KANA_SHARE * (count + han[sentence])}


def _latin(run: Sequence[Word], whole: str, detect: Detect | None) -> list[str]:
    if detect and len(run) >= SHORT:
        return [detect(" ".join(w.text for w in run))] * len(run)
    language = _by_function_words(run, prefer=whole) or (whole if len(run) < SHORT else UNKNOWN)
    if language and (other := _interleaved(run, language)):
        return [language if w.text.casefold() in _FUNCTION_WORDS[language] else other for w in run]
    return [language] * len(run)


def _interleaved(run: Sequence[Word], language: str) -> str:
    """A second language whose sentence remains when the function words of the first are taken out, as when they are sprinkled in."""
    if len(run) < INTERLEAVED:
        return UNKNOWN
    own = _FUNCTION_WORDS.get(language, frozenset())
    rest = [text for w in run if (text := w.text.casefold()) not in own]
    hits = {other: [text for text in rest if text in listed] for other, listed in _FUNCTION_WORDS.items() if other != language}
    other = max(hits, key=lambda name: len(hits[name]))
    return other if len({*hits[other]}) >= INTERLEAVED and len(hits[other]) * DENSE >= len(rest) else UNKNOWN


def _by_function_words(run: Sequence[Word], prefer: str = UNKNOWN) -> str:
    """The language with the most function words in the run, if there are as many as a sentence has.

    Related languages share function words, so a run stays with the rest of the text unless another language has two more.
    """
    texts = tuple(w.text for w in run)
    return _of_few(texts, prefer) if len(texts) < SHORT else _of_texts(texts, prefer)


def _of_texts(texts: Sequence[str], prefer: str) -> str:
    found = [language for text in texts for language in _LANGUAGES_OF.get(text.casefold().replace("’", "'"), ())]
    if not found:
        return UNKNOWN
    hits = {language: found.count(language) for language in FUNCTION_WORDS}
    best = max(hits, key=lambda language: (hits[language] + (language == prefer), language == prefer))
    names = sum(text.istitle() for text in texts)  # Alice, Bob and Carol belong to no language
    return best if hits[best] and hits[best] * SPARSE >= len(texts) - names else UNKNOWN


_of_few = lru_cache(maxsize=4096)(_of_texts)  # a text in another script holds the same few words again and again
