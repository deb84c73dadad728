"""The schedule of an unpaid renewal."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backbeat.domain.dunning import Action, Doing, actions, following
from backbeat.models.dunning import Dunning, DunningPolicy

BEGAN = datetime(2025, 2, 15, 12, tzinfo=UTC)
DAYS = st.lists(st.integers(0, 90), max_size=10).map(tuple)


def unpaid(policy: DunningPolicy) -> Dunning:
    return Dunning(operation_id="op", entity_id="ada", began_at=BEGAN, policy=policy)


def on(day: int, doing: Doing) -> Action:
    return Action(BEGAN + timedelta(days=day), doing)


def test_the_usual_policy() -> None:
    assert actions(unpaid(DunningPolicy())) == [
        on(0, Doing.REMIND),
        on(1, Doing.RETRY),
        on(3, Doing.RETRY),
        on(3, Doing.REMIND),
        on(5, Doing.RETRY),
        on(7, Doing.RETRY),
        on(7, Doing.REMIND),
        on(12, Doing.REMIND),
        on(14, Doing.END),
    ]


def test_what_is_done_is_not_done_again() -> None:
    begun = unpaid(DunningPolicy(retry_after_days=(2,), remind_after_days=(), grace_days=3))
    retried = begun.model_copy(update={"done": 1})
    assert following(begun) == on(2, Doing.RETRY)
    assert following(retried) == on(3, Doing.END)
    assert following(retried.model_copy(update={"done": 2})) is None
    assert following(begun.model_copy(update={"ended": True})) is None


@given(retries=DAYS, reminders=DAYS, grace=st.integers(1, 90))
def test_the_end_is_last_and_there_is_one(
    retries: tuple[int, ...], reminders: tuple[int, ...], grace: int
) -> None:
    planned = actions(
        unpaid(
            DunningPolicy(retry_after_days=retries, remind_after_days=reminders, grace_days=grace)
        )
    )
    assert [action.doing for action in planned].count(Doing.END) == 1
    assert planned[-1] == on(grace, Doing.END)
    assert list(planned) == sorted(planned)
