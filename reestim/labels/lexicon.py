"""The words of rare earths: where a text mentions them, and the text with every mention replaced by what it is.

A classifier that learns from a few hundred texts must not learn that praseodymium means one class and lanthanum
another. Mentions are therefore masked: ``rareearth`` (the group), ``reeterm`` (an element or a compound of it),
``heavyree`` (dysprosium, terbium, holmium), ``reemagnet`` (Nd-Fe-B, Sm-Co, ...), ``othermagnet`` (Mn-Bi, Fe-N, ...).
"""

from __future__ import annotations

import re
import unicodedata


def words(text: str) -> list[str]:
    """The words of a list that is written as one text."""
    return text.split()


_LIGHT = (
    "scandium|yttrium|lanthanum|cerium|praseodymium|neodymium|promethium|samarium|europium|gadolinium|erbium|thulium"
    "|ytterbium|lutetium"
)
_GROUP = (
    r"heavy[- ]rare[- ]?earths?(?: elements?| metals?)?|rare[- ]earths?(?: elements?| metals?| oxides?)?|lanthanides?"
    r"|lanthanoids?|misch[- ]?metals?|didymium|lanthan(?:ide|oid) elements?|scandide"
)
_COMPOUNDS = (
    r"ceria|cerias|yttria|lanthana|scandia|gadolinia|samaria|erbia|ytterbia|neodymia|praseodymia|ceric|cerous"
    r"|ferrocerium"
    r"|lanthanum[- ]flint|ceri(?:a|um)[- ]zirconi(?:a|um)|ysz|gdc|lscf|ybco|rebco|lyso|lso|yag|luag|lutetium"
    r"|bastn[aä]e?site|monazite|xenotime|loparite|eudialyte|allanite|gadolinite"
    r"|ion[- ]adsorption (?:rare earth )?(?:clay|ore)s?"
    r"|lanmodulin|(?:edf|ydf|tdf)(?:as?|s)?|lanthanum[- ]nickel|r[- ]type zeolite"
    r"|(?:ree|reo|reox|treo|hree|lree|hreo|lreo)s?"
)
_HEAVY = r"dysprosium|terbium|holmium"
_RE_MAGNETS = (
    r"nd-?fe-?b|ndfeb|neodymium[- ]iron[- ]boron|neodymium[- ](?:based )?(?:permanent )?magnets?|neo magnets?"
    r"|nd2fe14b"
    r"|\(?nd,? ?(?:pr|ce|dy|y|la)(?:,ce)?\)?-?fe-?b|nd-?based magnets?|sm-?co|smco5?|sm2co17|samarium[- ]cobalt"
    r"|sm-?fe-?n|smfen|sm2fe17n[x3]?|samarium[- ]iron[- ]nitr\w+|r-?t-?b|r-?fe-?b|r2t14b|r2fe14b|2[-:]14[-:]1"
    r"|2[-:]17(?= type)"
    r"|re-?fe-?b|re2fe14b|r-?tm-?b|rare[- ]earth(?:[- ](?:sintered|bonded|permanent|iron|cobalt"
    r"|based))* magnets?|thmn12"
)
_OTHER_MAGNETS = (
    r"mn-?bi|bi-?mn|manganese[- ]bismuth|mn-?al(?:-?c)?\b|mnalc|manganese[- ]alumin\w+(?:[- ]carbon)?|mn-?ga"
    r"|fe16n2|fe-?n|fenx?"
    r"|(?:α\"|α''|alpha\"|a\")?-?fe16n2|iron[- ]nitrides?|tetrataenite|(?:fe-?ni|feni"
    r"|iron[- ]nickel) (?:\w+ ){0,4}l1_?0|l1_?0[- ]?(?:type )?(?:ordered )?(?:fe-?ni|iron[- ]nickel)"
    r"|feni ordered alloy|ordered feni|l10[- ]?fe-?ni|zr2co11"
    r"|hf-?co|hfco7|zr-?co|alnico|cobalt (?:nanowires?|nanorods?|carbide)|fe-?co nanowires?"
)
_ELEMENTS = words(
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb "
    "Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu "
    "Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Th U RE Ln Mm"
)
_RARE_SYMBOLS = {
    "La",
    "Ce",
    "Pr",
    "Nd",
    "Sm",
    "Eu",
    "Gd",
    "Tb",
    "Dy",
    "Ho",
    "Er",
    "Tm",
    "Yb",
    "Lu",
    "Sc",
    "Y",
    "Ln",
    "Mm",
}
_HEAVY_SYMBOLS = {"Tb", "Dy", "Ho"}
_ALONE = _RARE_SYMBOLS - {"Y", "Sc", "Ho", "Er", "Ln"}  # other symbols alone are too often something else ("zeolite Y")
_METAL_NAMES = words(
    "lithium sodium potassium rubidium cesium caesium beryllium magnesium calcium strontium barium "
    "titanium zirconium hafnium vanadium niobium tantalum chromium molybdenum tungsten manganese iron "
    "cobalt nickel copper silver gold zinc cadmium aluminum aluminium gallium indium tin lead antimony "
    "bismuth boron silicon germanium phosphorus palladium platinum rhodium ruthenium rhenium tellurium "
    "selenium"
)

#: They parse as formulas and mean something else: a cell line, a prion, a therapy, capacitor classes.
_NO_FORMULA = {"HeLa", "PrPSc", "HoLEP", "LaTeX", "CeCo", "Y5V", "Y5U", "Y5P"}
_PATTERNS = (
    ("heavyree", re.compile(rf"\b(?:heavy[- ]rare[- ]?earths?(?: elements?| metals?)?|hree|{_HEAVY})\b", re.I)),
    ("reemagnet", re.compile(rf"(?<![\w-])(?:{_RE_MAGNETS})(?!\w)", re.I)),
    ("othermagnet", re.compile(rf"(?<![\w-])(?:{_OTHER_MAGNETS})(?!\w)", re.I)),
    ("rareearth", re.compile(rf"\b(?:{_GROUP})\b", re.I)),
    ("reeterm", re.compile(rf"\b(?:{_LIGHT}|{_COMPOUNDS})\b", re.I)),
    ("rareearth", re.compile(r"\bREMs?\b")),  # steel makers' abbreviation; "rem" in small letters is a unit
    (
        "heavyree",
        re.compile(
            r"\bRH\b(?! ?(?:degass|furnace|%"
            r"|of))"
        ),
    ),  # R-T-B patents write RH, RL for heavy and light
)
# a symbol that alone could be anything, beside a word or a charge that makes it the element
_TELLING = (
    r"doped|co-?doped|activated|alloys?|containing|rich|free|lean|poor|ions?|contents?|metal|oxides?"
    r"|substituted|based"
)
_SYMBOL_AND_WORD = re.compile(
    rf"(?<![\w-])(?P<symbol>{'|'.join(sorted(_RARE_SYMBOLS))})(?:(?=[ -](?:{_TELLING})\b)|\^?\(?[23]\+\)?)"
)
#: The same beside an amount: "0.2 mass% Sc", "Y: 0.05 to 0.3 %", "Er 1 to 2 %".
_AMOUNT = r"\d+(?:\.\d+)?(?: ?(?:to|-|~|≤) ?\d+(?:\.\d+)?)?"
_SYMBOL_AND_AMOUNT = re.compile(
    rf"(?:(?<=% )|(?<=percent )|(?<=ppm ))(?P<symbol>{'|'.join(sorted(_RARE_SYMBOLS))})(?![\w-])"
    rf"|(?<![\w-])(?P<before>{'|'.join(sorted(_RARE_SYMBOLS))})(?=:? {_AMOUNT} ?(?:%|ppm|(?:mass|wt|at|mol|weight)\b))"
)
_FORMULA = re.compile(r"(?<![A-Za-z])[(\[]?[A-Z][A-Za-z0-9()\[\].,:/+δ-]*")
_SYMBOL = re.compile("|".join(sorted(_ELEMENTS, key=len, reverse=True)))
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_METAL = re.compile(rf"\b(?:{'|'.join(_METAL_NAMES)})\b", re.I)
_METAL_SYMBOLS = re.compile(
    r"(?<![\w-])(?<!\d )(?:Li|Na|K|Rb|Cs|Mg|Ca|Sr|Ba|Ti|Zr|Hf|V|Nb|Ta|Cr|Mo|Mn|Fe|Co|Ni|Cu|Ag|Zn|Cd|Al|Ga|Sn|Pb|Sb|Bi"
    r"|Si|Ge|P|B"
    r"|Re|Ru|Rh|Pd|Pt|Te|Se)(?![\w-])"
)
#: "RE" is rare earths only where the text says so elsewhere, or where it stands as no other abbreviation does.
_ABBREVIATION = re.compile(r"(?<![\w-])(?:RE|REs)(?![\w-]|\d)")
_TELLING_ABBREVIATION = re.compile(
    r"(?<![\w-])REs? (?:oxides?|oxalates?|carbonates?|chlorides?|ions?|metals?|magnets?|recovery|concentrates?"
    r"|alloys?|content|concentration|phosphates?|fluorides?|nitrates?)\b|% RE\b(?! of)|(?:leach|extract|recover)\w*"
    r" (?:of )?REs?\b|rare[- ]earth|REO\b|REE\b|lanthan|neodymium|cerium|yttrium"
)
#: Magnet patents write R for the rare earth of R-T-B, and often say nothing else.
_VARIABLE = re.compile(
    r"(?<![\w-])R(?=[- ]rich\b)|(?<=content of )R\b|(?<=amount of )R\b|(?<=portion of )R\b|(?<=% )R\b"
)
_MAGNET_TEXT = re.compile(r"\b(?:sintered|permanent|hard|rare earth) magnet|coerciv|HcJ|R-T-B|R-Fe-B")
_LIST_SYMBOL = rf"(?:{'|'.join(sorted(_ELEMENTS, key=len, reverse=True))})(?![\w-])"
_SYMBOL_LIST = re.compile(rf"(?<![\w-]){_LIST_SYMBOL}(?:(?:, ?| and | or |, and |, or |/){_LIST_SYMBOL}){{2,}}")
#: A composition written as symbols and amounts: "Cr 14, Co 8, Al 3, Y 0.02".
_PART = rf"{_LIST_SYMBOL}:? {_AMOUNT}(?: ?%)?"
_COMPOSITION = re.compile(rf"(?<![\w-]){_PART}(?:[,;] (?:and )?{_PART}){{2,}}")
_SUBSCRIPT = r"(?:\d+(?:\.\d+)?|[a-zδαβ](?![a-z]))"
#: A subscript with letters, as x or 1-x-y: a number like any other.
_VARIABLE_SUBSCRIPT = re.compile(
    rf"(?:\.sub\.|<sub>)\(?(?=[\d.+-]*[a-zδαβ](?![a-z])){_SUBSCRIPT}(?:[-+]{_SUBSCRIPT})*\)?(?:</sub>|\.sub\.)?"
)
#: Hard magnets without rare earths: the element that comes first, its partner, and what may be added to both.
_OTHER_MAGNETS_AS_FORMULA = (("Mn", "Bi"), ("Mn", "Al"), ("Mn", "Ga"), ("Fe", "N"), ("Hf", "Co"), ("Zr", "Co"))
_MINOR = ("B", "C", "Co", "Fe")
MASKS = ("rareearth", "reeterm", "heavyree", "reemagnet", "othermagnet")


#: A subscript and the blank before the next element of the same formula.
_BLANK_IN_FORMULA = re.compile(
    r"((?:\.sub\.|<(?i:sub)>)\d[\d.]*(?:</(?i:sub)>)?)\s(?=[A-Z][a-z]?(?:\.sub\.|<(?i:sub)>)|[BCNO]\b)"
)


def plain(text: str) -> str:
    """The text with one kind of hyphen, digit, quote and blank; patents come with many."""
    text = _VARIABLE_SUBSCRIPT.sub("1", unicodedata.normalize("NFKC", text))
    text = _BLANK_IN_FORMULA.sub(r"\1", text)  # Fe.sub.16 N.sub.2, as full texts of patents have it
    text = re.sub(r"(?i)</?su[bp]>|\.su[bp]\.", "", text)  # Fe.sub.16N.sub.2 and Fe<sub>16</sub> are Fe16N2
    text = re.sub(r"[‐‑‒–—―−﹣-]+", "-", text)
    return re.sub(r"\s+", " ", text).strip()


def mask(text: str) -> str:
    """Text with every mention of rare earths, other hard magnets, metals and numbers replaced by its kind."""
    text = _mask_abbreviations(plain(text))
    for listed in (_SYMBOL_LIST, _COMPOSITION):
        text = listed.sub(lambda found: _SYMBOL.sub(_mask_listed, found.group()), text)
    for kind, pattern in _PATTERNS:
        text = pattern.sub(f" {kind} ", text)
    text = re.sub(r"\b2Pr\b", "polarisation", text)  # twice the remanent polarisation of a ferroelectric
    text = re.sub(r"\b([A-Z][a-z]?)-\d{2,3}m?\b", r"\1", text)  # isotopes: Lu-177
    text = _SYMBOL_AND_WORD.sub(_mask_symbol, text)
    text = _SYMBOL_AND_AMOUNT.sub(_mask_symbol, text)
    text = _FORMULA.sub(_mask_formula, text)
    text = _METAL_SYMBOLS.sub(" metalterm ", text)
    text = _METAL.sub(" metalterm ", text)
    text = re.sub(r"\balkali(?:ne)?(?:[- ]earth)?[- ]metals?\b", " metalterm ", text, flags=re.I)
    text = _NUMBER.sub(" num ", text)
    return re.sub(r"\s+", " ", text).strip()


def sentences(masked: str) -> list[str]:
    """Sentences of a masked text, in small letters."""
    return [part.strip().lower() for part in re.split(r"(?<=[.;:!?])\s+(?=[A-Z\[(]|reeterm|rareearth)", masked) if part]


def _mask_abbreviations(text: str) -> str:
    """RE and the R of magnet patents written out, where they mean rare earths."""
    if _TELLING_ABBREVIATION.search(text):
        text = _ABBREVIATION.sub("rare earth", text)
    if _MAGNET_TEXT.search(text):
        text = _VARIABLE.sub("rare earth", text)
    return text


def _mask_listed(found: re.Match[str]) -> str:
    """A symbol in a list of elements, where even one letter is an element."""
    symbol = found.group()
    if symbol in _HEAVY_SYMBOLS:
        return "heavyree"
    return "reeterm" if symbol in _RARE_SYMBOLS else "metalterm"


def _mask_symbol(found: re.Match[str]) -> str:
    symbols = {symbol for symbol in found.groupdict().values() if symbol}
    return " heavyree " if symbols & _HEAVY_SYMBOLS else " reeterm "


def _mask_formula(found: re.Match[str]) -> str:
    token = found.group()
    parsed = _symbols(token.rstrip(".,:"))
    tail = token[len(token.rstrip(".,:")) :]
    elements = set(parsed)
    if not parsed:
        return token
    if elements & _RARE_SYMBOLS and {"Fe", "B"} <= elements:
        return f" reemagnet {tail}"
    if any(parsed[0] == pair[0] and set(pair) <= elements <= {*pair, *_MINOR} for pair in _OTHER_MAGNETS_AS_FORMULA):
        return f" othermagnet {tail}"
    kinds = {"heavyree" if s in _HEAVY_SYMBOLS else "reeterm" for s in parsed if s in _RARE_SYMBOLS}
    if not kinds:
        return f" compoundterm {tail}" if len(parsed) > 1 and any(c.isdigit() for c in token) else token
    return f" {'heavyree' if kinds == {'heavyree'} else 'reeterm'} {tail}"


def _symbols(token: str) -> list[str]:
    """The elements in a chemical formula; none for a word that only begins like one, or a symbol too short to tell."""
    if token in _NO_FORMULA:
        return []
    symbols: list[str] = []
    general = sum(character.isupper() for character in token) >= 4  # EuaSibAlcOdNe, not "Ceramic"
    for n, piece in enumerate(re.sub(r"[0-9()\[\].,:/+δ-]", " ", token).split()):
        at = len(piece) - len(piece.lstrip("abcxyzuvwmn")) if n else 0
        while at < len(piece):
            match = _SYMBOL.match(piece, at)
            if match:
                symbols.append(match.group())
                at = match.end()
                continue
            variable = at and (general or piece[at] in "xyz") and piece[at].islower()  # Nd2-xCexFe14B
            placeholder = general and piece[at] in "MRATXDEQLZ"  # (M1-xEux)aSibNe
            if not (variable or placeholder):
                return []
            at += 1
    lonely = len(symbols) == 1 and not any(c.isdigit() for c in token)
    return [] if lonely and symbols[0] not in _ALONE else symbols
