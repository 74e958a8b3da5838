"""The languages in which a retraction is recognised."""

from rewards._math.languages.chinese import CHINESE
from rewards._math.languages.english import ENGLISH
from rewards._math.languages.french import FRENCH
from rewards._math.languages.german import GERMAN
from rewards._math.languages.language import Language

LANGUAGES = (ENGLISH, CHINESE, GERMAN, FRENCH)

__all__ = ["LANGUAGES", "Language"]
