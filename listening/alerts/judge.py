"""What a rule finds in the counts of a store, bucket by bucket, save that of a single answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import erf, sqrt
from statistics import NormalDist

from listening.alerts.alert import Finding, Outcome
from listening.alerts.replay import Checkpoint, Judged, Replay
from listening.alerts.rules import Rule, When
from listening.alerts.stories import MOST, copies, newest
from listening.alerts.watch import HOUR, Counts, Scope, Watch, is_scored
from listening.records import Bucket, Label, Scale, Window
from listening.views.figures import Change, Z, change
from listening.views.surveys import Survey, surveys

KNOWN = timedelta(days=90)  # what did not appear for so long is not missed
NOTHING = Bucket((), 0)


def judged(
    watch: Watch, since: datetime, until: datetime, before: Checkpoint | None = None
) -> Iterator[Judged | Checkpoint]:
    """What is thought of the buckets that end after ``since`` and by ``until``, in order of time.

    Of a spike rule that may go on from ``before``; then the last thing is where to go on from.
    """
    if watch.rule.when is When.SPIKE:
        replay = Replay(watch, until, before)
        yield from replay.judged(since)
        if replay.checkpoint:
            yield replay.checkpoint
    else:
        yield from _rolling(watch, since, until)


@dataclass(frozen=True, slots=True)
class _View:
    """The buckets of one scope that a rule looks at; ``ends`` is the end of the last."""

    watch: Watch
    scope: Scope
    start: datetime
    end: datetime
    buckets: Sequence[Bucket]
    earlier: Sequence[Bucket]

    @property
    def rule(self) -> Rule:
        return self.watch.rule


def _rolling(watch: Watch, since: datetime, until: datetime) -> Iterator[Judged]:
    rule = watch.rule
    span = _buckets(rule.within, watch)
    back = _buckets(rule.against, watch) if rule.when is When.DROP else 0
    starts = watch.starts(since - (span + back) * watch.width, until)
    if not starts:
        return
    seen = Window(since=starts[0] - KNOWN, until=until)
    scopes = watch.scopes(seen)
    counts = watch.counts(starts, len(scopes), until)
    gaps = watch.gaps(starts, until) if rule.when is not When.OUTAGE else set()
    for place in range(span + back - 1, len(starts)):
        if watch.end(starts[place]) <= since:
            continue
        for scope in scopes:
            window = starts[place + 1 - span - back : place + 1]
            view = _view(watch, scope, window, counts, back)
            yield Judged(scope, _outcome(view, starts[place] in gaps))


def _buckets(span: timedelta, watch: Watch) -> int:
    return max(1, round(span / watch.width))


def _view(
    watch: Watch, scope: Scope, starts: Sequence[datetime], counts: Counts, back: int
) -> _View:
    """``back`` of the buckets are the earlier ones."""
    found = [counts.get(start, {}).get(scope, NOTHING) for start in starts]
    end = watch.end(starts[-1])
    return _View(watch, scope, starts[back], end, found[back:], found[:back])


def _outcome(view: _View, gap: bool) -> Outcome:
    missing = view.watch.missing_from(view.scope)
    lost = gap or (missing is not None and view.end > missing)
    if view.rule.when is When.OUTAGE:
        return _outage(view)
    if lost or not all(map(is_scored, view.buckets)):
        error = "nothing was collected, or not scored"
        return Outcome(at=view.end, finding=Finding.NO_DATA, error=error)
    return _drop(view) if view.rule.when is When.DROP else _threshold(view)


def _hours(view: _View) -> float:
    return (view.end - view.start) / HOUR


def _outage(view: _View) -> Outcome:
    count = sum(bucket.count for bucket in view.buckets)
    return Outcome(
        at=view.end,
        finding=Finding.QUIET if count else Finding.HIGH,
        kind="" if count else "nothing collected",
        observed=count,
        hours=_hours(view),
    )


def _threshold(view: _View) -> Outcome:
    rule, label = view.rule, view.rule.label or Label.NEGATIVE
    count = sum(bucket.labels.get(label, 0) for bucket in view.buckets)
    total = sum(sum(bucket.labels.values()) for bucket in view.buckets)
    if _is_high(rule, count, total):
        again = _copies(view, label, count)
        count, total = count - again, total - again
    high = _is_high(rule, count, total)
    return Outcome(
        at=view.end,
        finding=Finding.HIGH if high else Finding.QUIET,
        kind=f"many {label} texts" if high else "",
        observed=count,
        hours=_hours(view),
    )


def _is_high(rule: Rule, count: int, total: int) -> bool:
    if rule.count is not None:
        return count >= rule.count
    assert rule.share is not None  # noqa: S101 - checked with the settings
    return total >= max(1, rule.least) and count >= rule.share * total


def _copies(view: _View, label: Label, count: int) -> int:
    window = Window(since=view.start, until=view.end)
    where = replace(view.watch.narrowed(view.scope, window), label=(label,))
    hits = newest(view.watch.store, where)
    again = len(copies(hits))
    return round(again / MOST * count) if len(hits) == MOST else again


def _drop(view: _View) -> Outcome:
    rule, scale = view.rule, view.rule.scale
    assert scale is not None  # noqa: S101 - checked with the settings
    now, before = (_figure(each, scale, rule.least) for each in (view.buckets, view.earlier))
    if now is None or before is None:
        finding = Finding.LEARNING if before is None else Finding.QUIET
        return Outcome(at=view.end, finding=finding, hours=_hours(view))
    moved = change(now.score, before.score)
    fell, p = _fell(moved, rule)
    return Outcome(
        at=view.end,
        finding=Finding.HIGH if fell else Finding.QUIET,
        kind=f"{scale.upper()} fell" if fell else "",
        observed=now.score.value,
        expected=before.score.value,
        p=p,
        hours=_hours(view),
    )


def _figure(buckets: Sequence[Bucket], scale: Scale, least: int) -> Survey | None:
    ratings: Counter[int] = Counter()
    for bucket in buckets:
        ratings.update(bucket.ratings.get(scale, {}))
    found = surveys([Bucket((), ratings.total(), ratings={scale: ratings})], scale, minimum=least)
    return found[0] if found and found[0].score.value is not None else None


def _fell(moved: Change, rule: Rule) -> tuple[bool, float | None]:
    """Whether it fell by enough and so surely; and the chance of so much where nothing changed."""
    if moved.value is None or moved.high is None:
        return False, None
    reach = (moved.high - moved.value) / Z  # one standard error, on the side of no change
    wanted = NormalDist().inv_cdf((1 + rule.confidence) / 2)
    sure = moved.value + wanted * reach < 0
    p = (1 + erf(moved.value / reach / sqrt(2))) / 2 if reach else float(moved.value >= 0)
    return sure and moved.value <= -rule.points, p
