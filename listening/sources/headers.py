"""What a column's name says about what is in it, in the languages our users' tools speak."""

from __future__ import annotations

import re
from functools import lru_cache

from listening.sources.values import plain

# Names in ``plain`` form. A name that equals one is surest; one that contains it as words, or
# begins a word with it where it ends in ``*``, is next. Earlier fields win at equal strength.
_NAMES = {
    "scale": "scale|metric|rating type|score type|rating scale|metrika|skala|шкала|სკალა",
    "nps": "nps*|net promoter*|recommend*|how likely*|ieteik*|ieteiktu|rekomend*|tiketina*|"
    "порекоменд*|рекоменд*|გვირჩევ*|ურჩევ*|რეკომენდ*|empfehl*|weiterempf*",
    "csat": "csat*|satisf*|customer satisfaction|apmierinat*|pasitenkin*|patenkint*|"
    "удовлетвор*|доволен*|довольн*|კმაყოფილ*|zufrieden*",
    "ces": "ces|ces score|effort*|how easy|ease|easy*|cik viegli|viegli*|kaip lengva|lengv*|"
    "pastang*|усили*|легко*|просто*|ძალისხმევ*|მარტივ*|aufwand*|einfach*|leicht*",
    "smiley": "smiley*|smilie*|smile*|emoji*|emoticon*|mood|face|smaidin*|smaid*|sypsen*|смайл*|"
    "სმაილ*|ღიმილ*|kiosk rating",
    "stars": "stars|star|star rating|zvaigzn*|zvaigzd*|звезд*|ვარსკვლავ*|sterne|sternebewertung",
    "rating": "rating*|score*|grade|mark|points|overall rating|overall|vertejum*|novertejum*|"
    "ivertinim*|vertinim*|balai|balas|balles|punkti|оценк*|рейтинг*|балл*|შეფასებ*|"
    "ქულა*|რეიტინგ*|bewertung*|note|punkte|punktzahl",
    "updated_at": "updated at|updated|modified|modified at|last modified|edited|edited at|"
    "last updated*|atjauninats|atnaujinta|обновлено|განახლებულია|aktualisiert|geandert",
    "created_at": "created at|date|created|timestamp|time|datetime|date time|recorded date|"
    "recordeddate|end date|enddate|submitted at|submit date*|submitted|posted|"
    "posted at|published|published at|review date|response date|date created|"
    "date submitted|created time|completed|completed at|date modified|start date|"
    "startdate|at|when|datum*|laiks|data|laikas|sukurta|дата*|время|отметка времени|"
    "თარიღ*|დრო|datum|zeit|zeitstempel|zeitpunkt|erstellt*|kuupaev|fecha|laika zimogs",
    "time": "time|time of day|hour|laiks|laikas|время|დრო|zeit|uhrzeit|kellaaeg",
    "native_id": "id|native id|response id|responseid|review id|reviewid|respondent id|answer id|"
    "comment id|tweet id|status id|message id|post id|ticket id|uuid|guid|nr|no|"
    "record id|submission id|identifier|atbildes id|atsakymo id|ид|id ответа|номер|"
    "პასუხის id|ნომერი|nummer|kennung|#",
    "language": "language*|lang|locale|userlanguage|valoda|kalba|язык*|ენა|sprache",
    "country": "country*|country code|valsts|salis|страна|ქვეყანა|land|market",
    "url": "url*|link|permalink|href|uri|web address|saite|nuoroda|ссылка|ბმული|review url",
    "author": "author*|user|user name|username|user screen name|screen name|name|reviewer*|"
    "customer|customer name|customer id|respondent|nickname|handle|autors|lietotajs|"
    "vards|klients|autorius|vartotojas|vardas|klientas|автор|пользователь|имя|клиент|"
    "ავტორი|მომხმარებელი|სახელი|autor|benutzer|nutzer|kunde|verfasser|email*|e mail",
    "kind": "kind|type|feedback type|source type|content type|channel type|veids|tips|tipas|"
    "rusis|тип|вид|ტიპი|art|typ",
    "source": "source|data source|platform|site|avots|saltinis|источник|წყარო|quelle|plattform",
    "touchpoint": "touchpoint|touch point|channel|location*|store*|kiosk|kiosk name|branch|shop|"
    "terminal|device name|place|kanals|vieta|veikals|filiale|kanalas|parduotuve|"
    "filialas|канал|магазин|филиал|точка|место|არხი|ფილიალი|მაღაზია|ადგილი|kanal|"
    "standort|kontaktpunkt|geschaft",
    "segment": "segment*|customer type|customer category|customer segment|client type|user type|"
    "klienta tips|klientu grupa|kliento tipas|segmentas|сегмент*|тип клиента|სეგმენტი|"
    "კლიენტის ტიპი|kundensegment|kundentyp|kundengruppe|tier|plan",
    "service": "service|service category|category|topic|theme|department|product category|"
    "pakalpojums|kategorija|tema|paslauga|услуга|категория|тема|сервис|მომსახურება|"
    "სერვისი|კატეგორია|თემა|dienstleistung|leistung|kategorie|thema",
    "campaign": "campaign*|utm campaign|kampana|kampanija|кампания|კამპანია|kampagne|survey name|"
    "survey",
    "question": "question|question text|jautajums|klausimas|вопрос|კითხვა|შეკითხვა|frage",
    "brand": "brand*|company*|product|product name|app|app name|package name|business|"
    "organisation|organization|airline|zimols|uznemums|produkts|prekes zenklas|imone|"
    "produktas|бренд|компания|продукт|товар|ბრენდი|კომპანია|პროდუქტი|marke|firma|"
    "unternehmen|produkt",
    "title": "title|headline|subject|review title|summary|heading|virsraksts|antraste|"
    "заголовок|тема сообщения|სათაური|titel|uberschrift|betreff",
    "engagement": "engagement|likes|like count|favorite count|favourites|retweets|retweet count|"
    "shares|thumbs up|thumbsupcount|helpful|helpful votes|upvotes|patik|patinka|лайки|"
    "მოწონებები|gefallt mir",
    "text": "text*|comment*|review*|verbatim*|body|content*|message*|feedback*|description|"
    "tweet|post|response|answer*|answer text|open ended response|opinion|suggestions|"
    "remarks|why|reason*|what*|please tell*|anything else*|review text|full text|note|"
    "notes|pros|cons|atsauksm*|komentar*|teksts|viedokl*|atbild*|kapec|pastasti*|"
    "ieteikumi|atsiliepim*|tekstas|nuomon*|atsakym*|kodel|pasiulym*|отзыв*|комментар*|"
    "текст*|сообщение|мнение|ответ*|почему|пожелани*|კომენტარ*|ტექსტ*|გამოხმაურებ*|"
    "აზრი|მოსაზრება|პასუხ*|რატომ|შეტყობინება|მიმოხილვ*|შეფასებ*|kommentar*|rezension*|"
    "nachricht*|meinung*|antwort*|bewertung*|warum|anmerkung*|freitext|kommentaar|"
    "tagasiside|arvustus|opinia|commentaire|avis|comentario|opinion",
    "deleted": "deleted|is deleted|removed|dzests|istrinta|удалено|წაშლილია|geloscht",
    "value": "value|rating value|vertiba|reiksme|значение|მნიშვნელობა|wert",
}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# ``LocationLatitude`` is no touchpoint, ``App Version Name`` no author, and what the brand answered
# is not what the customer said.
_ANOTHER = re.compile(
    r"\b(latitude|longitude|version|response type|(developer|owner|company|business|merchant) "
    r"(reply|response|answer)|uznemuma atbilde|imones atsakymas|ответ (компании|разработчика))\b"
)
_SOMEONE = re.compile(r"(user|author|customer|place|product|brand|account)\.")
EXACT, LAST, WORDS = 3.0, 2.5, 2.0
_INFLECTED = re.compile(r"(?!ids?$)[^\W\d_]{1,3}")  # Comment-s, Atsauksm-es, but no message-id
_STEP = 0.005  # a name listed earlier is the likelier one of two that are both there


def _exact() -> dict[str, dict[str, float]]:
    table: dict[str, dict[str, float]] = {}
    for field, names in _NAMES.items():
        for at, name in enumerate(names.split("|")):
            table.setdefault(name.rstrip("*"), {})[field] = EXACT - _STEP * at
    return table


def _within(names: str) -> re.Pattern[str]:
    parts = (
        re.escape(name.rstrip("*")) + ("" if name.endswith("*") else r"\b")
        for name in names.split("|")
        if len(name) > 2  # noqa: PLR2004 - "id" is in many names
    )
    return re.compile(rf"\b(?:{'|'.join(parts)})(?P<rest>.*)")


_EXACT = _exact()
_WITHIN = {field: _within(names) for field, names in _NAMES.items()}
# ``App version code`` is no brand: these fields' names must end with the word.
_ENDING = frozenset(("brand", "author"))


@lru_cache(maxsize=4096)
def hints(name: str) -> dict[str, float]:
    """The fields that a column's name suggests, and how strongly (3 when it is the very name)."""
    whole = plain(_CAMEL.sub(" ", name)).removesuffix(" utc") or name.strip()
    if _ANOTHER.search(whole):
        return {}
    found = {
        field: LAST if _INFLECTED.fullmatch(match["rest"]) and match.start() == 0 else WORDS
        for field, pattern in _WITHIN.items()
        if (match := pattern.search(whole))
        and not (field in _ENDING and " " in match["rest"].strip())
    }
    found |= _EXACT.get(whole, {})
    if "." in name:
        last = plain(_CAMEL.sub(" ", name.rsplit(".", 1)[1]))
        for field, strength in _EXACT.get(last, {}).items():
            if not (_SOMEONE.match(name) and field in _OWN):
                found[field] = max(found.get(field, 0.0), strength - EXACT + LAST)
    return found


# ``user.id`` and ``place.url`` are somebody else's, not the item's.
_OWN = frozenset(("native_id", "url", "created_at", "updated_at", "title", "text"))
