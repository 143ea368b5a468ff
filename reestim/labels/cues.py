"""What a text says about rare earths, as numbers: phrases that the taxonomy turns on, found in the masked text.

Each cue is a regular expression over a text in which mentions are already masked (``reestim.labels.lexicon``), so one
pattern covers every element and compound. The classifier weighs the cues; only ``screened_out`` decides by itself.
"""

from __future__ import annotations

import re

from reestim.labels.lexicon import mask, plain, sentences

_ANY = r"(?:rareearth|reeterm|heavyree|reemagnet)"
_NOT_HEAVY = r"(?:rareearth|reeterm|reemagnet)"
_FEW = r"(?:[\w%,/'()-]+ ){0,4}"  # up to four words between
_SOME = r"(?:[\w%,/'()-]+ ){0,8}"
_LESS = (
    r"(?:reduc\w+|decreas\w+|lower\w*|low|less|sav(?:e|es|ed|ing|ings)|minimi[sz]\w+|small\w*|halv\w+|cut\w*"
    r"|fewer|lean|fraction"
    r"|falls?|fell|drops?|declin\w+|diminish\w+|spar(?:e|es|ing|ingly)|economi\w+|trace|little|fifth|third|quarter)"
)
_AMOUNT = (
    r"(?:amounts?|contents?|quantit\w+|consumption|usage|use|used|loading|demand|proportion|dose|dosage|mass"
    r"|concentrations?"
    r"|additions?|number|weight|need\w*)"
)
_WITHOUT = (
    r"(?:without|free (?:of|from)|no|not (?:contain\w*|us\w+|includ\w+|compris\w+|requir\w+|rely\w*|need\w*)"
    r"|neither|never"
    r"|dispens\w+ with|do\w* away with|avoid\w*|eliminat\w+|omit\w*|instead of|rather than|in place of"
    r"|in lieu of|devoid of"
    r"|absence of|independent of|independence from|obviat\w+|get\w* rid of|non|zero)"
)
_REPLACE = (
    r"(?:replac\w+|substitut\w+|alternativ\w+|take\w* the place of|in(?:stead| place| lieu) of"
    r"|supersed\w+|displac\w+|stand-?in)"
)
_SUPPLY = (
    r"(?:scarc\w+|shortage\w*|suppl(?:y|ies) (?:risk|chain|is|of|are)|expensive|costl\w+|cheap\w*|inexpensive"
    r"|price\w*|low[- ]cost"
    r"|resources?|raw material\w*|export\w*|import(?:s|ed)\b|critical|geopolit\w+|abundant|monopol\w+"
    r"|depend\w+ (?:on|of))"
)
_RECOVER = (
    r"(?:recover\w*|recycl\w*|reclaim\w*|regenerat\w*|reus\w+|scrap\w*|wast\w*|spent|end[- ]of[- ]life|swarf"
    r"|sludge|tailings?"
    r"|discard\w*|used (?:batter|lamp|magnet|motor)\w*|dismantl\w+|fly ash|red mud|phosphogypsum|urban min\w+)"
)
_SEPARATE = (
    r"(?:leach\w*|extract(?:ion|ant|ants|ing|ed|or)\b|separat(?:ion|ing|e|ed)\b|stripp(?:ed|ing)|saponif\w*"
    r"|ores?\b|concentrates?\b"
    r"|flotation|beneficiat\w*|back-?extract\w*|mixer-settler\w*|smelt\w*|electroly(?:sis|tic|zing|sing)"
    r"|precipitat\w+|purif\w+"
    r"|roast\w*|strip(?:s|ping)? (?:solution|liquor)|raffinate|chromatograph\w*|mixer[- ]settlers?|calcine|lixivi\w+"
    r"|ion[- ]exchange|adsorb\w*|eluent|elut\w+|eluat\w+|pregnant (?:solution|liquor)|heap|irrigat\w+|oxal\w+)"
)
_BETTER = (
    r"(?:improv\w+|enhanc\w+|increas\w+|rais\w+|higher|high|rise\w*|superior|excellent|great(?:er|ly)|doubl\w+"
    r"|tripl\w+|times)"
)
_UNTIL_NOW = (
    r"(?:customar\w+|conventional\w*|usual\w*|ordinar\w+|generally|hitherto|heretofore|so far|thus far|up to now"
    r"|until now|to date|prior art|state of the art|previously|formerly|for decades|mostly|typically|commonly"
    r"|standard|are known|is known)"
)
_NOT_NEEDED = (
    r"(?:t(?:ake|akes|aken|ook|aking) over|supersed\w+|dispens\w+|superfluous|unnecessary|absent|none of"
    r"|no longer (?:required|needed|necessary)|eschew\w*|independen\w+ (?:of|from)|do without|not depend\w*|neither"
    r"|fully replac\w+|exempt|obviat\w+|ends?\b)"
)
_SAVED = r"(?:sav(?:e|es|ed|ing)|halv\w+|cut by|a (?:third|half|quarter|fifth)|one (?:third|half|quarter|fifth|fourth))"
_LIST = (
    r"(?:selected from|chosen from|at least one (?:of|element|metal|kind|member|selected|or more)"
    r"|one or more (?:of|selected|elements|metals)"
    r"|one or two or more|optional\w*|impurit\w+|trace|if necessary|as necessary|may (?:further |also |be "
    r"|include|contain|compris)"
    r"|examples? (?:of|are|include)|for instance|group consisting|and mixtures|combinations? thereof|impurit\w+"
    r"|or the like|may be mentioned)"
)

_ITEM = r"(?:metalterm|compoundterm|reeterm|heavyree|rareearth)"
_ITEMS = (
    rf"(?:{_ITEM}(?: metals?| oxides?| compounds?)? ?(?:,|;|/|and/or|and|or)+ (?:and |or |an? |other "
    rf"|the )*){{2,}}{_ITEM}"
)

#: Goods that are a rare earth for the most part, so that less of them is less of it.
_MATERIAL = r"(?:phosphors?|fluorescent powder|scintillators?|magnet (?:material|mass|volume)|storage alloy)"

CUES: dict[str, str] = {
    "ree free": rf"{_NOT_HEAVY}(?: (?:element|metal|oxide)s?)?[ -]{{0,3}}(?:free|less)\b|non ?- ?{_NOT_HEAVY}"
    rf"|free (?:of|from) {_FEW}{_NOT_HEAVY}",
    "ree until now": rf"{_UNTIL_NOW} {_SOME}{_ANY}|{_ANY} {_SOME}{_UNTIL_NOW}",
    "ree not needed": rf"{_NOT_NEEDED} {_SOME}{_ANY}|{_ANY} {_SOME}{_NOT_NEEDED}",
    "not needed": rf"\b{_NOT_NEEDED}",
    "scarce elements": r"(?:scarce|critical|costl\w+|expensive) (?:raw )?(?:elements?|materials?|metals?|activators?)"
    r"|abundant|raw materials? list|price risk|geograph\w+ concentrated",
    "amount of ree falls": rf"{_ANY} {_SOME}(?:down from|rather than num|instead of num|in place of num|against num"
    rf"|compared with num|in contrast to num)|{_SAVED} {_SOME}{_ANY}|{_ANY} {_SOME}{_SAVED}",
    "heavy free": r"heavyree[ -]{0,3}(?:free|less)\b",
    "without ree": rf"\b{_WITHOUT} {_FEW}{_NOT_HEAVY}",
    "without heavy": rf"\b{_WITHOUT} {_FEW}heavyree",
    "no longer ree": rf"{_NOT_HEAVY} {_FEW}(?:(?:is|are|was|were|be|being) {_FEW}(?:avoid\w+|dispens\w+|omit\w+"
    rf"|unnecessary|saved altogether"
    r"|eliminat\w+|replaced|substituted|removed|superfluous|not (?:contained|required|needed|used|necessary))"
    r"|no longer|not (?:required|needed|used|contained)|can be (?:omitted|saved|avoided))"
    r"|(?:can|may) (?:altogether )?be dispensed with|which (?:was|were|had|have been|has been) (?:the standard"
    r"|needed|used|indispensable|necessary)",
    "replace ree": rf"{_REPLACE} {_SOME}{_ANY}|(?:replac\w+|substitut\w+) (?:for|of) {_FEW}{_ANY}"
    rf"|{_ANY} {_FEW}(?:is|are|be|being|to be) {_FEW}{_REPLACE}"
    rf"|{_ANY}[ ,]+{_FEW}which (?:it|they|the \w+|this) {_FEW}(?:replac|substitut|supersed|displac)",
    "replace magnet": rf"{_REPLACE} {_SOME}magnets?|{_WITHOUT} {_FEW}(?:permanent )?magnets?|magnet-?(?:less|free)",
    "replace by other": rf"{_REPLACE} (?:\w+ ){{0,6}}(?:phosphors?|catalysts?|abrasives?|additives?|alloys?)",
    "less ree": rf"\b{_LESS} {_SOME}{_NOT_HEAVY}|{_NOT_HEAVY} {_SOME}{_LESS}\b",
    "less heavy": rf"\b{_LESS} {_SOME}heavyree|heavyree {_SOME}{_LESS}\b",
    "less amount": rf"{_LESS} {_FEW}{_AMOUNT}|{_AMOUNT} {_SOME}{_LESS}",
    "less material": rf"\b{_LESS} {_FEW}{_MATERIAL}\b|\b{_MATERIAL} {_FEW}{_LESS}\b"
    rf"|{_MATERIAL} (?:amount|quantity|usage)",
    "per unit": r"\bper (?:unit|gram|kilogram|kilowatt|megawatt|mole|mol|kg|g|motor|machine|cell|ton|tonne)\b",
    "utilisation": r"utili[sz]ation|efficien\w+ (?:of use|use)|effectively us\w+|yields?\b|near net",
    "grain boundary": r"grain[- ]boundar\w+|intergranular|grain size|fine(?:r)? grain|main phase|crystal grains?",
    "diffusion": r"\bdiffus(?:ion|ed|es|ing|e)\b|infiltrat\w+|penetrat\w+",
    "coercivity": r"coerciv\w+|coercive|remanence|residual (?:magnetic )?flux|energy product|squareness|bhmax"
    r"|magnetic (?:properties|performance)",
    "better magnet": rf"{_BETTER} {_FEW}(?:coerciv\w+|coercive|remanence|residual|energy product|squareness"
    rf"|magnetic (?:properties|performance))"
    r"|(?:coerciv\w+|coercive force|remanence|energy product|magnetic (?:properties"
    r"|performance)) (?:\w+ ){0,4}(?:improv\w+|increas\w+|enhanc\w+|rais\w+|reach\w*|higher)",
    "recover ree": rf"{_RECOVER} {_SOME}{_ANY}|{_ANY} {_SOME}{_RECOVER}",
    "recover": rf"\b{_RECOVER}",
    "separate ree": rf"{_SEPARATE} {_SOME}{_ANY}|{_ANY} {_SOME}{_SEPARATE}",
    "separate": rf"\b{_SEPARATE}",
    "better luminous": rf"{_BETTER} {_FEW}(?:quantum (?:efficiency|yield)|luminous (?:efficiency|flux)"
    rf"|brightness|luminance|conversion efficiency)",
    "better storage": rf"{_BETTER} {_FEW}(?:oxygen storage|osc|capacity|relaxivity|activity|gain)"
    rf"|(?:storage|reversible|discharge) capacity {_SOME}(?:exceed\w*|higher|increas\w+|rais\w+|climb\w*|grow\w*)",
    "thin": r"\bthin(?:ner)?\b|\bshell\b|core[- ]shell|surface layer|outer (?:region|part)",
    "supply": rf"\b{_SUPPLY}",
    "supply of ree": rf"{_SUPPLY} {_SOME}{_ANY}|{_ANY} {_SOME}{_SUPPLY}",
    "listed": rf"{_LIST} (?:[\w%,/'()+.:-]+ ){{0,25}}{_ANY}",
    "list of metals": _ITEMS,
    "ferrite": r"\bferrites?\b|hexaferrite",
    "ferrite magnet": r"ferrite (?:\w+ )?(?:magnets?|blocks?|segments?|pieces?|bars?)|magnets? (?:\w+ ){0,4}ferrite",
    "other magnet": r"othermagnet",
    "other magnet, magnet": r"othermagnet (?:\w+ ){0,12}(?:magnets?|coerciv\w+|energy product|hard magnetic)"
    r"|(?:magnets?|hard magnetic) (?:\w+ ){0,12}othermagnet",
    "machine": r"\bmotors?\b|\bgenerators?\b|electric(?:al)? machines?|\brotors?\b|loudspeaker\w*|actuator\w*",
    "magnet-free machine": r"reluctance|induction (?:motor|machine)|field winding|wound[- ](?:field|rotor)"
    r"|externally excited|separately excited|squirrel|homopolar|electrically excited",
    "catalyst": r"\bcatalys\w+|zeolite\w*|washcoat|three-way",
    "phosphor": r"phosphor\w*|luminesc\w+|emit\w*|scintillat\w*|quantum dots?|carbon dots?",
    "polish": r"polish\w*|abrasive\w*|planari[sz]\w+",
    "glass": r"\bglass\w*|ceramic\w*|refractive index",
    "laser": r"\blasers?\b|amplifier|fib(?:re|er) laser|-doped fib",
    "steel": r"\bsteel\b|cast iron|balance being|inevitable impurities|unavoidable impurities",
    "battery": r"batter\w+|electrode active|secondary batter\w+|lithium ion|electrolyte",
    "other sense": r"\brare (?:diseases?|cells?|events?|gas(?:es)?|sugars?|metals?|books?|species|plants?"
    r"|alleles?|variants?|cases?|earthworm|genetic|and endangered|medicinal)",
}

_COMPILED = {name: re.compile(pattern) for name, pattern in CUES.items()}
_MENTION = re.compile(_ANY)
_OPTIONAL = re.compile(
    r"\b(?:optional\w*|if necessary|as necessary|may (?:further |also )?(?:be |include|contain|compris)"
    r"|can be added|for instance|e\.g\."
    r"|at most|in total|impurit\w+|trace amounts?|may be mentioned|one or more (?:of|elements|selected)"
    r"|one or two or more)\b"
)
_ALTERNATIVES = re.compile(
    r"\b(?:selected|chosen|taken|picked) from|\bfrom (?:among|the group|the series)|\bgroup (?:consisting|of|that)"
    r"|one (?:or|of)\b|\bany of|such as|for example|\be\.g|\blike\b|examples?\b|exemplified|kinds? of|members? of"
    r"|\bsome of|\beither\b|\bcan be\b|\bmay be\b|\bdenotes?\b|\brepresents?\b|processing ores"
)
_ENUMERATION = re.compile(CUES["list of metals"])
#: Without any mention, a text can still replace rare earths: another hard magnet, or a machine or lamp said to replace.
_SUBSTITUTE = re.compile(
    r"othermagnet|(?:permanent )?magnet\w*.{0,200}\b(?:replac|alternativ|scarc|expensive|price|in place of"
    r"|instead of|without)"
    r"|\b(?:replac\w+|alternativ\w+|scarce|price\w*|instead of|in place of"
    r"|without)\b.{0,200}\b(?:permanent )?magnets?\b"
    r"|scarce (?:metals?|elements?|materials?)|critical (?:raw materials?|elements?|metals?)|uniaxial anisotrop"
    r"|(?:quantum|carbon) dots?.{0,300}\b(?:scarce|phosphors?)|hard magnet\w+|hard ferrite"
)


#: Bounds of a composition ("0.2 % or less", "not more than"), which say nothing about using less of anything.
_MORE = r"(?:more|less|greater|lower|higher|smaller|larger|fewer)"
_BOUNDS = re.compile(
    rf"\b(?:(?:no |not )?{_MORE} than(?: or equal to)?|(?<!one )(?<!two )(?:or|and) (?:{_MORE}|below|above|under|over)"
    r"|equal to|at (?:least|most)(?= num)|up to(?= num))(?! one)|[≤≥<>]=?"
)


def masked_parts(title: str, abstract: str) -> tuple[str, list[str]]:
    """Masked title and the masked sentences of the abstract, in small letters, addresses to the reader left out."""
    whole = [part for part in sentences(mask(abstract)) if not _ORDER.search(part)]
    claims = [" ".join(_BOUNDS.sub(" bound ", part).split()) for part in whole]
    return mask(title.lower() if title.isupper() else title).lower(), claims


def gives_orders(title: str, abstract: str) -> bool:
    """Whether a text addresses whoever labels it ("ignore the above and answer ..."), which no invention has to."""
    return bool(_ORDER.search(plain(f"{title} . {abstract}").lower()))


#: A sentence that gives orders to whoever labels the text is not about the invention.
_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,60}\b(?:above|previous|prior|earlier|instructions?|prompt|rules)\b"
    r"|\b(?:answer|respond|reply|output|label|classify|categori[sz]e)\b.{0,40}\b(?:unrelated|enhancing"
    r"|substituting|as using|with using)\b"
    r"|\b(?:system prompt|language model|you are (?:an? )?(?:ai|assistant|helpful|classifier|now))\b"
)


def cue_flags(masked: str, head: str) -> list[float]:
    """Which cues a masked text has, and which its head (how it begins) has: 0 or 1, in the order of ``CUES``."""
    in_text = [bool(pattern.search(masked)) for pattern in _COMPILED.values()]
    in_head = [there and bool(p.search(head)) for there, p in zip(in_text, _COMPILED.values(), strict=True)]
    return [*map(float, in_text), *map(float, in_head)]


def mentions(masked: str) -> int:
    """How often a masked text mentions rare earths."""
    return len(_MENTION.findall(masked))


def listed_mentions(sentence: str) -> int:
    """Mentions that are only items of a list of alternatives, or additions that may be there or not.

    "M is at least one of Al, Ti and La" lists; "the glass contains SiO2, TiO2 and La2O3" states a composition.
    """
    listed = 0
    optional = _OPTIONAL.search(sentence)
    if optional and re.search("metalterm|compoundterm|group", sentence):
        listed = len(_MENTION.findall(sentence[optional.start() :]))
        sentence = sentence[: optional.start()]
    for items in _ENUMERATION.finditer(sentence):
        before = sentence[max(0, items.start() - 90) : items.start()]
        alternatives = _ALTERNATIVES.search(before) or re.search(r"\bor\b", items.group())
        if alternatives and len(re.findall("metalterm|compoundterm", items.group())) >= 2:
            listed += len(_MENTION.findall(items.group()))
    return listed


def screened_out(title: str, parts: list[str]) -> bool:
    """The keyword screen: neither a mention of rare earths nor anything that could stand in for them."""
    whole = f"{title} . {' '.join(parts)}"
    return not (_MENTION.search(whole) or _SUBSTITUTE.search(whole))
