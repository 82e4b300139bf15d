"""Our own values and figures as the language of the request says them."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_interval, format_skeleton, get_datetime_format

from listening.records import Kind, Label, Scale, Status
from listening.report.wording import MINUS
from listening.views.figures import TOO_FEW, Change, Figure
from listening.views.surveys import Survey
from listening.web.locale import N_, _, current, number

_TERMS = {
    Label.NEGATIVE: N_("negative"),
    Label.NEUTRAL: N_("neutral"),
    Label.POSITIVE: N_("positive"),
    Label.UNKNOWN: N_("unknown"),
    "none": N_("without sentiment"),
    Kind.MENTION: N_("mention"),
    Kind.REVIEW: N_("review"),
    Kind.SURVEY: N_("survey"),
    Kind.RATING: N_("rating"),
    Kind.CHAT: N_("chat"),
    "brand": N_("brand"),
    "source": N_("source"),
    "language": N_("language"),
    "sentiment": N_("sentiment"),
    "kind": N_("kind"),
    "country": N_("country"),
    "segment": N_("segment"),
    "service": N_("service"),
    "touchpoint": N_("touchpoint"),
    "campaign": N_("campaign"),
    "tag": N_("tag"),
    "status": N_("status"),
    "assignee": N_("assignee"),
    Status.OPEN: N_("open"),
    Status.IN_PROGRESS: N_("in progress"),
    Status.ANSWERED: N_("answered"),
    Status.CLOSED: N_("closed"),
    Status.IGNORED: N_("ignored"),
    "hour": N_("hour"),
    "day": N_("day"),
    "week": N_("week"),
    "month": N_("month"),
    TOO_FEW: N_("too few"),
}
_SCALES = {
    Scale.NPS: N_("NPS"),
    Scale.CSAT: N_("CSAT, 4–5"),
    Scale.CES: N_("CES, mean"),
    Scale.STARS: N_("Stars, mean"),
    Scale.SMILEY: N_("Smileys, happy"),
}
_OVER_TIME = {
    "day": N_("Net sentiment and volume by day"),
    "week": N_("Net sentiment and volume by week"),
    "month": N_("Net sentiment and volume by month"),
}


def term(value: str) -> str:
    """A label, kind, field or step by its name; any other value as it is."""
    return _(_TERMS[value]) if value in _TERMS else value


def titled(value: str) -> str:
    """The same with a capital first letter. Georgian has none: its own come in whole words."""
    said = term(value)
    return said[:1].title() + said[1:]


def scale_name(scale: Scale) -> str:
    return _(_SCALES[scale])


def over_time(by: str) -> str:
    return _(_OVER_TIME[by])


def language(tag: str) -> str:
    """A language by its name, with its country where the tag has one."""
    if tag == "und":
        return _("unsure")
    primary, _dash, rest = tag.partition("-")
    names = current().locale
    name = names.languages.get(primary)
    if name is None:
        return tag
    name = name[:1].title() + name[1:]
    return f"{name} ({names.territories.get(rest.upper(), tag)})" if rest else name


def reason(figure: Figure | Change) -> str:
    return term(figure.reason or "")


def signed(value: float, decimals: int = 0) -> str:
    rounded = round(value, decimals)
    sign = MINUS if rounded < 0 else "+" if rounded > 0 else ""
    return sign + number(abs(rounded), decimals)


def points(figure: Figure) -> str:
    """A figure of net sentiment or NPS, e.g. "−31 ± 4", or why there is none."""
    if figure.value is None or figure.margin is None:
        return reason(figure)
    return f"{signed(figure.value)} ± {number(figure.margin)}"


def percent(figure: Figure) -> str:
    if figure.value is None or figure.margin is None:
        return reason(figure)
    return f"{number(figure.value)} % ± {number(figure.margin)}"


def decimals(scale: Scale) -> int:
    return 1 if scale in (Scale.CES, Scale.STARS) else 0


def score(row: Survey) -> str:
    figure = row.score
    if row.scale is Scale.NPS:
        return points(figure)
    if decimals(row.scale) and figure.value is not None and figure.margin is not None:
        return f"{number(figure.value, 1)} ± {number(figure.margin, 1)}"
    return percent(figure)


def change_of(change: Change, scale: Scale | None = None) -> str:
    if change.value is None:
        return reason(change)
    value = signed(change.value, decimals(scale) if scale else 0)
    return f"{'▲' if change.value > 0 else '▼'} {value}" if change.significant else f"({value})"


def day(when: date | str) -> str:
    """A day, also as ISO 8601 writes it."""
    found = date.fromisoformat(when) if isinstance(when, str) else when
    return format_date(found, "medium", locale=current().locale)


def short_day(when: date) -> str:
    """Without its year."""
    return format_skeleton("MMMd", when, locale=current().locale)


def month(when: date, *, short: bool = False) -> str:
    return format_skeleton("yMMM" if short else "yMMMM", when, locale=current().locale)


def clock(moment: datetime, zone: str) -> str:
    local = moment.astimezone(ZoneInfo(zone))
    both = str(get_datetime_format("medium", locale=current().locale)).replace("'", "")
    return both.format(f"{local:%H:%M}", day(local.date()))


def span(first: date, last: date) -> str:
    """From one day to another, itself included."""
    if first == last:
        return day(first)
    return format_interval(first, last, "yMMMd", locale=current().locale)
