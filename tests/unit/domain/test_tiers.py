"""What changes of plan cost, when they are made, and what plans allow."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbeat.domain.tiers import catalogue, changes, entitlements, proration
from backbeat.domain.tiers.catalogue import BUILT_IN
from backbeat.models.accounts import Subscription, SubscriptionStatus
from backbeat.models.errors import Conflict, InvalidArgument
from backbeat.models.tiers import Cadence, Plan, Proration, Quote, When

JANUARY = datetime(2025, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2025, 2, 1, tzinfo=UTC)
MONTHLY, YEARLY = Cadence.MONTHLY, Cadence.YEARLY
POLICIES = list(Proration)


def plan(tier: str, cadence: Cadence = MONTHLY) -> Plan:
    return catalogue.plan(BUILT_IN, tier, cadence)


def subscribed(
    tier: str,
    cadence: Cadence = MONTHLY,
    *,
    start: datetime = JANUARY,
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE,
) -> Subscription:
    return Subscription(
        plan=plan(tier, cadence),
        status=status,
        anchor=start,
        starting_at=start,
        ending_before=proration.period_after(start, cadence, start),
    )


def changed(
    before: Subscription,
    tier: str,
    cadence: Cadence,
    at: datetime,
    policy: Proration = Proration.DAILY,
) -> Quote:
    return proration.change(before, plan(tier, cadence), at, policy)


class TestPrices:
    def test_seventeen_of_thirty_one_days(self) -> None:
        # 20 × 17/31 = 10.96774…
        quote = changed(subscribed("pro"), "team", MONTHLY, FEBRUARY - timedelta(days=17))
        assert quote.net == Decimal("10.97")
        assert (quote.days_left, quote.days_total) == (17, 31)
        assert (quote.starting_at, quote.ending_before) == (JANUARY, FEBRUARY)

    def test_monthly_to_yearly_on_the_first_day(self) -> None:
        # 290.00 - 9.00
        quote = changed(subscribed("pro"), "team", YEARLY, JANUARY)
        assert [quote.net, quote.unused, quote.wanted] == [281, 9, 290]
        assert quote.ending_before == datetime(2026, 1, 1, tzinfo=UTC)

    def test_the_old_period_is_valued_at_its_own_cadence(self) -> None:
        # A year of 365 days at 90, of which 73 are left: 90/5 = 18. A month of Team costs 29.
        before = subscribed("pro", YEARLY)
        at = before.ending_before - timedelta(days=73)
        assert changed(before, "team", MONTHLY, at).net == 11

    def test_days_begun_count_whole_and_seconds_do_not(self) -> None:
        at = FEBRUARY - timedelta(days=16, hours=12)
        before = subscribed("pro")
        assert changed(before, "team", MONTHLY, at).net == Decimal("10.97")
        # 20 × 16.5/31 = 10.64516…
        exact = changed(before, "team", MONTHLY, at, Proration.PER_SECOND)
        assert (exact.net, exact.days_left) == (Decimal("10.65"), None)

    def test_half_a_cent_is_rounded_up_either_way(self) -> None:
        assert proration.rounded(Decimal("0.005")) == Decimal("0.01")
        assert proration.rounded(Decimal("-0.005")) == Decimal("-0.01")

    def test_a_month_of_a_year(self) -> None:
        # 90/12 and 290/12 = 24.1666…
        assert proration.per_month(Decimal(90)) == Decimal("7.50")
        assert proration.per_month(Decimal(290)) == Decimal("24.17")

    def test_from_free_a_period_begins(self) -> None:
        at = JANUARY + timedelta(days=9)
        quote = changed(subscribed("free"), "pro", MONTHLY, at)
        assert quote.net == 9
        assert (quote.starting_at, quote.anchor) == (at, at)

    @given(
        hours=st.integers(0, 31 * 24 - 1),
        policy=st.sampled_from(POLICIES),
        tiers=st.permutations(["pro", "team"]),
    )
    def test_there_and_back_costs_nothing(
        self, hours: int, policy: Proration, tiers: list[str]
    ) -> None:
        at = JANUARY + timedelta(hours=hours)
        there = changed(subscribed(tiers[0]), tiers[1], MONTHLY, at, policy)
        back = changed(subscribed(tiers[1]), tiers[0], MONTHLY, at, policy)
        assert there.net + back.net == 0
        assert abs(there.net) <= 20

    @given(
        first=st.integers(0, 31 * 24 - 1),
        second=st.integers(0, 31 * 24 - 1),
        policy=st.sampled_from(POLICIES),
    )
    def test_the_later_the_less(self, first: int, second: int, policy: Proration) -> None:
        sooner, later = sorted([first, second])
        costs = [
            changed(
                subscribed("pro"), "team", MONTHLY, JANUARY + timedelta(hours=hours), policy
            ).net
            for hours in (sooner, later)
        ]
        assert costs[0] >= costs[1] >= 0

    @given(
        hours=st.integers(0, 31 * 24 - 1),
        policy=st.sampled_from(POLICIES),
        cadence=st.sampled_from(Cadence),
    )
    def test_an_end_gives_back_what_the_way_to_free_does(
        self, hours: int, policy: Proration, cadence: Cadence
    ) -> None:
        subscription, at = subscribed("team", cadence), JANUARY + timedelta(hours=hours)
        ended = proration.ending(subscription, at, policy)
        assert ended.net == changed(subscription, "free", cadence, at, policy).net < 0
        assert ended.ending_before == at

    @pytest.mark.parametrize("status", [SubscriptionStatus.PAST_DUE, SubscriptionStatus.INCOMPLETE])
    def test_of_what_is_not_paid_nothing_is_given_back(self, status: SubscriptionStatus) -> None:
        subscription = subscribed("team", status=status)
        assert proration.ending(subscription, JANUARY, Proration.DAILY).net == 0


class TestPeriods:
    def test_short_months_do_not_shorten_the_next(self) -> None:
        anchor = datetime(2025, 1, 31, 12, tzinfo=UTC)
        ends = [anchor]
        for _ in range(3):
            ends.append(proration.period_after(anchor, MONTHLY, ends[-1]))
        assert [(end.month, end.day) for end in ends[1:]] == [(2, 28), (3, 31), (4, 30)]

    @given(days=st.integers(0, 3000), later=st.integers(0, 3000), cadence=st.sampled_from(Cadence))
    def test_a_period_ends_after_it_begins_and_within_its_length(
        self, days: int, later: int, cadence: Cadence
    ) -> None:
        anchor = JANUARY + timedelta(days=days)
        start = anchor + timedelta(days=later)
        end = proration.period_after(anchor, cadence, start)
        assert start < end <= start + timedelta(days=31 if cadence is MONTHLY else 366)
        assert end.day == anchor.day or (end + timedelta(days=1)).day == 1

    def test_a_renewal_keeps_the_day(self) -> None:
        anchor = datetime(2025, 1, 31, tzinfo=UTC)
        quote = proration.renewal(subscribed("pro", start=anchor), plan("pro"))
        assert quote.net == 9
        assert quote.anchor == anchor
        assert quote.starting_at == datetime(2025, 2, 28, tzinfo=UTC)
        assert quote.ending_before == datetime(2025, 3, 31, tzinfo=UTC)


class TestWhen:
    NOW = JANUARY + timedelta(days=3)

    def at(
        self,
        before: Subscription,
        after: Plan,
        when: When = When.AUTOMATIC,
        date: datetime | None = None,
    ) -> datetime | None:
        return changes.effective_at(BUILT_IN, before, after, when=when, date=date, now=self.NOW)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (subscribed("pro"), plan("team")),
            (subscribed("free"), plan("pro", YEARLY)),
            (subscribed("pro"), plan("pro", YEARLY)),
            (subscribed("pro", YEARLY), plan("team")),
        ],
    )
    def test_upgrades_are_made_at_once(self, before: Subscription, after: Plan) -> None:
        assert self.at(before, after) is None
        assert self.at(before, after, When.PERIOD_END) == before.ending_before

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (subscribed("team"), plan("pro")),
            (subscribed("team"), plan("free")),
            (subscribed("pro", YEARLY), plan("pro")),
            (subscribed("team"), plan("pro", YEARLY)),
        ],
    )
    def test_downgrades_wait(self, before: Subscription, after: Plan) -> None:
        assert self.at(before, after) == before.ending_before
        assert self.at(before, after, When.NOW) is None

    def test_a_date_is_kept(self) -> None:
        before = subscribed("pro")
        on = JANUARY + timedelta(days=20)
        assert self.at(before, plan("team"), date=on) == on
        assert self.at(before, plan("team"), date=JANUARY) is None
        with pytest.raises(InvalidArgument, match="effectiveDate"):
            self.at(before, plan("team"), date=FEBRUARY + timedelta(hours=1))

    @pytest.mark.parametrize(
        "before",
        [
            subscribed("pro"),
            subscribed("team", status=SubscriptionStatus.CANCELED),
            subscribed("team", status=SubscriptionStatus.INCOMPLETE),
        ],
    )
    def test_what_cannot_be_changed(self, before: Subscription) -> None:
        with pytest.raises(Conflict):
            self.at(before, plan("pro"))

    def test_free_for_longer_is_the_same(self) -> None:
        with pytest.raises(Conflict):
            self.at(subscribed("free"), plan("free", YEARLY))


class TestCatalogue:
    def test_list_prices_take_no_quote_and_quotes_are_needed_without(self) -> None:
        with pytest.raises(InvalidArgument, match="quote"):
            catalogue.plan(BUILT_IN, "pro", MONTHLY, price=Decimal(1), credits_=Decimal(1))
        with pytest.raises(InvalidArgument, match="quote"):
            catalogue.plan(BUILT_IN, "enterprise", MONTHLY)
        with pytest.raises(InvalidArgument, match="free, pro, team, enterprise"):
            catalogue.plan(BUILT_IN, "gold", MONTHLY)

    @pytest.mark.parametrize(
        ("tier", "storage", "requests", "allowed"),
        [
            ("free", 15, 1_000, True),
            ("pro", 100, 10_000, True),
            ("team", 500, 50_000, True),
            ("free", 16, 1_001, False),
        ],
    )
    def test_limits(self, tier: str, storage: int, requests: int, allowed: bool) -> None:
        offered = entitlements.tier_in_force(BUILT_IN, subscribed(tier))
        wanted = {"maxStorageGB": storage, "maxInferenceRequests": requests}
        for name, quantity in wanted.items():
            assert entitlements.quantity(offered, name, quantity).allowed is allowed

    def test_no_limit(self) -> None:
        enterprise = catalogue.tier(BUILT_IN, "enterprise")
        assert entitlements.quantity(enterprise, "maxStorageGB", 10**9).allowed

    def test_features_grow_with_the_tier(self) -> None:
        lists = [set(tier.features) for tier in BUILT_IN.tiers[1:]]
        assert lists[0] < lists[1] < lists[2]
        pro = entitlements.tier_in_force(BUILT_IN, subscribed("pro"))
        assert entitlements.feature(pro, "private_repositories").allowed
        assert entitlements.feature(pro, "sla") == (False, "not_in_tier", None)

    def test_nothing_without_a_plan_in_force(self) -> None:
        canceled = subscribed("team", status=SubscriptionStatus.CANCELED)
        for subscription in (None, canceled):
            tier = entitlements.tier_in_force(BUILT_IN, subscription)
            assert entitlements.feature(tier, "analytics").allowed is False
            assert entitlements.quantity(tier, "maxStorageGB", 0).allowed is False
