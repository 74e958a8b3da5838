"""How an answer is taken back in English."""

from __future__ import annotations

from rewards._math.finding.languages.language import Language, compiled

_NOUN = r"(?:answers?|results?|values?|solution|calculations?|computation|reasoning|working|work|conclusion|response|total|count|sum)"
_BEFORE = r"(?:above|previous|last|first|final|earlier|given|initial|preceding|former|original|old)"
_THING = (
    rf"(?:(?:this|that|my|our|the)(?: {_BEFORE}){{0,2}} {_NOUN}|(?:the|my|our|this|that) {_BEFORE}(?: (?:line|step|claim|statement"
    rf"|attempt))?)"
    r"(?: (?:above|(?:that )?(?:i|we) (?:just )?(?:gave|got|found|wrote|stated|had)|given|here|so far|before|earlier))?"
)
_SUBJECT = rf"(?:this|that|it|which|{_THING}|what (?:i|we) (?:just )?(?:wrote|said|got|did|have|found)(?: (?:above|before|here|earlier))?)"
_ADVERB = (
    r"(?: (?:clearly|obviously|definitely|actually|simply|just|still|also|of course|in fact|however|though|probably|totally|now"
    r"|all|so|quite|entirely|really|even|likely|possibly|truly|ever))"
)
_WRONG = (
    r"(?:wrong|incorrect|false|mistaken|invalid|erroneous|inaccurate|flawed|bogus|nonsense|impossible|absurd|off"
    r"|too (?:large|small|big|high|low)"
    r"|an? (?:\w{1,12} ){0,2}(?:mistake|error|guess|typo|slip)|to be (?:rejected|discarded|ignored)|rejected)"
)
_RIGHT = r"(?:right|correct|true|valid|accurate|possible|(?:the )?(?:\w{1,9} )?(?:answer|solution|result)|it|what (?:was|is) asked)"
_IS = (
    r"(?:(?:'s| is| was| were| are| seems(?: to be)?| looks| appears(?: to be)?| feels| sounds| turns out(?: to be)?)|(?: must"
    r"| has to| would| should| ought to| might| may| could)(?: \w{1,9}ly)? (?:be|have been))"
)
_NOT = (
    r"(?:(?: can't|can't)|(?: is| was| are| were| does| did| can| could| would| should| has| may| must| do)?(?:n't| not)|not"
    r"|cannot| cannot| fails to| never)"
)
_STOP = (
    r"(?=\s{0,3}(?:$|[,;:.!)—–-]|(?:because|since|as|so|and|but|though|too|again|however|after all|at all|by|either|here"
    r"|for sure)\b))"
)
_PREDICATE = (
    rf"(?:{_IS}{_ADVERB}{{0,2}} {_WRONG}{_STOP}"
    rf"|{_IS}{_ADVERB}{{0,2}} not{_ADVERB}{{0,2}} {_RIGHT}{_STOP}"
    rf"|{_NOT}{_ADVERB}{{0,2}}(?: be| look| seem| sound| feel| appear| have been){{0,2}}(?: to be)?{_ADVERB}{{0,2}}"
    rf" (?:{_RIGHT}{_STOP}|make (?:any )?sense|add up|(?:work|hold|fit|go through){_STOP}"
    rf"|(?:satisfy|fit|match|meet|fulfil) (?:the|our|all|both"
    rf"|this)|check out|hold up)"
    r"| contradicts (?:the|our|what|this)|(?: must| should| has to)(?: therefore)? be (?:rejected|discarded|ignored|wrong|replaced))"
)
_WILL = (
    r"(?:(?:please|just|kindly|let me|let's|let us|(?:i|we) (?:will|must|should|need to|have to|want to|am going to|'d like to)"
    r"|i'll|i'd better|so|i|we|actually) )"
)
_BACK = rf"(?:that|this|it|these|{_THING}|my (?:\w{{1,12}} )?(?:answer|work)|what (?:i|we)(?: just)? (?:said|wrote|did|have))"
_SLIP = r"(?:mistake|error|slip|typo|blunder|miscalculation|mix-?up)"
_HAVE = (
    r"(?:'ve| have| must have| may have| might have| seem to have| think i| think i've| just| accidentally| clearly| also"
    r"| realize i| realise i| see i| believe i| now| had)"
)

ENGLISH = Language(
    opener=compiled(
        r"(?:i|we)(?: can| now|'m afraid)? ?(?:see|realize|realise|notice|think|believe|fear)?(?: now)? that\b"
        r"|(?:looking|going) back\b|"
        r"(?:oh|ah{1,9}|hm{1,9}|wait|no|nope|nah|actually|sorry|apologies|my apologies|oops|whoops|but|however|hold on|hang on"
        r"|well|so|and|unfortunately|yet"
        r"|on (?:second|further|closer) (?:thoughts?|look|inspection|reflection)|(?:up)?on (?:reflection|review)|in fact|in truth"
        r"|really|then|now"
        r"|ok(?:ay)?|um{1,9}|uhh?|erm?|my (?:bad|mistake|error|fault)|wrong|rather|instead|better|also|alas|(?:thinking|looking"
        r"|counting) (?:about it )?again"
        r"|after (?:re-?|double-?)?(?:checking|thinking|reviewing|reconsidering|counting|calculating)(?: again| it| this)?"
        r"|therefore|thus|hence)\b"
    ),
    turn=compiled(
        r"\b(?:hm{1,9}|wait|no|nope|nah|actually|sorry|apologies|oops|whoops|h[oa][ln][dg] on|on (?:second|further"
        r"|closer) \w{4,10}|(?:up)?on (?:reflection|review)"
        r"|in fact|in truth|my (?:bad|mistake|error|fault)|wrong|rather|instead|better|(?:thinking|looking"
        r"|counting) (?:about it )?again|after \S{4,20})"
    ),
    act=compiled(
        rf"{_WILL}{{0,2}}(?:scratch|strike|cancel|disregard|ignore|discard|retract|withdraw|revoke|undo|reject|cross out"
        rf"|take back) {_BACK}",
        rf"{_WILL}{{0,2}}forget (?:that|it|this|{_THING}|what (?:i|we) (?:said|wrote))(?=\s{{0,3}}(?:$|[,;:.!—–-]))",
        rf"{_WILL}{{0,2}}(?:take|cross|throw|strike) {_BACK} (?:back|out|away)",
        r"never ?mind(?! the| how| that)|(?:don't|do not) (?:trust|use|take|believe) (?:this|that|it|my)\b|wrong$|incorrect$"
        r"|not quite(?=\s{0,3}(?:$|[:,.]))|(?:\w{1,15} ){0,2}(?:error|mistake|typo)$",
        r"(?:(?:final|small|quick|one|last|another|a) ){0,2}"
        r"(?:correction|erratum|edit|corrigendum|fix|fixed|update|updated|revision)\s{0,3}(?:$|[:：—–-]|(?=[\d$\\]))",
        r"(?:i|we) (?:don't|do not|can't|cannot) (?:really )?(?:think|believe|see how) (?:that|this|it)(?:'s| is| was| can be)"
        r" (?:right|correct|true)|i (?:seriously )?doubt (?:that|this|it|my)\b",
        rf"(?:corrected|revised|updated|amended|new|fixed) {_NOUN}\s{{0,3}}(?:[:：—–-]|is\b)",
        rf"the (?:corrected|revised|updated|amended|real|true|actual) {_NOUN} (?:is|should be|must be|would be)\b",
        rf"{_WILL}{{0,2}}(?:correct|fix|amend|revise|rephrase|restate|replace) (?:that|this|it|my|myself|the (?:above|mistake"
        rf"|error))\b|i stand corrected",
        rf"(?:i|we){_HAVE}{{0,3}} (?:made|make|find|found|notice|noticed|spot|spotted|see) (?:an?|some|one|another|the"
        rf"|my) (?:\w{{1,12}} ){{0,3}}{_SLIP}",
        rf"(?:i|we)(?: was| were| am|'m| are) {_WRONG}{_STOP}|i got (?:that|this|it) (?:all )?wrong|i(?:'ve"
        rf"| have)? changed my mind",
        rf"i{_HAVE}{{0,3}} (?:miscalculated|miscounted|misread|misspoke|misremembered|misunderstood|mistyped|miswrote"
        rf"|misapplied|messed|slipped"
        r"|goofed|erred|overlooked|overcounted|undercounted|mixed up|dropped|missed|swapped|confused|skipped|left out|screwed"
        r"|blundered|double-counted"
        r"|forgot(?:ten)?(?! to (?:mention|say|add that|note)))\b",
        rf"there(?:'s| is| was| must be| seems to be) (?:an?|some) (?:\w{{1,12}} ){{0,3}}{_SLIP}(?: (?:above|here|somewhere"
        rf"|in (?:my|the|this|that)\b.{{0,40}}|there))?$",
    ),
    again=compiled(
        rf"{_WILL}{{1,2}}(?:re-?(?:do|compute|calculate|count|consider|think|work|start|evaluate|examine|solve|try|derive|visit)\b"
        r"|start (?:over|again|afresh|from)|try (?:(?:it|this|that) )?(?:again|once more)|do (?:it|this|that) (?:over|again|once more)"
        r"|(?:think|look|count|go over (?:it|this)) again|go back|begin again)"
        r"(?!.{0,60}\b(?:verify|confirm|check|sure|certain|safe)\b)",
    ),
    verdict=compiled(rf"{_SUBJECT}{_PREDICATE}"),
    predicate=compiled(_PREDICATE.replace("'s| is", " ?'s| ?is", 1)),
    leads=compiled(
        r"(?:(?:(?:i|we) (?:now )?(?:think|believe|find|see|realize|realise)(?: that)? )?(?:it|that|this|there"
        r"|the (?:\w{1,9} )?(?:answer|result|value|total))"
        r"(?:'s| is| are| was| equals| gives| makes| (?:should|must|would|has to|ought to|will)(?: \w{1,9}ly)? (?:be|have been"
        r"|equal|read|say))"
        r"(?: (?:actually|really|rather|indeed|instead|in fact|probably|now|then)){0,2}"
        r"|(?:i|we)(?:'d| would)?(?: rather)? (?:meant|mean|get|got|now get|say|have)|make (?:that|it)|should (?:be|read"
        r"|have been)|=|x =)\s{0,3}:?\s{0,3}"
    ),
    restates=compiled(
        r"(?:i(?:'d| would)? (?:like|want|need|have) to |let me |i )?(?:revis|chang|updat|switch)"
        r"(?:e|ing) (?:(?:my|the|this) \w{1,12}|that|it|this) to"
        r"|(?:i'd|i would) (?:rather |prefer to )?(?:say|answer|go with|choose)|my (?:\w{1,9} )?answer (?:changes to|becomes|turns into)"
        r"|(?:please )?(?:consider|count)(?= .{1,40} as my)|"
        r"(?:it|that|this|the (?:\w{1,9} )?(?:answer|result|value|total)) (?:(?:should|must|has to|ought to)(?: \w{1,9}ly)? (?:be"
        r"|have been|read|say)|is (?:actually|really|in fact)"
        r"|(?:is|was) then|changes to|becomes|now is)\s{0,3}:?|(?:it|that)'s (?:actually|really|in fact)|i (?:meant|mean)"
        r"|make (?:that|it)|should (?:be|read|have been)"
        r"|i'd (?:rather )?say|(?:i|we) (?:now )?(?:think|believe) (?:that )?it(?:'s| is)|now (?:i|we) (?:get|have|think it is)"
        r"|(?:i|we) should have (?:written|said|put|had|gotten|got|used|answered)|(?:revis|chang|updat|switch)(?:e|ing) (?:my"
        r"|the|this) \w{1,12} to"
        r"|the (?:correct|right|true|actual|real) (?:answer|value|result|number|total) (?:is|was|should be|would be)"
        r"|not \S{1,40} but|(?:please )?(?:use|take|write|read|choose|(?:i'll )?go with)(?= .{1,40} instead)"
    ),
    others=compiled(
        r"\b(?:one (?:might|may|could|would)|some|many|students?|people|you|someone|somebody|others?|naive\w{0,15}|tempt\w{1,15}"
        r"|common\w{0,15}|frequent\w{0,15}|typical\w{0,15}|if|had|suppose"
        r"|assum\w{1,15}|were|might|would|unless|wrong (?:answer|one|choice|option)|mistake (?:is|would|here)|options?|choices?"
        r"|extraneous|wrong answers?|incorrect answers?)\b"
    ),
    confirms=compiled(
        r"\b(?:yes|yep|correct|right|confirm(?:s|ed)|(?:the )?same|agrees?|checks out|consistent|fine|good|indeed|matches"
        r"|ok(?:ay)?|holds|works)\b"
        r"(?<!not correct)(?<!not right)(?<!not the same)"
    ),
    fault=compiled(
        r"\b(?:wrong(?:ly)?(?!-)|incorrect(?:ly)?|mistak(?:en|es?)|errors?(?! (?:term|bound|estimate|margin|bars?|rate|analysis"
        r"|function))|erroneous|invalid"
        r"|flawed|typo|blunder|slipped|miscalculat\w{1,5}|mis(?:read|count|took|judg|stat|appl)\w{0,4}|messed|goofed|botched|nonsense|guess(?:ed|ing)?"
        r"|retract\w{0,4}|withdraw\w{0,3}|(?:revis|chang|updat|amend|correct|replac|switch)(?:e|ing|ed)? my|off by|fail(?:s"
        r"|ed)(?=\s{0,3}(?:$|,|because|since|to|the))"
        r"|(?:not|n't|cannot|never|hardly|fails to)(?: \w{1,12}){0,2} (?:right|correct|true|valid|make sense|add up|hold|fit"
        r"|satisfy|check out))\b"
    ),
    owner=compiled(
        r"\b(?:i|i'm|i've|i'd|i'll|me|my|mine|myself|we|our|us|this|that|it|above|previous|earlier|last (?:line|step)"
        r"|the (?:answer|result|solution|calculation|computation|reasoning|value|work))\b"
    ),
    denied=compiled(
        r"\b(?:no|not|never|without|any|free of|avoid(?:s|ed|ing)?|isn't|wasn't|aren't|weren't|don't|doesn't|didn't"
        r"|haven't|cannot|can't|nothing|neither|nor"
        r"|may|look|looks)(?: \w{1,12}){0,3} ?$"
    ),
    equates=compiled(
        r"(?:\b(?:it|that|this|which|(?:answer|result|value)(?: \((?:corrected|revised|updated|fixed|new)\))?)(?:'s| is| was"
        r"| equals| becomes| comes to|(?= ?:))"
        r"|\b(?:it|that|this|answer|result|value) (?:must|should|has to|ought to)(?: \w{1,9}ly)? (?:be|read|have been)"
        r"|\bthere(?:'s| is| are| were)|\b(?:replaced by|replace (?:it|that|this) (?:by|with)|changed to|make (?:it|that)|namely)"
        r"|^(?:(?:i|we) (?:now )?)?(?:need|want|say|read|use|choose|get|pick|take|have))"
        r"(?: (?:actually|really|in fact|just|only|now|then|exactly|instead)){0,2} ?:? ?$"
    ),
)
