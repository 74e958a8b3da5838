"""Shapes of clauses and sentences that take an answer back, as patterns of the symbols that `outline` writes.

`languages.language.KINDS` says what the letters stand for; `c` is the answer, `n` another value, `.` a word in no list.
"""

from __future__ import annotations

import re


def shape(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives))


AGAINST_IT = shape(  # whoever's words they are
    r"[x≠][le]?c",  # not 5; instead of 5
    r"c[^nx]{0,5}[fb]",  # 5 is wrong; 5 violates the bound
    r"c[^nx]{0,3}xg?[ar]",  # 5 is not the answer
)
NOT_IT = shape(  # after a turn
    r"c[^n]{0,3}x",  # but 5 isn't prime
    r"c\.{0,2}U",  # hmm, 5 would mean that
    r"ce\.?[qv][^n]{0,3}h",  # 5 is even, but it has to be odd
    r"^[wv]{0,2}t[evw.a]{0,3}x\.{0,2}n\.?r",  # but this is not divisible by 4
)
WITHDRAWN = shape(
    r"(?:^|[^xu])d[lki.]{0,2}[tac]",  # scratch that
    r"(?:^|i)[^xu]{0,2}d$",  # please ignore
)
OWN_SLIP = shape(r"i[^x]{0,6}s")  # I forgot the sign
SLIP = shape(r"^[wkvjtg.]{0,3}s")  # forgot the sign
MENDED = shape(
    r"(?:i|h|^|^w{1,3})[^nx]{0,4}m[^n]{0,3}[tac]",  # let me fix that
    r"(?:i|h|^|^w)[^nx]{0,3}m$",  # I must recount
)
FAILED = shape(r"p[^yn]{0,3}(?:b|xr|rx|f)")  # the check fails
WRONG = shape(
    r"(?:[ai]|t(?!\.))[^xnoce]{0,7}e?[^xnoce]{0,2}f(?![<ln]|\.{0,2}[=x])",  # that is wrong; I made a mistake
    r"^[^xno]{0,6}f[^xn]{0,4}[ai]$",  # there is an error in my calculation
    r"^[wvkj]{0,3}f{1,3}$",  # wrong
)
NOT_RIGHT = shape(
    r"[ta][^n]{0,4}x[^n]{0,3}[gr](?![le]?n)",  # that isn't right
    r"x[^n]{0,3}t[^nx]{0,2}r",  # I don't think that this is right
    r"t[^nx]{0,2}r[vkw]{0,2}x",  # das stimmt nicht
    r"r\.?[ta]\.?x",  # existiert der Grenzwert nicht
    r"[ta]e?xe?g?[at]",  # that is not the answer
    r"i[^n]{0,3}x[^n]{0,2}r",  # I am not sure
    r"^et[vk]?x$",  # ist es aber nicht
    r"[gr]\.?ah",  # the true value has to be
)
BREAKS = shape(
    r"[ta][^nxo]{0,6}b",  # this contradicts the bound
)
ODD = shape(  # in a sentence with a word of doubt
    r"^[wvk]{0,3}t[^nxyrl]{0,4}q\.{0,2}$",  # wait, that counts the ends twice
    r"^[^x]{0,9}s",  # the last term was counted twice
)
ITS_FAULT = shape(r"[.kh]{0,3}[bf](?![<n]|\.?x)")  # of a sentence about the answer, a later clause: and must be rejected
CONFIRMS = shape(
    r"(?<![xn])(?<![xn][e.])y",  # still; as expected; but not `8 is fine`
)
RESTATED = shape(r"(?:[kel=:gaw]|^)\.?c[.,]{0,3}$")  # so it is 5
YET_RIGHT = shape(
    r"Ue?f[^f]{0,20}v[^,]",  # this may look wrong, but
    r"^v[^,]{1,9}f,[^x]{1,4}r$",  # although it looks wrong, it is right
    r"f[^f]{0,20}v[^f]{0,9}(?:x[et]{0,3}|r)$",  # it seems wrong, but it isn't
)
REPLACED = shape(  # ends in or behind another value
    r"g\.?[ae][^ncx<]{0,3}n",  # the corrected answer is 8
    r"gn",  # actual: 8
    r"(?:^|[wvjk])[w.]?[ta]\.?h[elw.]{0,3}n[.rw]{0,2}$",  # it should be 8
    r"^h[^ncx]{0,2}n",  # should be 8
    r"(?:^|[iwvka])m[tal]{0,3}n\.?$",  # make that 8
    r"^[.k]?g[lhe]{1,2}n",  # the second attempt gives 8
    r"ln[<x]c",  # read 8 for 5
    r"^[.w]{0,2}kte\.?n\.?$",  # so it is really 8
)
RESULT = shape(  # the same after a turn
    r"(?:[elh=:~][tq]{0,2}\.?|[kvwgjm])n[.lqrw]{0,3}$",  # which gives 8
    r"^n\.?$",  # 8
    r"(?:^|[.tl])n\.?(?:e[.gi]{0,2}[ar]|te?$|er|e$|ra|gr?$)",  # 8 is the answer; 8 it is
    r"[elkvh]\.?n[.lti]{0,3}[tlaw]{0,2}$",  # use 8 as my answer
    r"n[^n]{0,4}[le]$",  # was 8 ergibt
    r"iwan",  # I would rather answer 8
)
LABEL = shape(r"[gwmhjr]")  # of a label: correction: 8
TURN = shape(
    r"[wj]|i[^x]{0,6}s|^.{0,2}s",  # wait; no; I forgot
    r"(?:^|[,:])x\.{0,2}(?:$|[,:])",  # a pyramid, not a prism
    r"t(?:ex|xe)x?(?:$|,)",  # it isn't
)
HINT = shape(r"v|^.?[qm]")  # a turn in the first sentence after the answer: but; also; change
WRONG_ALONE = shape(r"[wvkj,.]{0,4}f{1,3}\.?")  # a whole sentence: ugh, arithmetic error
STRUCK_OUT = shape(r"^c?~")
DOUBT = shape(r"[wvj]")
LEFT_OPEN = shape(r"[wvq,]{0,4}j[wv,]{0,4}")  # a whole sentence: actually no
ABOUT_ANOTHER = shape(  # a later `it` is the other value
    r"^[^exbfrlhi<]{0,9}n",  # 8 is even, but it
    r"(?<!<)(?<!n[x≠])n\.?$",  # we get 8, and it
    r"^i\.{1,2}n[.q]{0,3}$",  # I tried 8 as well, but it
)
FACTUAL = shape(r"[.w]?[kvj]")  # but; so: what follows is the case
CLAUSE = shape(r"[,:(]")
