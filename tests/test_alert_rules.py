"""What people may write about alerts, and what they are told when it does not go together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listening import settings
from listening.alerts.rules import NEVER, Day, Part, Rule, Severity, When, Width
from listening.errors import ConfigError
from listening.records import Kind, Scale
from listening.settings import Settings

CHANNEL = '[alerts.channels.team]\napprise = { env = "TEAM" }\n'


def load(text: str) -> Settings:
    Path("listening.toml").write_text(text, encoding="utf-8")
    return settings.load(environ={})


def rule(text: str, name: str = "a") -> Rule:
    return load(f"{CHANNEL}[alerts.rules.{name}]\n{text}").alerts.rules[name]


def test_a_rule_needs_nothing_but_its_name():
    assert rule("") == Rule(name="a")


def test_a_rule_reads_as_it_was_written():
    assert rule(
        'when = "drop"\nscale = "csat"\nwithin = "7d"\nbrand = "Sēlija"\nkinds = ["survey"]\n'
        'by = ["brand", "segment"]\nbucket = "day"\ncooldown = "90s"\nno_data_after = "0s"\n'
        'quiet_days = ["sat", "sun"]\nchannels = ["team"]\nseverity = "critical"'
    ) == Rule(
        name="a",
        when=When.DROP,
        scale=Scale.CSAT,
        within=timedelta(days=7),
        brand=("Sēlija",),
        kinds=(Kind.SURVEY,),
        by=(Part.BRAND, Part.SEGMENT),
        bucket=Width.DAY,
        cooldown=timedelta(seconds=90),
        no_data_after=NEVER,
        quiet_days=(Day.SAT, Day.SUN),
        channels=("team",),
        severity=Severity.CRITICAL,
    )


def test_the_hours_are_those_of_the_settings_where_a_rule_names_none():
    assert load('zone = "Europe/Riga"\n[alerts.rules.a]').alerts.rules["a"].zone == "Europe/Riga"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fals_alarms = 1", "unknown key 'fals_alarms'; did you mean 'false_alarms'"),
        ("false_alarms = 0", "false_alarms must be more than 0 and at most 30"),
        ("false_alarms = nan", "false_alarms must be more than 0"),
        ('when = "spiek"', "when = 'spiek': Input should be 'spike', 'threshold'"),
        ("count = 5", r'count means nothing with when = "spike"; take it out, or write when = "th'),
        ('when = "threshold"', "either a count or a share"),
        ('when = "threshold"\ncount = 5\nshare = 0.5', "either a count or a share"),
        ('when = "threshold"\nshare = 40', "share must be more than 0 and at most 1"),
        ('when = "drop"', "scale is missing"),
        ('when = "drop"\nscale = "nps"\nconfidence = 95', "confidence must be from 0.5"),
        ('when = "instant"', "every answer would be told"),
        ('when = "instant"\nscale = "nps"', "scale and at_most need each other"),
        ('when = "instant"\nscale = "nps"\nat_most = 10', "at_most must be from 0 to below 10"),
        ('when = "instant"\nlabel = "negative"\ncooldown = "1h"', "cooldown means nothing with"),
        ('pending_for = "soon"', "pending_for = 'soon' is no interval"),
        ("pending_for = 5", "pending_for = '5' is no interval"),
        ('within = "999999999999d"\nwhen = "outage"', "longer than can be counted"),
        ('bucket = "fortnight"', "bucket = 'fortnight': Input should be 'hour', 'day' or 'week'"),
        ('query = "(late"', "query: .*at character"),
        ('zone = "Mars"', "zone: 'Mars' is no time zone"),
        ('quiet_hours = "22-07"', "quiet_hours = '22-07' is no part of a day"),
        ('quiet_hours = "07:00-07:00"', "is no part of a day"),
        ('quiet_days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]', "leaves no day"),
        ('channels = ["taem"]', "there is no channel 'taem'"),
        ('escalation = ["team"]', "escalation must be with an escalate_after"),
        ('inhibits = ["b*"]', "there is no other rule"),
    ],
)
def test_a_mistake_in_a_rule_is_named_with_its_file_and_table(text, message):
    with pytest.raises(ConfigError, match=rf"listening.toml: \[alerts.rules.a\].*{message}"):
        rule(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[alerts]\nrule = {}", r"\[alerts\]: unknown key 'rule'; did you mean 'rules'"),
        ("[alerts]\nrules = 1", r"\[alerts.rules\] must be a table"),
        ("alerts = 1", r"\[alerts\] must be a table"),
        ("[alerts.rules]\na = 1", r"\[alerts.rules.a\] must be a table"),
        ("[alerts.channels.a]", r"\[alerts.channels.a\] needs either apprise"),
        (
            '[alerts.channels.a]\nwebhook = { env = "W" }',
            r"\[alerts.channels.a\] needs either apprise",
        ),
        ('[alerts.channels.a]\napprise = "slack://T/B/x"', "apprise is a secret"),
    ],
)
def test_a_mistake_around_the_rules_is_named(text, message):
    with pytest.raises(ConfigError, match=message):
        load(text)


def test_rules_that_would_silence_each_other_are_refused():
    with pytest.raises(ConfigError, match="goes round in a circle"):
        load('[alerts.rules.a]\ninhibits = ["*"]\n[alerts.rules.b]\ninhibits = ["a"]')


def test_a_rule_with_a_star_does_not_silence_itself():
    found = load('[alerts.rules.a]\ninhibits = ["*"]\n[alerts.rules.b]').alerts.rules

    assert found["a"].silences(found["b"])
    assert not found["a"].silences(found["a"])


def test_labels_are_what_all_alerts_of_a_rule_share_and_none_is_empty():
    made = Rule(name="a", owner="care", brand=("Sēlija",), source=("x", "news"))

    assert made.labels == {
        "rule": "a",
        "severity": "warning",
        "owner": "care",
        "brand": "Sēlija",
    }


NIGHT = Rule(name="a", quiet_hours="22:00-07:00", zone="Europe/Riga")


@pytest.mark.parametrize(
    ("made", "now", "loud"),
    [
        (NIGHT, "2026-03-10T12:00+00:00", "2026-03-10T12:00+00:00"),
        (NIGHT, "2026-03-10T20:00+00:00", "2026-03-11T05:00+00:00"),
        (NIGHT, "2026-03-11T04:59+00:00", "2026-03-11T05:00+00:00"),
        # The night in which the clock goes forward is an hour shorter, the other one longer.
        (NIGHT, "2026-03-28T22:00+00:00", "2026-03-29T04:00+00:00"),
        (NIGHT, "2026-10-24T22:00+00:00", "2026-10-25T05:00+00:00"),
        (
            Rule(name="a", quiet_hours="12:00-13:00"),
            "2026-03-10T12:30+00:00",
            "2026-03-10T13:00+00:00",
        ),
        (
            Rule(name="a", quiet_hours="22:00-07:00", quiet_days=(Day.SAT, Day.SUN)),
            "2026-03-13T23:00+00:00",  # a Friday
            "2026-03-16T07:00+00:00",
        ),
    ],
)
def test_quiet_hours_end_when_the_clock_on_the_wall_says_so(made, now, loud):
    assert made.loud(datetime.fromisoformat(now)) == datetime.fromisoformat(loud)


CLOCK = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))


@given(
    start=CLOCK,
    end=CLOCK,
    days=st.sets(st.sampled_from(Day), max_size=6),
    zone=st.sampled_from(["UTC", "Europe/Riga", "America/St_Johns", "Australia/Lord_Howe"]),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds it
)
def test_quiet_hours_always_end_within_a_week_and_then_are_over(start, end, days, zone, now):
    if start == end:
        return
    made = Rule(name="a", quiet_hours=f"{start}-{end}", quiet_days=tuple(days), zone=zone)
    loud = made.loud(now)

    assert now <= loud <= now + timedelta(days=8)
    assert made.loud(loud) == loud
    assert (loud == now) == (made._quiet_until(now.astimezone(ZoneInfo(zone))) is None)
