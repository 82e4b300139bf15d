"""Records made HTML. Every text is escaped by the templates; what is marked safe is made here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from listening import __version__
from listening.charts import Svg
from listening.records import Hit, Kind, Label, Rating, Scale
from listening.report.build import VOICE
from listening.report.shape import Brand, Crisis
from listening.terminal.safety import clean
from listening.views.figures import Change
from listening.views.surveys import Survey
from listening.views.words import TellingWord
from listening.web import charts, locale, locale_terms, open_alerts
from listening.web.asked import NONE, SCORED, Asked, both
from listening.web.locale import N_, _, gettext, in_html, ngettext, number
from listening.web.locale_terms import language, term
from listening.web.people import current

HERE = Path(__file__).parent
SCHEMES = ("http", "https")


def page(template: str, /, *, code: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401 - of a template
    """A template filled in. Half a surrogate pair, which UTF-8 lacks, becomes a question mark."""
    always = {"person": current(), "ui": locale.current()}
    html = _ENVIRONMENT.get_template(template).render(**always | values)
    return HTMLResponse(html.encode("utf-8", "replace"), code)


def highlighted(hit: Hit) -> Markup:
    """The text, escaped, with marks where it was found."""
    text = clean(hit.feedback.text)
    done, pieces = 0, []
    for start, end in sorted(hit.highlights):
        if start >= done:
            marked = Markup("<mark>{}</mark>").format(text[start:end])
            pieces += [escape(text[done:start]), marked]
            done = end
    return Markup().join([*pieces, escape(text[done:])])


def safe_link(url: str | None) -> str | None:
    """The address where it is one of the web; None for any other, such as a script."""
    if url is None or clean(url) != url or any(letter.isspace() for letter in url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme.casefold() in SCHEMES and parts.netloc else None


def stars(rating: Rating) -> str:
    scale, value = rating
    if scale is Scale.STARS:
        return "★" * value + "☆" * (scale.high - value)
    return f"{scale.value.upper()} {value}/{scale.high}"


def share_bar(row: Any, link: Any) -> Svg:  # noqa: ANN401 - a SentimentRow; what makes links
    """How the scored texts of a row fall, each part leading to them."""
    counts = [(label, getattr(row, label.value)) for label in SCORED]
    said = {
        label: _("%(count)s %(sentiment)s", count=n, sentiment=term(label)) for label, n in counts
    }
    parts = [(n, label.value, said[label], link(label)) for label, n in counts]
    return charts.shares(", ".join(said.values()), parts)


def interval(row: Any) -> Markup:  # noqa: ANN401 - a language's metrics
    """Macro-F1 and its interval on a bar from 0 to 100."""
    low, high = row["interval"]
    return Markup(
        '<svg class="shares" height="12" role="img" aria-label="{4}">'
        '<rect class="line" width="100%" y="5" height="2"/>'
        '<rect class="band" x="{1}%" width="{3:.1f}%" y="1" height="10"/>'
        '<rect class="dot" x="{0}%" width="3" y="0" height="12"/></svg>'
    ).format(
        row["macro_f1"],
        low,
        high,
        high - low,
        f"{number(row['macro_f1'], 1)} ({number(low, 1)}–{number(high, 1)})",
    )


def with_word(asked: Asked, word: TellingWord, **narrowed: Any) -> str:  # noqa: ANN401 - of fields
    """The address of the texts in its language that have a word."""
    narrowed = {"q": asked.q, "language": word.language, **narrowed}
    return asked.mentions(**narrowed | {"q": both(narrowed["q"], f'"{word.term}"')})


def of_crisis(asked: Asked, crisis: Crisis) -> dict[str, Any]:
    """What narrows a link to the texts of a crisis, whose days are UTC's and not ours."""
    days = f"after:{crisis.start} before:{crisis.end + timedelta(days=1)}"
    return {"brand": crisis.brand, "sentiment": Label.NEGATIVE, "q": both(asked.q, days)}


def headline(brand: Brand) -> str:
    """One sentence about a brand, e.g. "Medus: 307 items, net sentiment +12 ± 9; …"."""
    row = brand.sentiment
    items = ngettext("%(num)s item", "%(num)s items", row.items)
    said = {"brand": brand.name, "items": items, "net": locale_terms.points(row.net)}
    if row.net.value is None:
        return _("%(brand)s: %(items)s, too few scored texts for net sentiment", **said)
    if brand.change is None or brand.change.net.value is None:
        return _("%(brand)s: %(items)s, net sentiment %(net)s", **said)
    return _(_moved(brand.change.net), **said, change=locale_terms.signed(brand.change.net.value))


def _moved(change: Change) -> str:
    if not change.significant:
        return N_(
            "%(brand)s: %(items)s, net sentiment %(net)s; "
            "no significant change on the period before (%(change)s)"
        )
    return N_(
        "%(brand)s: %(items)s, net sentiment %(net)s; "
        "%(change)s on the period before, which is significant"
    )


def linker(asked: Asked, **narrowed: Any) -> Callable[[Label], str]:  # noqa: ANN401 - of fields
    return lambda label: asked.mentions(sentiment=label, **narrowed)


def voice(asked: Asked) -> tuple[Kind, ...]:
    """The public kinds that share of voice counts."""
    return tuple(kind for kind in asked.kind or VOICE if kind in VOICE)


def without(values: Sequence[str], one: str) -> tuple[str, ...]:
    return tuple(value for value in values if value != one)


def day_before(day: date) -> date:
    return day - timedelta(days=1)


def change_margin(change: Change) -> float | None:
    """How far the interval of a change reaches on its longer side."""
    if change.value is None or change.low is None or change.high is None:
        return None
    return max(change.value - change.low, change.high - change.value)


def answers(row: Survey) -> str:
    """What finds the answers of a scale: all of its values."""
    return f"{row.scale.value}:{row.scale.low}..{row.scale.high}"


def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.add_extension("jinja2.ext.i18n")
    found.policies["ext.i18n.trimmed"] = True
    found.newstyle_gettext = True  # type: ignore[attr-defined]  # the extension adds it
    found.filters |= {
        "clean": clean,
        "clock": locale_terms.clock,
        "day": locale_terms.day,
        "highlighted": highlighted,
        "language": language,
        "number": number,
        "percent": locale_terms.percent,
        "points": locale_terms.points,
        "safe_link": safe_link,
        "scale": locale_terms.scale_name,
        "score": locale_terms.score,
        "stars": stars,
        "term": term,
        "titled": locale_terms.titled,
    }
    found.globals |= {
        "_": in_html(gettext),
        "gettext": in_html(gettext),
        "ngettext": in_html(ngettext),
        "NONE": NONE,
        "SCORED": SCORED,
        "answers": answers,
        "change_margin": change_margin,
        "change_of": locale_terms.change_of,
        "day_before": day_before,
        "decimals": locale_terms.decimals,
        "headline": headline,
        "interval": interval,
        "linker": linker,
        "alert_name": open_alerts.name_of,
        "of_crisis": of_crisis,
        "open_alerts": open_alerts.open_alerts,
        "over_time": locale_terms.over_time,
        "share_bar": share_bar,
        "span": locale_terms.span,
        "version": __version__,
        "voice": voice,
        "with_word": with_word,
        "without": without,
    }
    return found


_ENVIRONMENT = _environment()
