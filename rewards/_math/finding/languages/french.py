"""How an answer is taken back in French."""

from __future__ import annotations

from rewards._math.finding.languages.language import Language, compiled

_SUBJECT = (
    r"(?:c'|ce n'|ce |(?:cela|ça) ne |cela |ça |(?:cette|ma|la) réponse(?: (?:ci-dessus|précédente))? |(?:ce|mon|le) (?:résultat|calcul"
    r"|raisonnement)(?: (?:ci-dessus|précédent))? )"
)
_WRONG = r"(?:faux|fausse|incorrecte?|erronée?|inexacte?|une (?:\w{1,10} )?erreur|mauvaise?|impossible)"
_RIGHT = r"(?:correcte?|juste|exacte?|vraie?|bon(?:ne)?|valide|la (?:bonne )?réponse|possible|ça|cela)"
_VERDICT = (
    rf"(?:(?:est|était|semble|paraît)(?: (?:malheureusement|donc|clairement|bien sûr|en fait"
    rf"|tout à fait)){{0,2}} {_WRONG}(?=\s{{0,3}}(?:$|[,;:.!]|car|parce|puisque|et|donc))|(?:n')?(?:est|était|semble|peut|va"
    rf"|convient|marche|fonctionne)(?: (?:donc|vraiment))? pas(?: (?:être|du tout|tout à fait|la)){{0,2}}(?: {_RIGHT}"
    rf"|\s{{0,3}}$))"
)
FRENCH = Language(
    opener=compiled(
        r"(?:non|attende?[zs]?|pardon|désolée?|excusez-moi|excuse-moi|oups|hum{1,9}|hm{2,9}|ah|oh|mais|cependant|pourtant|en fait"
        r"|en réalité|plutôt|finalement|malheureusement|donc|et|alors|mieux|euh|stop|zut|au temps pour moi|autant pour moi)\b"
    ),
    turn=compiled(
        r"\b(?:non|attende?[zs]?|pardon|désolée?|excuse\w{0,15}|oups|hum{1,9}|hm{2,9}|en fait|en réalité|plutôt|finalement|mieux"
        r"|euh|stop|zut|autant|au temps)"
    ),
    act=compiled(
        r"(?:je )?(?:correction|corrigé|corrige|dois corriger|rectification|rectifie|erratum|nouvelle réponse)"
        r"(?: cela| ça)?\s{0,3}(?:$|[:：—–-])",
        r"je (?:me|me suis|m'étais) (?:tromp|plant|égar)\w{0,15}|j'avais tort|j'ai tort|(?:c'est )?(?:mon"
        r"|une) erreur(?: de (?:ma part|calcul))?\s{0,3}(?:$|[:,.!])|erreur de (?:ma part|calcul)|je fais erreur",
        r"j'ai (?:fait|commis) (?:une|des|la)(?: \w{1,12})? (?:erreurs?|fautes?)|j'ai (?:mal \w{3,12}|oublié|confondu|inversé|omis"
        r"|raté)|il y a une erreur",
        r"(?:oublie[zs]?|ignore[zs]?|annule[zs]?|efface[zs]?|ne tene[zs] pas compte de)\s?(?:cela|ça|ce|cette|la|ma|mon|tout)"
        r"|je (?:retire|reprends|annule) (?:cela|ça|cette|ma|mon|ce)|faux$",
    ),
    again=compiled(
        r"(?:je (?:vais |dois )?|laisse[zs]?-moi (?:le |la )?)(?:re(?:faire|calculer|commencer|compter)|recalcule|recommence"
        r"|recompte|refais)(?!.{0,40}(?:vérifi|confirm))|reprenons|recommençons|refaisons|recalculons"
    ),
    verdict=compiled(_SUBJECT + _VERDICT),
    predicate=compiled(r" ?" + _VERDICT),
    leads=compiled(
        r"(?:c'est|ce sont|c'était|cela (?:fait|donne)|ça (?:fait|donne)|il y en a|il y a|la (?:bonne )?réponse(?: correcte"
        r"| exacte| juste)? est|il faut lire"
        r"|je voulais dire|on (?:trouve|obtient)|=)(?: (?:plutôt|en fait|donc)){0,2}\s{0,3}:?\s{0,3}"
    ),
    restates=compiled(
        r"(?:la )?(?:bonne|vraie|véritable) (?:réponse|valeur|solution) (?:est|serait)|il faut (?:lire|dire)|ce (?:devrait"
        r"|doit) être|c'est (?:plutôt|en fait)|je voulais dire|cela (?:devrait|doit) être"
    ),
    others=compiled(r"\b(?:beaucoup|certains|on pourrait|si|élèves?|courante?|fréquente?|souvent|quelqu'un|autres?|serait|aurait)\b"),
    confirms=compiled(r"\b(?:oui|exacte?|correcte?|juste|confirmée?|même|vérifiée?)\b(?<!pas correct)(?<!pas juste)(?<!pas exact)"),
    fault=compiled(r"\b(?:faux|fausses?|erreurs?|tromp\w{1,4}|incorrecte?s?|inexacte?s?|erronée?s?|corrige[rz]?|rectifie[rz]?|retire)\b"),
    owner=compiled(r"\b(?:je|j'|me|ma|mon|cette|ce|c'|cela|ci-dessus|précédente?|la réponse|le résultat|le calcul)"),
    denied=compiled(r"\b(?:pas|aucune?|sans|ni|jamais|ne)(?: \w{1,12}){0,3} ?$"),
    equates=compiled(
        r"(?:\b(?:c'est|ce sont|cela fait|ça fait|(?:réponse|résultat|valeur)(?: \w{1,10})? est|il faut|on a))(?: (?:plutôt"
        r"|en fait|donc)){0,2} ?:? ?$"
    ),
)
