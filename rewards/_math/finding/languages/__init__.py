"""The languages in which a retraction is recognised."""

from rewards._math.finding.languages.chinese import CHINESE
from rewards._math.finding.languages.english import ENGLISH
from rewards._math.finding.languages.french import FRENCH
from rewards._math.finding.languages.german import GERMAN
from rewards._math.finding.languages.language import Language

EUROPEAN = (ENGLISH, GERMAN, FRENCH)

__all__ = ["CHINESE", "EUROPEAN", "Language"]
