"""Quantiles of binned durations against those of the durations themselves."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.analytics import bins

QUANTILES = (0.0, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0)
MICROSECOND, DAY = 0.001, 86_400_000.0

# As long as something may take: nothing at all, a few microseconds, hours.
durations = st.one_of(
    st.just(0.0),
    st.floats(MICROSECOND, 1),
    st.floats(1, 60_000),
    st.floats(60_000, DAY),
    st.integers(0, 100).map(float),
    # Where one bin ends and the next begins.
    st.integers(0, 663).map(lambda k: min(DAY, MICROSECOND * ((1 + bins.ALPHA) / (1 - bins.ALPHA)) ** k)),
)


def exact(durations: list[float], q: float) -> float:
    """As PERCENTILE_CONT has it."""
    durations = sorted(durations)
    rank = q * (len(durations) - 1)
    nth, rest = divmod(rank, 1)
    below = durations[int(nth)]
    return below + rest * (durations[min(int(nth) + 1, len(durations) - 1)] - below)


def counted(durations: list[float]) -> Counter[str]:
    return Counter(map(bins.attribute, durations))


@settings(deadline=None)
@given(st.lists(durations, min_size=1, max_size=60))
@example([1.0])
@example([0.0] * 5 + [DAY] * 6)
@example([float(n * n) for n in range(11)])
def test_a_quantile_is_within_2_per_cent_of_the_exact_one(durations: list[float]) -> None:
    found = counted(durations)
    for q in QUANTILES:
        assert bins.quantile(found, q) == pytest.approx(exact(durations, q), rel=0.02, abs=1e-12)


def test_it_lies_between_the_two_neighbouring_ranks() -> None:
    # 11 durations: of ranks 0 to 10, the median is rank 5, and p95 half way from rank 9 to rank 10.
    durations = [1.0] * 10 + [1000.0]
    assert bins.quantile(counted(durations), 0.5) == pytest.approx(1, rel=0.02)
    assert bins.quantile(counted(durations), 0.95) == pytest.approx(500.5, rel=0.02)


@settings(deadline=None)
@given(st.lists(durations, max_size=30), st.lists(durations, max_size=30))
def test_hours_add_up_to_a_day(first: list[float], second: list[float]) -> None:
    assert counted(first) + counted(second) == counted(first + second)
    both = counted(first + second)
    found = [bins.quantile(both, q) for q in QUANTILES]
    told = [each for each in found if each is not None]
    assert len(told) == (len(QUANTILES) if first or second else 0)
    assert all(one <= other for one, other in pairwise(told))


@settings(deadline=None)
@given(st.lists(durations, min_size=1))
def test_the_mean_is_within_2_per_cent(durations: list[float]) -> None:
    assert bins.mean(counted(durations)) == pytest.approx(sum(durations) / len(durations), rel=0.02, abs=1e-12)


def test_there_are_few_bins() -> None:
    everyday = {bins.attribute(ms) for ms in range(1, 60_000)}
    assert len(everyday) < 300
    assert {bins.attribute(0), bins.attribute(0.0009)} == {"h0"}
    assert {bins.attribute(DAY), bins.attribute(DAY * 400), bins.attribute(float("inf"))} == {"h663"}


@pytest.mark.parametrize(("name", "is_bin"), [("h0", True), ("h663", True), ("n", False), ("hits", False)])
def test_bins_are_told_from_what_else_a_row_has(name: str, is_bin: bool) -> None:  # noqa: FBT001  # parametrised
    assert bins.is_bin(name) is is_bin
