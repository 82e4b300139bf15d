"""Words that files use for answers, in the languages we serve first. Keys are in ``plain`` form."""

from __future__ import annotations

from listening.records import Scale

EMPTY = frozenset(
    (
        "n a", "na", "none", "null", "nan", "nil", "no answer", "no response", "not applicable",
        "dont know", "don t know", "nav", "nezinu", "nera", "nezinau", "нет ответа", "не знаю",
        "არ ვიცი", "weiss nicht", "keine angabe",
    )
)  # fmt: skip

NPS_GROUPS = frozenset(
    ("promoter", "promoters", "passive", "passives", "neutral", "detractor", "detractors")
)

SMILEYS = {
    "😀": 4, "😃": 4, "😄": 4, "😁": 4, "😍": 4, "🤩": 4, "😊": 4, "🥰": 4,
    "🙂": 3, "😌": 3, "😐": 2, "🙁": 2, "☹": 2, "😕": 2, "😞": 2, "😟": 2,
    "😡": 1, "😠": 1, "🤬": 1, "😢": 1, "😭": 1,
}  # fmt: skip

_SATISFACTION = {
    1.0: "very satisfied|extremely satisfied|completely satisfied|excellent|very good|"
    "loti apmierinats|loti apmierinata|pilniba apmierinats|pilniba apmierinata|"
    "loti labi|teicami|izcili|labai patenkintas|labai patenkinta|visiskai patenkintas|"
    "labai gerai|puikiai|очень доволен|очень довольна|полностью удовлетворен|"
    "полностью доволен|очень хорошо|отлично|ძალიან კმაყოფილი|სრულიად კმაყოფილი|"
    "ძალიან კარგი|ძალიან კარგად|შესანიშნავი|sehr zufrieden|sehr gut|ausgezeichnet|"
    "extremely likely|very likely|loti iespejams|labai tiketina|очень вероятно|"
    "sehr wahrscheinlich|ძალიან სავარაუდოა",
    0.75: "satisfied|somewhat satisfied|fairly satisfied|good|apmierinats|apmierinata|"
    "drizak apmierinats|drizak apmierinata|labi|patenkintas|patenkinta|"
    "greiciau patenkintas|gerai|доволен|довольна|скорее доволен|удовлетворен|хорошо|"
    "კმაყოფილი|კარგი|კარგად|zufrieden|eher zufrieden|gut|likely",
    0.5: "neutral|neither satisfied nor dissatisfied|neither|ok|okay|average|fair|neitrali|"
    "ne apmierinats ne neapmierinats|viduveji|neutralus|neutraliai|"
    "nei patenkintas nei nepatenkintas|vidutiniskai|нейтрально|"
    "ни доволен ни недоволен|нормально|удовлетворительно|ნეიტრალური|საშუალო|საშუალოდ|"
    "weder noch|mittel|teils teils|neither likely nor unlikely",
    0.25: "dissatisfied|unsatisfied|somewhat dissatisfied|poor|bad|neapmierinats|"
    "neapmierinata|drizak neapmierinats|drizak neapmierinata|slikti|nepatenkintas|"
    "nepatenkinta|blogai|недоволен|недовольна|скорее недоволен|не удовлетворен|плохо|"
    "უკმაყოფილო|ცუდი|ცუდად|unzufrieden|eher unzufrieden|schlecht|unlikely",
    0.0: "very dissatisfied|very unsatisfied|extremely dissatisfied|"
    "completely dissatisfied|very poor|very bad|terrible|awful|loti neapmierinats|"
    "loti neapmierinata|pilnigi neapmierinats|loti slikti|labai nepatenkintas|"
    "labai nepatenkinta|labai blogai|очень недоволен|очень недовольна|"
    "совсем не удовлетворен|полностью недоволен|очень плохо|ужасно|ძალიან უკმაყოფილო|"
    "ძალიან ცუდი|ძალიან ცუდად|sehr unzufrieden|sehr schlecht|not at all likely|"
    "extremely unlikely|very unlikely",
}

_HAPPINESS = {
    1.0: "very happy|loti laimigs|loti priecigs|labai laimingas|labai linksmas|"
    "очень счастлив|ძალიან ბედნიერი|sehr glucklich",
    2 / 3: "happy|laimigs|priecigs|laimingas|linksmas|счастлив|рад|ბედნიერი|glucklich",
    1 / 3: "unhappy|sad|nelaimigs|bedigs|nelaimingas|liudnas|несчастлив|расстроен|უბედური|"
    "unglucklich|traurig",
    0.0: "very unhappy|very sad|angry|loti nelaimigs|dusmigs|labai nelaimingas|piktas|злой|"
    "очень несчастлив|გაბრაზებული|ძალიან უბედური|sehr unglucklich|wutend",
}


def _table(levels: dict[float, str], scale: Scale) -> dict[str, tuple[Scale, float]]:
    return {word: (scale, share) for share, line in levels.items() for word in line.split("|")}


# An answer's own scale, and how far up that scale it stands, 0 to 1.
ANSWERS = _table(_SATISFACTION, Scale.CSAT) | _table(_HAPPINESS, Scale.SMILEY)

_AGREEMENT = {
    7: "strongly agree|completely agree|pilniba piekritu|visiskai sutinku|"
    "полностью согласен|полностью согласна|სრულიად ვეთანხმები|stimme voll zu|"
    "stimme vollig zu|very easy|extremely easy|loti viegli|labai lengva|labai lengvai|"
    "очень легко|ძალიან მარტივი|sehr einfach",
    6: "agree|piekritu|sutinku|согласен|согласна|ვეთანხმები|stimme zu|easy|viegli|lengva|"
    "lengvai|легко|მარტივი|einfach",
    5: "somewhat agree|slightly agree|drizak piekritu|greiciau sutinku|скорее согласен|"
    "скорее согласна|ნაწილობრივ ვეთანხმები|stimme eher zu|somewhat easy",
    4: "neither agree nor disagree|undecided|ne piekritu ne nepiekritu|"
    "nei sutinku nei nesutinku|затрудняюсь ответить|stimme weder zu noch nicht zu|"
    "neither easy nor difficult",
    3: "somewhat disagree|slightly disagree|drizak nepiekritu|greiciau nesutinku|"
    "скорее не согласен|stimme eher nicht zu|somewhat difficult",
    2: "disagree|nepiekritu|nesutinku|не согласен|не согласна|არ ვეთანხმები|"
    "stimme nicht zu|difficult|gruti|sunku|трудно|сложно|რთული|schwierig",
    1: "strongly disagree|completely disagree|pilnigi nepiekritu|visiskai nesutinku|"
    "полностью не согласен|совершенно не согласен|სრულიად არ ვეთანხმები|"
    "stimme uberhaupt nicht zu|very difficult|extremely difficult|loti gruti|"
    "labai sunku|очень трудно|очень сложно|ძალიან რთული|sehr schwierig",
}
AGREEMENT = {word: value for value, line in _AGREEMENT.items() for word in line.split("|")}

_KINDS = {
    "mention": "mention|tweet|retweet|post|toot|status|reply|comment|article|news|blog|forum|"
    "video|pieminejums|ieraksts|paminejimas|irasas|упоминание|пост|твит|ხსენება|პოსტი|"
    "erwahnung|beitrag|social",
    "review": "review|app review|store review|product review|google review|atsauksme|recenzija|"
    "atsiliepimas|отзыв|მიმოხილვა|rezension|bewertung|testimonial",
    "survey": "survey|survey response|response|answer|questionnaire|nps|csat|ces|poll|aptauja|"
    "anketa|apklausa|опрос|анкета|გამოკითხვა|umfrage|feedback|form",
    "rating": "rating|kiosk|smiley|vote|terminal|vertejums|ivertinimas|оценка|შეფასება",
    "chat": "chat|live chat|conversation|ticket|message|dialog|dialogue|email|e mail|call|"
    "whatsapp|messenger|carakste|sarakste|pokalbis|чат|диалог|ჩატი|gesprach|support",
}
KINDS = {word: kind for kind, line in _KINDS.items() for word in line.split("|")}

_LANGUAGES = {
    "en": "english|anglu|английский|ინგლისური|englisch|eng",
    "lv": "latvian|latviesu|latviu|латышский|ლატვიური|lettisch|lav",
    "lt": "lithuanian|lietuviesu|lietuviu|литовский|ლიტვური|litauisch|lit",
    "ka": "georgian|gruzinu|грузинский|ქართული|georgisch|kat|geo",
    "ru": "russian|krievu|rusu|русский|რუსული|russisch|rus",
    "de": "german|vacu|vokieciu|немецкий|გერმანული|deutsch|deu|ger",
    "et": "estonian|igaunu|estu|эстонский|ესტონური|estnisch|eesti|est",
    "pl": "polish|polu|lenku|польский|პოლონური|polnisch|polski|pol",
    "fr": "french|franzosisch|francais|fra|fre",
    "es": "spanish|spanisch|espanol|spa",
    "uk": "ukrainian|ukrainu|ukrainieciu|украинский|უკრაინული|ukrainisch|ukr",
}
LANGUAGES = {word: code for code, line in _LANGUAGES.items() for word in line.split("|")}

# Who speaks for the brand in a chat, and words before that (``support agent``).
STAFF = frozenset(
    (
        "agent", "agents", "assistant", "bot", "chatbot", "operator", "system", "support", "admin",
        "staff", "employee", "representative", "rep", "advisor", "helpdesk", "outbound", "outgoing",
        "agente", "operators", "operatore", "konsultants", "konsultante", "bots", "sistema",
        "agentas", "operatorius", "konsultantas", "botas",
        "агент", "оператор", "бот", "консультант", "система", "поддержка", "ассистент",
        "აგენტი", "ოპერატორი", "ბოტი", "კონსულტანტი", "სისტემა", "ასისტენტი",
        "mitarbeiter", "mitarbeiterin", "berater", "beraterin", "kundendienst",
    )
)  # fmt: skip

# What a column called customer says where it does not name one.
SORTS = frozenset(
    (
        "private", "individual", "business", "corporate", "company", "consumer", "b2b", "b2c",
        "new", "returning", "existing", "regular", "vip", "premium", "standard", "basic", "gold",
        "silver", "bronze", "platinum", "retail", "wholesale", "student", "senior", "family",
        "privats", "privata", "privatpersona", "fiziska persona", "juridiska persona", "bizness",
        "biznesa", "uznemums", "jauns", "esoss", "pastavigs", "privatus", "fizinis asmuo",
        "juridinis asmuo", "verslas", "verslo", "imone", "naujas", "esamas", "nuolatinis",
        "частный", "частное лицо", "физлицо", "юрлицо", "физическое лицо", "юридическое лицо",
        "бизнес", "компания", "новый", "постоянный", "კერძო", "ფიზიკური პირი",
        "იურიდიული პირი", "ბიზნესი", "კომპანია", "ახალი", "მუდმივი", "privat", "privatkunde",
        "geschaftlich", "geschaftskunde", "gewerblich", "firma", "neukunde", "bestandskunde",
    )
)  # fmt: skip
