"""Inflectional endings of Latvian, Lithuanian and Georgian, in folded spelling.

A class says which endings the words share whose dictionary form ends in its key. Only case,
number, person, tense, degree and definiteness: nothing that makes another word.
"""

from __future__ import annotations

from collections.abc import Mapping

_LV_NOUN = "a am u i iem us os"
_LV_FULL = "a as ai ais aja ajai ajam ajas ajos ajiem am ie iem i o os u us"
_LV_PARTICIPLE = "ts ta tas tai tam ti tu tiem tos tais tie to"
_LV_TENSE = (
    "t s su si sim siet sit tu ju ja ji jam jat jot jis jusi jusas dams dama"
    " jams jama jamas jamo jamais jami"
)
_LV = {
    "s": f"{_LV_FULL} s " + " ".join(f"ak{e}" for e in ["", "s", *_LV_FULL.split()]),
    "is": f"is im {_LV_NOUN}",
    "us": "us um u i",
    "a": "a as ai am u",
    "e": "e es ei em i",
    "t": f"{_LV_TENSE} {_LV_PARTICIPLE} sana sanas sanu sanai",
    "lt": "l la lu lam lat",
    "ties": "ties jas jos jies jamies jaties sies sos simies sities tos",
    # d, t and s soften before the -u of the genitive plural: piegāde, piegāžu.
    "de": "zu",
    "te": "su",
    "se": "su",
    "le": "lu",
    "ne": "nu",
    "ce": "cu",
    "ze": "zu",
    "tis": "sa sam su si siem sus sos",
    "dis": "za zam zu zi ziem zus zos",
}
_LT_DEGREE = "iau iausi iausia iausiai iausias iausio iausios iausiu iausius iausiems"
_LT_FULL = (
    "o ui a e u ai ams us ais uose am ame i iems os oje oms omis ose asis oji ojo"
    f" {_LT_DEGREE} esnis esne esnes esnio esni esnei esniu esniai esnius esniems"
)
_LT_SOFT = "io iui iu iai iams ius iais iuose"
_LT = {
    "as": f"as {_LT_FULL}",
    "is": f"is i yje y ies iai imi ys ims imis yse iu {_LT_SOFT}",
    "ys": f"ys i yje y {_LT_SOFT}",
    "a": "a os ai u oje omis oms ose as",
    "e": "e es ei eje emis ems ese iu",
    "us": f"us aus u ui umi uje i iai ios ia iam iame iems ia iu {_LT_SOFT} {_LT_FULL}",
    "ti": "ti s si siu sime site tu tum davo davau k kite damas"
    " tas ta to tai tam tiems tais tos toms",
    "yti": "e o au ome eme",
    "inti": "ina ino inu inau iname inome inta intas",
    "uoti": "uoja uoju uojame avo avau avome",
    # t and d become č and dž before a soft ending: viešbutis, viešbučio.
    "tis": " ".join(f"c{e}" for e in _LT_SOFT.split()),
    "dis": " ".join(f"dz{e}" for e in _LT_SOFT.split()),
    "te": "ciu",
    "de": "dziu",
    "tas": "ciau",
    "tyti": "ciau",
}
# On a consonant, and on a vowel that is lost: ბანკ-ის, ყავ-ის.
_KA_GENITIVE = "ის ისა ისას ისთვის ისგან ისკენ ისადმი ით ითა იდან ივით"
_KA_CONSONANT = f"{_KA_GENITIVE} ს სა მა ად ადა ში ზე თან სავით ამდე"
_KA_VOWEL = ("", "ს", "სა", "მ", "დ", "ა", "ში", "ზე", "სთან", "სავით", "მდე", "დან")
_KA_PLURAL = " ".join(f"ებ{e}" for e in ["ი", "ია", *_KA_CONSONANT.split()])
_KA_ALSO = ("", "ც", "ვე")  # "too" and "the very", written onto the word


def _ka_vowel(vowel: str, lost: str) -> str:
    kept = ("თი", "სთვის", "სგან", "სკენ", "ების", "ები", "ებს", "ებმა", "ებში", "ებზე")
    return " ".join([*(vowel + e for e in (*_KA_VOWEL, *kept)), lost, _KA_PLURAL])


_KA = {
    "ი": f"ი ია {_KA_CONSONANT} {_KA_PLURAL}",
    "ა": _ka_vowel("ა", _KA_GENITIVE),
    "ე": _ka_vowel("ე", _KA_GENITIVE),
    "ო": _ka_vowel("ო", ""),
    "უ": _ka_vowel("უ", ""),
    "ება": "ებოდა ებიან ებოდნენ ებოდი ებოდით",
    "ებს": "ებს ებდა ებენ ებდნენ ებდი ებდით",
    "ობს": "ობს ობდა ობენ ობდნენ ობდი ობდით",
    "ავს": "ავს ავდა ავენ ავდნენ",
}


def _with_also(classes: Mapping[str, str]) -> dict[str, str]:
    return {
        c: " ".join(e + a for e in ends.split() for a in _KA_ALSO) for c, ends in classes.items()
    }


def _with_lost_vowels(classes: Mapping[str, str]) -> dict[str, str]:
    # თანამშრომელი, თანამშრომლის: ე, ა or ო before the last consonant is lost where a vowel follows.
    lost = [e for e in classes["ი"].split() if e[0] in "იაეო"]
    return dict(classes) | {
        f"{vowel}{last}ი": " ".join(last + e for e in lost) for last in "ლრნმვ" for vowel in "ეაო"
    }


def _by_ending(classes: Mapping[str, str]) -> dict[str, tuple[tuple[int, str], ...]]:
    found: dict[str, list[tuple[int, str]]] = {}
    for rank, (citation, endings) in enumerate(classes.items()):
        for ending in dict.fromkeys(endings.split()):
            found.setdefault(ending, []).append((rank, citation))
    return {ending: tuple(citations) for ending, citations in found.items()}


CITATIONS: dict[str, dict[str, tuple[tuple[int, str], ...]]] = {
    "lv": _by_ending(_LV),
    "lt": _by_ending(_LT),
    "ka": _by_ending(_with_lost_vowels(_with_also(_KA))),
}
"""By language and ending: rank (0 the commonest) and ending of the dictionary forms it may have."""

PREFIXES: dict[str, tuple[str, ...]] = {
    "lv": ("aiz", "ap", "at", "ie", "iz", "no", "pa", "par", "pie", "sa", "uz"),
    "lt": ("ap", "at", "isi", "is", "nu", "pa", "par", "per", "pra", "pri", "su", "uz"),
    "ka": (),
}
"""Verb prefixes, which the dictionaries do not list with every verb."""

DERIVED: dict[str, tuple[tuple[str, str], ...]] = {
    "lv": (("i", "s"), ("i", "š"), ("āk", "s")),
    "lt": (
        *(("ai", "as"), ("iai", "us"), ("iau", "us")),
        *((f"{vowel}tas", f"{vowel}ti") for vowel in ("y", "ė", "o", "in", "uo")),
    ),
    "ka": (("ად", "ი"), ("ოდ", "ო")),
}
"""Adverbs and participles listed as words of their own: their ending, and that of their word."""

OWN: dict[str, dict[str, str]] = {
    "lv": {w: w for w in ("atlaide", "atmaksa", "karte", "netīrs", "prece", "serviss", "zvanīt")},
    "lt": {w: w for w in ("grąžinti", "nešvarus", "ryšys", "siunta", "uostas")}
    | {"moka": "mokėti", "ryšis": "ryšys", "sugedęs": "sugesti", "veikia": "veikti"},
    "ka": {"ნელა": "ნელი", "ნელად": "ნელი", "იყიდის": "ყიდულობს", "მიწოდება": "მიწოდება"},
}
"""Words that the dictionaries lack or list under a rare word, with their dictionary form."""

_BARE = {
    "lv": f"{_LV_FULL} s is im e es ei em um",
    "lt": f"as is ys us {_LT_SOFT} a os oje omis oms ose e es ei eje emis ems ese"
    " ai o ui u ams ais uose i",
    # -ება makes verbal nouns, whose cases would read as plurals: მიწოდება, მიწოდების.
    "ka": f"ი ა ას ამ აში აზე ასთან ება ებას ებამ ებაში ებაზე ებასთან {_KA_CONSONANT} {_KA_PLURAL}",
}
STRIPPED: dict[str, tuple[str, ...]] = {
    language: tuple(sorted(set(endings.split()), key=len, reverse=True))
    for language, endings in _BARE.items()
}
"""By language: what is cut off words that the dictionary has never heard of, longest first."""
