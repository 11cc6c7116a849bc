"""Names of glyphs that mean a character wherever they stand: a viewer without the font's program draws by them."""

import re

_ACCENTS = (
    "acute|breve|caron|cedilla|circumflex|commaaccent|dieresis|dotaccent|grave|hungarumlaut|macron|ogonek|ring|slash|"
    "tilde"
)
_GREEK = (
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|omicron|pi|rho|sigma|tau|upsilon|phi|chi|"
    "psi|omega"
)
_OTHERS = """
    AE OE Eth Thorn Lslash ae oe eth thorn germandbls dotlessi lslash Dcroat dcroat ff fi fl ffi ffl fj sigma1 theta1
    phi1 omega1 Upsilon1 zero one two three four five six seven eight nine onesuperior twosuperior threesuperior onehalf
    onequarter threequarters space nbspace exclam quotedbl numbersign dollar percent ampersand quotesingle parenleft
    parenright asterisk plus comma hyphen sfthyphen period slash colon semicolon less equal greater question at
    bracketleft backslash bracketright asciicircum underscore grave braceleft bar braceright asciitilde exclamdown cent
    sterling currency yen Euro florin brokenbar section dieresis copyright ordfeminine ordmasculine guillemotleft
    guillemotright guilsinglleft guilsinglright logicalnot registered macron degree plusminus acute mu paragraph
    periodcentered cedilla questiondown multiply divide quoteleft quoteright quotesinglbase quotedblleft quotedblright
    quotedblbase endash emdash bullet ellipsis dagger daggerdbl perthousand trademark minus fraction breve caron
    circumflex dotaccent hungarumlaut ogonek ring tilde lozenge infinity notequal lessequal greaterequal approxequal
    partialdiff summation product integral radical similar proportional element emptyset intersection union existential
    universal therefore congruent equivalence arrowleft arrowright arrowup arrowdown arrowboth heart club diamond spade
    circle checkmark .notdef
"""
_KNOWN = re.compile(
    rf"[A-Za-z](?:{_ACCENTS})?|(?i:{_GREEK})|{'|'.join(map(re.escape, _OTHERS.split()))}"
    r"|uni(?:[0-9A-F]{4}){1,4}|u[0-9A-F]{4,6}|afii[0-9]{5}|SF[0-9]{6}|a[0-9]{1,3}"
)


def is_known(name: str) -> bool:
    """Return whether the name means a character, or is only a number."""
    return bool(_KNOWN.fullmatch(name))
