"""Which groups a step takes: the bound on their age, under random schedules."""

from __future__ import annotations

import heapq
import random
from collections import Counter

import pytest

from r1lite.rl.admission import Admission


def simulated(seed: int, *, slow_share: float = 0.3, discarded_share: float = 0.0) -> tuple[int, list[int], bool]:
    """A whole run with random sizes, delays and times of training: its lag, the age of every group, and whether one was passed over."""
    random_ = random.Random(seed)
    per_step, lag, steps = random_.randint(1, 6), random_.randint(0, 6), random_.randint(1, 12)
    admission = Admission(per_step=per_step, lag=lag, last=steps)
    asked: dict[int, int] = {}
    running: list[tuple[float, int]] = []
    now, ages, passed_over = 0.0, [], False
    for step in range(1, steps + 1):
        while admission.may_ask(step - 1):
            place = admission.ask(step - 1)
            asked[place] = step - 1
            seconds = random_.random() if random_.random() > slow_share else 50 * random_.random()
            heapq.heappush(running, (now + seconds, place))
        while (taken := admission.take()) is None:
            assert running, "it waits for groups, and none is in progress"
            now, place = heapq.heappop(running)
            admission.finish(place)
            if random_.random() < discarded_share:
                admission.discard(place)
                while admission.may_ask(step - 1):
                    asked[place := admission.ask(step - 1)] = step - 1
                    heapq.heappush(running, (now + random_.random(), place))
        assert len(taken) == per_step
        passed_over = passed_over or any(waiting < max(taken) for waiting in admission.due)
        ages += [step - 1 - asked[place] for place in taken]
        now += 3 * random_.random()  # training
        while running and running[0][0] <= now:
            admission.finish(heapq.heappop(running)[1])
    assert not admission.due, "groups were asked for that no step trains"
    return lag, ages, passed_over


def test_no_group_is_older_than_the_lag_under_ten_thousand_schedules() -> None:
    runs = [simulated(seed) for seed in range(10_000)]
    assert all(0 <= age <= lag for lag, ages, _ in runs for age in ages)
    assert sum(passed for _, _, passed in runs) > 5_000  # slow groups do not hold up the others
    reached = Counter(lag for lag, ages, _ in runs if max(ages) == lag)
    assert min(reached[lag] for lag in range(7)) > 200  # the bound is not looser than the groups' ages


def test_the_bound_holds_where_finished_groups_are_replaced_by_others() -> None:
    runs = [simulated(seed, discarded_share=0.3) for seed in range(3_000)]
    assert all(0 <= age <= lag for lag, ages, _ in runs for age in ages)


def test_a_slow_group_is_passed_over_until_it_is_due() -> None:
    admission = Admission(per_step=2, lag=1, last=10)
    slow, *quick = [admission.ask(0) for _ in range(4)]
    assert not admission.may_ask(0)
    for place in quick:
        admission.finish(place)
    assert admission.take() == quick[:2]
    assert admission.may_ask(1)
    young = [admission.ask(1), admission.ask(1)]
    assert not admission.may_ask(1)
    for place in young:
        admission.finish(place)
    assert admission.take() is None  # it is due at step 2
    assert admission.overdue() == [slow]
    admission.finish(slow)
    assert admission.take() == [slow, quick[2]]


def test_a_discarded_group_makes_room_for_another() -> None:
    admission = Admission(per_step=1, lag=0, last=5)
    place = admission.ask(0)
    assert not admission.may_ask(0)
    admission.discard(place)
    assert admission.may_ask(0)
    assert not admission.finish(place)
    other = admission.ask(0)
    assert admission.finish(other)
    assert admission.take() == [other]


@pytest.mark.parametrize("lag", [0, 3])
def test_no_more_is_asked_for_than_the_run_trains(lag: int) -> None:
    admission = Admission(per_step=4, lag=lag, last=2)
    while admission.may_ask(0):
        admission.finish(admission.ask(0))
    assert admission.places == 4 * min(1 + lag, 2)
