"""From findings to notifications: what is told, when, once, and what is never lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listening.alerts.alert import Alert, Finding, Notification, Outcome, Reason, Status
from listening.alerts.lifecycle import SINGLY, acknowledge, advance, answered, fingerprint, fresh
from listening.alerts.muting import Silence, in_order, inhibited, silenced
from listening.alerts.rules import NEVER, Rule, When
from listening.errors import ConfigError

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HIGH, QUIET, LEARNING, NO_DATA, ERROR = (
    *(Finding.HIGH, Finding.QUIET, Finding.LEARNING),
    *(Finding.NO_DATA, Finding.ERROR),
)
RULE = Rule(name="spikes", channels=("team",), keep_firing_for=HOUR, repeat_interval=NEVER)


class Run:
    """An alert, an hour a step."""

    def __init__(self, rule: Rule = RULE, **scope: str) -> None:
        self.rule = rule
        self.alert: Alert = fresh(rule, scope or {"brand": "Sēlija"})
        self.now = NOON
        self.told: list[Notification] = []

    def step(
        self, finding: Finding | None, *, p: float = 1e-4, muted: bool = False, error: str = ""
    ) -> list[Reason]:
        self.now += HOUR
        outcome = None
        if finding is not None:
            outcome = Outcome(at=self.now, finding=finding, p=p, observed=9, error=error)
        self.alert, told = advance(self.alert, outcome, self.rule, self.now, muted=muted)
        self.told += told
        return [one.reason for one in told]

    def steps(self, *findings: Finding | None) -> list[Status]:
        found = []
        for finding in findings:
            self.step(finding)
            found.append(self.alert.status)
        return found

    @property
    def reasons(self) -> list[Reason]:
        return [one.reason for one in self.told]


def test_an_alarm_goes_from_normal_to_firing_and_back():
    run = Run()

    assert run.steps(LEARNING, QUIET, HIGH, HIGH, QUIET, QUIET, QUIET) == [
        *(Status.LEARNING, Status.NORMAL, Status.FIRING, Status.FIRING),
        *(Status.RECOVERING, Status.RESOLVED, Status.NORMAL),
    ]
    assert run.reasons == [Reason.STARTED, Reason.RESOLVED]
    started, resolved = (one.episode for one in run.told)
    assert started is not None
    assert resolved is not None
    assert (resolved.started, resolved.ended) == (started.started, NOON + 5 * HOUR)


def test_nothing_new_is_nothing_to_save():
    run = Run()
    run.steps(QUIET)
    before = run.alert
    run.steps(QUIET, None)

    assert run.alert == before


def test_the_same_bucket_again_changes_nothing():
    run = Run()
    run.step(HIGH)
    again = Outcome(at=run.now, finding=QUIET)

    assert advance(run.alert, again, RULE, run.now) == (run.alert, ())


def test_an_alarm_that_recovers_and_worsens_is_the_same_alarm():
    run = Run()

    assert run.steps(HIGH, QUIET, HIGH, QUIET, QUIET)[-1] is Status.RESOLVED
    assert run.reasons == [Reason.STARTED, Reason.RESOLVED]


def test_it_must_hold_before_it_is_an_alarm():
    run = Run(replace(RULE, pending_for=2 * HOUR))

    assert run.steps(HIGH, HIGH, QUIET, HIGH, HIGH, HIGH) == [
        *(Status.PENDING, Status.PENDING, Status.NORMAL),
        *(Status.PENDING, Status.PENDING, Status.FIRING),
    ]
    (told,) = run.told
    assert told.episode is not None
    assert told.episode.started == NOON + 4 * HOUR


def test_no_alarm_begins_in_the_cooldown_and_one_that_lasts_begins_after_it():
    run = Run(replace(RULE, cooldown=4 * HOUR, keep_firing_for=NEVER))

    assert run.steps(HIGH, QUIET, HIGH, QUIET, HIGH, HIGH) == [
        *(Status.FIRING, Status.RESOLVED, Status.PENDING),
        *(Status.NORMAL, Status.PENDING, Status.FIRING),
    ]
    assert run.reasons == [Reason.STARTED, Reason.RESOLVED, Reason.STARTED]


def test_missing_data_is_never_all_quiet():
    run = Run()

    assert run.steps(HIGH, NO_DATA, NO_DATA, NO_DATA, QUIET, NO_DATA, QUIET, QUIET) == [
        *(Status.FIRING, Status.NO_DATA, Status.NO_DATA, Status.NO_DATA),
        *(Status.RECOVERING, Status.NO_DATA, Status.RECOVERING, Status.RESOLVED),
    ]
    assert run.reasons == [Reason.STARTED, Reason.RESOLVED]


def test_an_alarm_goes_on_after_a_gap_and_is_not_told_anew():
    run = Run()

    assert run.steps(HIGH, NO_DATA, HIGH)[-1] is Status.FIRING
    assert run.reasons == [Reason.STARTED]


def test_data_that_are_missing_for_long_are_told_of_once_and_their_return_too():
    run = Run(replace(RULE, no_data_after=2 * HOUR))
    run.steps(QUIET, NO_DATA, NO_DATA, NO_DATA, NO_DATA)
    run.step(ERROR, error="the query cannot be read")
    assert (run.alert.status, run.alert.error) == (Status.ERROR, "the query cannot be read")
    run.steps(QUIET, NO_DATA, QUIET)

    assert run.reasons == [Reason.MISSING, Reason.RETURNED]
    assert run.alert.error == ""
    assert run.told[0].key.endswith("-no-data-1")


def test_an_outage_is_told_by_its_own_rule_and_not_twice():
    run = Run(Rule(name="collection", when=When.OUTAGE, no_data_after=HOUR), source="x")
    run.steps(NO_DATA, NO_DATA, NO_DATA)

    assert run.told == []


def test_it_is_told_again_until_somebody_acknowledges_it():
    run = Run(replace(RULE, repeat_interval=2 * HOUR))
    run.steps(HIGH, HIGH, HIGH, HIGH)
    run.alert = acknowledge(run.alert, "Ilze", run.now)
    run.steps(HIGH, HIGH, HIGH, QUIET, QUIET)

    assert run.reasons == [Reason.STARTED, Reason.REPEATED, Reason.RESOLVED]
    assert run.told[-1].episode is not None
    assert run.told[-1].episode.acknowledged_by == "Ilze"
    run.step(HIGH)
    assert run.alert.episode is not None
    assert run.alert.episode.acknowledged_by == ""


def test_only_an_alarm_can_be_acknowledged():
    with pytest.raises(ConfigError, match="there is no alarm to acknowledge"):
        acknowledge(Run().alert, "Ilze", NOON)


def test_each_three_decades_worse_are_told_also_when_it_is_acknowledged():
    run = Run()
    run.step(HIGH, p=1e-4)
    run.alert = acknowledge(run.alert, "Ilze", run.now)

    assert run.step(HIGH, p=2e-7) == []
    assert run.step(HIGH, p=9e-8) == [Reason.ESCALATED]
    assert run.step(HIGH, p=1e-9) == []
    assert run.step(HIGH, p=0.0) == [Reason.ESCALATED]
    assert run.step(HIGH, p=0.0) == []


def test_what_nobody_acknowledges_goes_to_others_too_once():
    run = Run(replace(RULE, escalate_after=2 * HOUR, escalation=("boss",)))
    run.steps(HIGH, HIGH, HIGH, HIGH, HIGH, QUIET, QUIET)

    assert [(one.reason, one.channels) for one in run.told] == [
        (Reason.STARTED, ("team",)),
        (Reason.ESCALATED, ("team", "boss")),
        (Reason.RESOLVED, ("team",)),
    ]


def test_an_alarm_that_began_in_a_silence_is_told_when_it_ends():
    run = Run()

    assert run.step(HIGH, muted=True) == []
    assert run.step(None) == [Reason.STARTED]


def test_an_alarm_of_which_nobody_heard_ends_unheard():
    run = Run()
    run.step(HIGH, muted=True)
    run.steps(QUIET, QUIET)

    assert run.told == []
    assert run.alert.status is Status.RESOLVED


def test_a_silence_hides_no_end_of_an_alarm_that_was_told():
    run = Run()
    run.step(HIGH)
    run.step(QUIET, muted=True)

    assert run.step(QUIET, muted=True) == [Reason.RESOLVED]


def test_quiet_hours_hold_back_and_keep():
    run = Run(replace(RULE, quiet_hours="12:30-14:30"))
    run.steps(HIGH, QUIET, QUIET)

    assert [(one.reason, one.due) for one in run.told] == [
        (Reason.STARTED, NOON + timedelta(hours=2.5)),
        (Reason.RESOLVED, NOON + 3 * HOUR),
    ]


def test_a_fingerprint_is_of_rule_brand_and_scope():
    same = fingerprint("a", "b", {"source": "x", "language": "lv"})

    assert same == fingerprint("a", "b", {"language": "lv", "source": "x"})
    others = [("b", "a", {}), ("a", "b", {}), ("a", "b", {"source": "x"}), ("a", "bsource", {})]
    assert len({same, *(fingerprint(*other) for other in others)}) == 5


def test_a_chance_that_is_no_number_is_unknown():
    assert Outcome(at=NOON, finding=HIGH, p=float("nan"), observed=float("inf")) == Outcome(
        at=NOON, finding=HIGH
    )


ANSWERS = Rule(name="kiosk", when=When.INSTANT, channels=("team",), within=DAY)


def test_each_answer_is_told_once():
    alert = fresh(ANSWERS, {"brand": "Sēlija"})
    alert, first = answered(alert, {"a": NOON, "b": NOON}, ANSWERS, NOON)
    same, none = answered(alert, {"a": NOON, "b": NOON}, ANSWERS, NOON + HOUR)
    _, last = answered(alert, {"b": NOON, "c": NOON}, ANSWERS, NOON + HOUR)

    assert [one.answers for one in first] == [("a",), ("b",)]
    assert (same, none) == (alert, ())
    assert [one.answers for one in last] == [("c",)]
    assert len({one.key for one in (*first, *last)}) == 3


def test_a_flood_of_answers_ends_in_one_notification():
    many = {str(number): NOON for number in range(SINGLY + 7)}
    _, told = answered(fresh(ANSWERS, {}), many, ANSWERS, NOON)

    assert len(told) == SINGLY + 1
    assert sum(len(one.answers) for one in told) == SINGLY + 7


def test_what_was_told_is_remembered_as_long_as_it_can_be_found_and_no_longer():
    alert, _ = answered(fresh(ANSWERS, {}), {"a": NOON}, ANSWERS, NOON)
    alert, _ = answered(alert, {"a": NOON}, ANSWERS, NOON + DAY)
    assert list(alert.answers) == ["a"]
    alert, _ = answered(alert, {}, ANSWERS, NOON + 2 * DAY)
    assert alert.answers == {}


def test_answers_in_a_silence_are_not_told_later():
    alert, told = answered(fresh(ANSWERS, {}), {"a": NOON}, ANSWERS, NOON, muted=True)

    assert told == ()
    assert answered(alert, {"a": NOON}, ANSWERS, NOON)[1] == ()


def test_a_silence_needs_all_its_labels_and_ends():
    silence = Silence(matchers={"brand": "Sēl*", "rule": "spikes"}, starts=NOON, ends=NOON + HOUR)
    labels = Run().alert.labels

    assert silenced(labels, [silence], NOON)
    assert not silenced(labels, [silence], NOON - HOUR)
    assert not silenced(labels, [silence], NOON + HOUR)
    assert not silenced({**labels, "brand": "Other"}, [silence], NOON)
    assert not silenced({"rule": "spikes"}, [silence], NOON)


@pytest.mark.parametrize(("matchers", "hours"), [({}, 1), ({"brand": "a"}, 0)])
def test_a_silence_of_everything_or_for_no_time_is_refused(matchers, hours):
    with pytest.raises(ConfigError):
        Silence(matchers=matchers, starts=NOON, ends=NOON + hours * HOUR)


OUTAGE = Rule(name="collection", when=When.OUTAGE, inhibits=("sp*",), equal=("source",))


@pytest.mark.parametrize(
    ("theirs", "ours", "silent"),
    [
        ({"source": "x"}, {"source": "x", "brand": "a"}, True),
        ({"source": "x"}, {"source": "news", "brand": "a"}, False),
        ({"source": "x"}, {"brand": "a"}, False),
        ({}, {"source": "x"}, False),
        ({}, {}, False),  # missing on both sides is not the same
    ],
)
def test_an_outage_stands_for_the_alerts_of_its_source(theirs, ours, silent):
    assert inhibited(RULE, ours, [(OUTAGE, theirs)]) is silent


def test_a_rule_inhibits_those_it_names_and_not_itself():
    labels = {"source": "x"}

    assert not inhibited(replace(RULE, name="other"), labels, [(OUTAGE, labels)])
    assert not inhibited(OUTAGE, labels, [(replace(OUTAGE, inhibits=("*",)), labels)])


def test_rules_that_inhibit_others_come_first():
    last = Rule(name="aa")

    assert [rule.name for rule in in_order([RULE, last, OUTAGE])].index("collection") < 2
    assert in_order([RULE, OUTAGE]) == [OUTAGE, RULE]


STEPS = st.lists(
    st.tuples(
        st.sampled_from([*Finding, None]),
        st.sampled_from([1.0, 1e-3, 1e-7, 0.0]),
        st.booleans(),  # muted
        st.booleans(),  # somebody acknowledges
        st.integers(0, 3),  # hours on the clock until then
    ),
    max_size=40,
)
RULES = st.builds(
    Rule,
    name=st.just("spikes"),
    channels=st.just(("team",)),
    pending_for=st.sampled_from([NEVER, 2 * HOUR]),
    keep_firing_for=st.sampled_from([NEVER, HOUR]),
    cooldown=st.sampled_from([NEVER, 3 * HOUR]),
    repeat_interval=st.sampled_from([NEVER, HOUR, 4 * HOUR]),
    escalate_after=st.sampled_from([NEVER, 2 * HOUR]),
    no_data_after=st.sampled_from([NEVER, HOUR]),
    quiet_hours=st.sampled_from(["", "22:00-07:00"]),
)
TELL_OF_ALARM = (Reason.STARTED, Reason.REPEATED, Reason.ESCALATED, Reason.RESOLVED)


@settings(max_examples=150, deadline=None)
@given(rule=RULES, steps=STEPS)
def test_whatever_happens_each_alarm_is_told_once_from_start_to_end(rule, steps):
    run = Run(rule)
    for finding, p, muted, acknowledges, hours in steps:
        run.now += hours * HOUR
        was_told = run.alert.episode is not None and run.alert.episode.first_told is not None
        before = run.alert
        reasons = run.step(finding, p=p, muted=muted)

        # The end of what was told is told, muted or not, and nothing else ends.
        ended = before.is_firing and not run.alert.is_firing
        assert (Reason.RESOLVED in reasons) == (ended and was_told)
        # What goes on unmuted has been told.
        if run.alert.status is Status.FIRING and not muted:
            assert run.alert.episode is not None
            assert run.alert.episode.first_told is not None
        assert run.alert.is_firing or finding is not HIGH or run.alert.status is Status.PENDING
        # An alarm ends only by data that are quiet.
        assert not ended or finding in {QUIET, LEARNING}
        if acknowledges and run.alert.is_firing:
            run.alert = acknowledge(run.alert, "Ilze", run.now)

    assert len({one.key for one in run.told}) == len(run.told)
    assert all(one.due >= one.at for one in run.told)
    by_episode: dict[int, list[Reason]] = {}
    for one in run.told:
        if one.reason in TELL_OF_ALARM:
            assert one.episode is not None
            by_episode.setdefault(one.episode.number, []).append(one.reason)
    for reasons in by_episode.values():
        assert reasons[0] is Reason.STARTED
        assert reasons.count(Reason.STARTED) == 1
        assert Reason.RESOLVED not in reasons[:-1]
