"""What a rule or a limit would have changed, before anybody saves it: the reservations of the last thirty days are
asked about again, each as of the moment when it was asked for.

Said apart: what would have been refused, and what would have waited for a yes. What was refused already, or let
through by the team against the rule that holds now, is not laid to the new one. Credits and the notice to cancel are
not gone through again. The rules themselves are the pure ones of rules.py.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from machines.models import BookingPolicy, BookingSettings
from machines.policies import settings_in_force
from people.groups import day_at
from people.models import Person, Site
from reservations import rules, rules_of_people
from reservations.messages import Sentence
from reservations.messages_about import sentence_about
from reservations.models import Quota
from reservations.preview_rows import DAYS_BACK, MOST_ROWS, Asked, Past, past_of
from reservations.quotas import Holding, amount_in, counts, decisive, names_of, peak_times, quota_key, spans_of
from reservations.rule_facts import BookingFacts, PersonFact, QuotaFact

__all__ = ["DAYS_BACK", "MOST_ROWS", "Preview", "WouldBeRefused", "preview_policy", "preview_quota"]

# Those that look at a policy's values, and at nothing that has changed since.
RULES: tuple[rules.Rule, ...] = (
    rules_of_people.age_limit,
    rules_of_people.guardian_required,
    rules_of_people.membership_required,
    rules_of_people.too_many_open,
    rules.too_short,
    rules.too_long,
    rules.off_grid,
    rules.too_soon,
    rules.too_far,
)
# Longer pauses are compared with what lies within a month.
LONGEST_REST = dt.timedelta(days=31)


@dataclass(frozen=True, slots=True)
class WouldBeRefused:
    """One reservation of the past, and why it would not have been made."""

    asked: Asked
    sentences: tuple[Sentence, ...]


@dataclass(slots=True)
class Preview:
    """`count` is how many were looked at, the newest first where there are more (`is_cut`)."""

    count: int
    is_cut: bool
    refused: list[WouldBeRefused] = field(default_factory=list)
    waiting_count: int = 0

    @property
    def refused_ids(self) -> set[int]:
        return {each.asked.pk for each in self.refused}


def preview_policy(*, policy: BookingPolicy, sites: Sequence[Site], now: dt.datetime) -> Preview:
    """What would have been refused at these sites with the policy, saved or not, in place of how it is kept. At most
    11 queries."""
    past = past_of(policy, sites, now, around=LONGEST_REST)
    kept = list(BookingPolicy.objects.all())
    wanted = [row for row in kept if row.pk != policy.pk] + [policy]
    preview = Preview(len(past.rows), past.is_cut)
    for asked in past.rows:
        groups = past.groups_of(asked.holder, asked, day_at(asked.site, asked.at))
        before, _where = settings_in_force(asked.machine, groups, kept)
        after, _where = settings_in_force(asked.machine, groups, wanted)
        if before == after:
            continue
        known = {denial.code for denial in _denials(asked, past, before, ())}
        denials = [d for d in _denials(asked, past, after, preview.refused_ids) if d.code not in known]
        if denials:
            preview.refused.append(_refused(asked, denials))
        elif after.needs_approval and not before.needs_approval and not past.is_by_the_team(asked):
            preview.waiting_count += 1
    return preview


def preview_quota(*, quota: Quota, sites: Sequence[Site], now: dt.datetime) -> Preview:
    """What would have been refused at these sites with the limit, saved or not, in place of how it is kept.

    Counted anew in the order in which it was asked for: what would have been refused does not count afterwards. At
    most 11 queries, and one for each site where peak hours are counted.
    """
    past = past_of(quota, sites, now, around=dt.timedelta(days=366))
    kept = list(Quota.objects.select_related("category", "machine"))
    wanted = [row for row in kept if row.pk != quota.pk] + [quota]
    keys = {quota_key(quota), *(quota_key(row) for row in kept if row.pk == quota.pk)}
    preview = Preview(len(past.rows), past.is_cut)
    counter = _Counter(past)
    for asked in past.rows:
        for person in asked.people:
            groups = past.groups_of(person, asked, asked.day)
            before = [row for row in decisive(_about(kept, asked), groups) if quota_key(row) in keys]
            after = [row for row in decisive(_about(wanted, asked), groups) if quota_key(row) in keys]
            if [_said(row) for row in before] == [_said(row) for row in after]:
                continue
            known = {d.code for d in _passed(asked, person, counter.facts(asked, person, before, ()))}
            now_held = counter.facts(asked, person, after, preview.refused_ids)
            denials = [d for d in _passed(asked, person, now_held) if d.code not in known]
            if denials:
                preview.refused.append(_refused(asked, denials))
                break
    return preview


def _refused(asked: Asked, denials: Sequence[Denial]) -> WouldBeRefused:
    who = asked.holder
    return WouldBeRefused(asked, tuple(sentence_about(denial, who or Person()) for denial in denials))


def _denials(asked: Asked, past: Past, settings: BookingSettings, gone: Collection[int]) -> list[Denial]:
    """What the rules would have said at the moment it was asked for, with these settings."""
    person = asked.holder
    of_kind: tuple[Interval, ...] = ()
    if person is not None and settings.rest and asked.holder_comes:
        of_kind = tuple(
            row.holding.time
            for row in past.holdings_of(person, asked, gone)
            if row.holding.category_id == asked.machine.category_id
        )
    fact = None
    if person is not None:
        fact = PersonFact(
            birth_year=person.birth_year,
            has_plan=past.book.has_plan(person, asked.day),
            guardian_comes=any(other.pk == person.guardian_id for other in asked.companions),
        )
    facts = BookingFacts(
        zone=asked.site.zone, settings=settings, opening=(), purpose=asked.purpose, person=fact, of_kind=of_kind,
        changes_from=asked.changes_from,
    )  # fmt: skip
    return [denial for rule in RULES for denial in rule(facts, asked.time, asked.at)]


def _about(quotas: Sequence[Quota], asked: Asked) -> list[Quota]:
    return [row for row in quotas if counts(row, asked.as_holding)]


def _said(quota: Quota) -> tuple[object, ...]:
    return (*quota_key(quota), quota.most)


def _passed(asked: Asked, person: Person, quotas: tuple[QuotaFact, ...]) -> list[Denial]:
    """The limits that it would have passed, said of the person by name."""
    facts = BookingFacts(
        # Of the two rules only what they say of limits is wanted: an extension wants no pause before it.
        zone=asked.site.zone,
        settings=asked.machine.usual_booking,
        opening=(),
        quotas=quotas,
        purpose=rules.Purpose.EXTEND,
    )
    found = [
        denial
        for rule in (rules_of_people.quota_exceeded, rules_of_people.too_many_open)
        for denial in rule(facts, asked.time, asked.at)
    ]
    return [Denial(denial.code, {**denial.params, "who": str(person)}) for denial in found]


@dataclass(slots=True)
class _Counter:
    """Counts what somebody held of each limit when they asked; the peak hours of a site are read once."""

    past: Past
    peaks: dict[int, list[Interval]] = field(default_factory=dict)

    def facts(
        self, asked: Asked, person: Person, quotas: Sequence[Quota], gone: Collection[int]
    ) -> tuple[QuotaFact, ...]:
        if not quotas:
            return ()
        held = [row.as_of(asked.at) for row in self.past.holdings_of(person, asked, gone)]
        return tuple(
            self._fact(asked, quota, [row for row in held if counts(quota, row)], span)
            for quota in quotas
            for span in spans_of(quota, asked.time, asked.at, asked.site.zone)
        )

    def _fact(self, asked: Asked, quota: Quota, held: Sequence[Holding], span: Interval) -> QuotaFact:
        peak = self._peak(asked) if quota.is_peak_only else []
        return QuotaFact(
            measure=quota.measure,
            period=quota.period,
            most=quota.most,
            held=amount_in(quota, held, span, peak),
            asked=amount_in(quota, [asked.as_holding], span, peak),
            is_peak_only=quota.is_peak_only,
            names=names_of(quota),
        )

    def _peak(self, asked: Asked) -> list[Interval]:
        if asked.site.pk not in self.peaks:
            self.peaks[asked.site.pk] = peak_times(asked.machine, self.past.window)
        return self.peaks[asked.site.pk]
