"""How an answer is taken back in German."""

from __future__ import annotations

from rewards._math.finding.languages.language import Language, compiled

_SUBJECT = (
    r"(?:das|dies|es|(?:die|diese|meine|obige|die obige|die letzte) (?:antwort|lösung|rechnung|zahl)|(?:das|dieses|mein|obiges"
    r"|das obige|das letzte) (?:ergebnis|resultat))"
)
_WRONG = (
    r"(?:falsch|inkorrekt|verkehrt|ungültig|unmöglich|ein(?: \w{1,12})? (?:fehler|irrtum|versehen)|nicht(?: \w{1,8})? (?:richtig"
    r"|korrekt|wahr|die (?:richtige )?(?:antwort|lösung)))"
)
_VERDICT = (
    rf"(?: (?:ist|war|wäre|scheint|sieht)(?: (?:leider|aber|doch|natürlich|offensichtlich|klar|eindeutig"
    rf"|so)){{0,2}} {_WRONG}(?=\s{{0,3}}(?:$|[,;:.!]|weil|denn|da))| (?:stimmt|passt|geht|klappt)(?: \w{{1,8}})? nicht"
    rf"| kann(?: \w{{1,8}})? nicht (?:stimmen|richtig|sein|korrekt))"
)
GERMAN = Language(
    opener=compiled(
        r"(?:nein|nee|moment(?: mal)?|halt|warte|warten sie|stopp?|hm{1,9}|ach|oh|ups|hoppla|entschuldigung|verzeihung|sorry"
        r"|pardon|tut mir leid|aber|doch(?: nicht)?|eigentlich|tatsächlich|in wahrheit|also|und|so|genauer|vielmehr|sondern|besser"
        r"|leider)\b"
    ),
    turn=compiled(
        r"\b(?:nein|nee|moment|halt|warte\w{0,15}|stopp?|hm{1,9}|ups|hoppla|entschuldigung|verzeihung|sorry|pardon|tut|doch"
        r"|eigentlich|tatsächlich|in wahrheit|genauer|vielmehr|sondern|besser)"
    ),
    act=compiled(
        r"(?:ich )?(?:korrektur|korrigiere?|korrigiert|berichtigung|berichtige|verbesserung|neue antwort)(?: mich)?\s{0,3}(?:$|[:：—–-])",
        r"(?:ich |wir )?(?:habe|haben) (?:mich|uns) (?:\w{1,8} )?(?:ver(?:rechnet|zählt|tan|lesen|schrieben|sehen)|geirrt"
        r"|getäuscht)|ich (?:lag|liege) falsch|ich irrte mich|mein fehler",
        r"(?:ich |wir |da )?(?:habe|haben|ist|war)(?: (?:ich|mir|uns|oben|da|hier|leider)){0,2} (?:einen"
        r"|ein)(?: \w{1,14})? (?:fehler|irrtum)|ich habe (?:\w{1,14} ){0,4}(?:vergessen|übersehen|verwechselt)",
        r"(?:bitte )?(?:vergiss|vergessen|streich\w{0,15}|ignorier\w{0,15}|verwirf|verwerfen)(?: (?:sie|wir|bitte)){0,2} (?:das"
        r"|dies|diese|die|meine|es)\b|ich nehme (?:das|dies|es|die antwort) zurück",
        r"doch nicht(?=\s{0,3}(?:$|[,;:.!]))|falsch$",
    ),
    again=compiled(
        r"(?:ich|wir|lass mich|lassen sie mich|noch einmal|nochmal|rechnen wir|also)(?: \w{1,10}){0,3} (?:neu|nochmals?"
        r"|noch einmal|von vorn)\b(?!.{0,40}(?:prüf|kontroll|sicher))"
    ),
    verdict=compiled(_SUBJECT + _VERDICT),
    predicate=compiled(_VERDICT.replace(" (?:ist", " ?(?:ist", 1)),
    leads=compiled(
        r"(?:(?:ist es|sind es|(?:es|das|dies|die (?:richtige )?antwort|das ergebnis)(?: (?:ist|sind|wäre|wären|lautet|beträgt|muss|müsste"
        r"|sollte)))(?: (?:eigentlich|doch|tatsächlich|also|nun)){0,2}|=|ich meinte|ich meine|gemeint (?:war|ist))\s{0,3}:?\s{0,3}"
    ),
    restates=compiled(
        r"(?:die |das )?(?:richtige?s?|korrekte?s?)(?: (?:antwort|ergebnis|lösung|wert))? (?:ist|wäre|lautet)|(?:es|das"
        r"|die antwort|das ergebnis) (?:muss|müsste|sollte)(?: (?:eigentlich|also|doch))?|ich meinte|es ist (?:eigentlich|doch"
        r"|tatsächlich)|gemeint (?:war|ist)"
    ),
    others=compiled(
        r"\b(?:viele|manche|man|jemand|schüler\w{0,15}|häufig\w{0,15}|oft|wenn|falls|wer|könnte|würde|hätte|angenommen|ander\w{1,2}|wäre)\b"
    ),
    confirms=compiled(r"\b(?:ja|stimmt|richtig|korrekt|passt|gleiche?|bestätigt)\b(?! nicht)(?<!nicht richtig)(?<!nicht korrekt)"),
    fault=compiled(
        r"\b(?:falsch\w{0,2}|fehler\w{0,4}|irrtum|vertan|ver(?:rechnet|zählt|lesen|schrieben|wechselt)|geirrt|irre|korrigier\w{1,3}|ungültig)\b"
    ),
    owner=compiled(
        r"\b(?:ich|mich|mir|mein\w{0,2}|das|dies\w{0,2}|oben|obig\w{1,2}|vorherig\w{1,2}|die antwort|die rechnung|die lösung)\b"
    ),
    denied=compiled(r"\b(?:kein\w{0,2}|nicht|ohne|nie|niemals|nichts)(?: \w{1,12}){0,3} ?$"),
    equates=compiled(
        r"(?:\b(?:es|das|dies|antwort|ergebnis|wert) (?:ist|sind|wäre|wären|lautet|beträgt|muss|müssen|sollten?)|\b(?:ist|sind) es)"
        r"(?: (?:eigentlich|doch|tatsächlich|also|nun|jetzt|nur|genau)){0,2} ?:? ?$"
    ),
)
