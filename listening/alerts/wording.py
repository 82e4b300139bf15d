"""A notification in words, in which nothing that others wrote does anything.

What people write ends up in chats and mails that know commands: mentions that wake everybody up,
links, mark-up, line breaks that begin a header. Services differ in how they are escaped, so here
nothing is left to escape: the signs are replaced by others that look alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from listening.alerts.alert import Notification, Outcome, Reason
from listening.alerts.rules import Severity

TITLE, SAMPLE, FACT = 150, 280, 500  # characters
_GAP = "\u200b"  # no width; no pattern of a mention or a link goes across it
_ALIKE = str.maketrans("<>`*~|[]\\", "‹›ʹ∗∼¦［］＼")
_ACTIVE = re.compile(
    r"""(?<=[@＠\#!])(?=\w)      # @everyone, #channel, !command
    | (?<=:)(?=//)               # an address
    | (?<=:)(?=\w+:)             # :emoji:
    | (?<=\w[.])(?=\w)           # a bare domain, also a number's point
    | (?<=&)(?=[\w\#])           # an escaped sign
    | (?<!\w/)(?<=/)(?=\w)       # /command
    """,
    re.VERBOSE,
)
_EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_NUMBER = re.compile(r"(?<=\d\.)" + _GAP + r"(?=\d)")
_JOINERS = "\u200c\u200d"  # scripts and emoji need them

_WORDS = {
    Reason.STARTED: "began",
    Reason.REPEATED: "goes on",
    Reason.ESCALATED: "is worse or waits for you",
    Reason.RESOLVED: "is over",
    Reason.MISSING: "cannot be seen",
    Reason.RETURNED: "can be seen again",
    Reason.ANSWER: "needs an answer",
}


def inert(text: str, most: int = SAMPLE) -> str:
    """One line that reads the same and in which no service finds a command, mention or link."""
    seen = "".join(_visible(sign) for sign in text[: 4 * most])
    line = _EMPHASIS.sub("＿", " ".join(seen.translate(_ALIKE).split()))
    if len(line) > most:
        line = line[: most - 1] + "…"
    return _NUMBER.sub("", _ACTIVE.sub(_GAP, line))


def _visible(sign: str) -> str:
    """Spaces for what breaks lines; nothing for what is not seen, as what turns the direction."""
    if sign in _JOINERS:
        return sign
    category = unicodedata.category(sign)
    if category in {"Cc", "Zl", "Zp", "Zs"}:
        return " "
    return "" if category in {"Cf", "Cs", "Co", "Cn"} else sign


def title(notifications: Sequence[Notification]) -> str:
    """One line."""
    if len(notifications) == 1:
        return inert(_title(notifications[0]), TITLE)
    worst = max((one.severity for one in notifications), key=tuple(Severity).index)
    names = ", ".join(dict.fromkeys(_subject(one) for one in notifications))
    return inert(f"({worst}) {len(notifications)} alerts: {names}", TITLE)


def body(notifications: Sequence[Notification]) -> str:
    """Plain text, a paragraph for each."""
    alone = len(notifications) == 1
    return "\n\n".join(
        "\n".join([*([] if alone else [inert(_title(one), TITLE)]), *_lines(one)])
        for one in notifications
    )


def _title(one: Notification) -> str:
    what = (one.outcome.kind if one.outcome else "") or one.labels.get("rule", "alert")
    return f"({one.severity}) {_subject(one)}: {what} {_WORDS[one.reason]}"


def _subject(one: Notification) -> str:
    parts = (one.labels.get(name) for name in ("brand", "source", "language", "segment"))
    return " · ".join(filter(None, parts)) or one.labels.get("rule", "")


def _lines(one: Notification) -> list[str]:
    lines = [figures(one.outcome, one.zone)] if one.outcome else []
    if one.episode is not None:
        lines.append(f"since {_clock(one.episode.started, one.zone)}")
        if one.episode.acknowledged_by:
            lines.append(f"acknowledged by {inert(one.episode.acknowledged_by)}")
    lines += [inert(fact, FACT) for fact in one.facts]
    lines += [f"“{inert(sample)}”" for sample in one.samples]
    # A query that would have to be changed to be harmless is no longer that query.
    if one.query and _GAP not in one.query and inert(one.query, FACT) == one.query:
        lines.append(f"to see them: {one.query}")
    lines += [one.link] if one.link else []
    return [line for line in lines if line] + [f"more: listening alerts show {one.fingerprint}"]


def _clock(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"


def figures(outcome: Outcome, zone: str = "UTC") -> str:
    """What was seen and what was to be expected; empty where neither is known."""
    if outcome.observed is None:
        return inert(outcome.error)
    words = f"{outcome.observed:,.6g} seen"
    if outcome.expected is not None:
        words += f", {outcome.expected:,.3g} expected"
    if outcome.low is not None and outcome.high is not None:
        words += f" ({outcome.low:,.3g} to {outcome.high:,.3g})"
    if outcome.hours is not None:
        words += f" in {outcome.hours:g} h"
    if outcome.p is not None:
        words += f", by chance {outcome.p:.1g}"
    return f"{words}, until {_clock(outcome.at, zone)}"
