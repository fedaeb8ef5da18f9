"""The bench's table: what a row says of the runs."""

import pytest

from bench.table import MEDIA, WARM, Figure, Places, rendered


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([7], "7 s"),
        ([7.0, 7.0], "7 s"),
        ([2.156], "2.16 s"),
        ([47.5], "47.5 s"),
        ([261.9], "262 s"),
        ([1436.2], "1,436 s"),
        ([3.14, 3.0, 3.26], "3.1 (3.0-3.3) s"),
        ([0.4, 0.421, 0.45], "0.42 (0.40-0.45) s"),
        ([9.94, 9.96, 9.7], "9.9 (9.7-10) s"),
        ([0.996, 0.99, 1.04], "1.0 (0.99-1.0) s"),
        ([1855.2, 1792.0, 1972.4], "1,855 (1,792-1,972) s"),
        # A spread that two digits do not show is none.
        ([58.1, 58.2, 58.3], "58 s"),
    ],
)
def test_runs_are_told_by_their_median_and_their_ends(runs: list[float], said: str) -> None:
    assert Figure(WARM, "name", "s", [runs], [[1]], "floor").row() == f"| name | {said} | 1 s | floor |"


def test_a_row_may_hold_several_measures_or_no_floor() -> None:
    assert Figure(WARM, "a · b", "WCU", [[7], [3]], [[1]], "one").row() == "| a · b | 7 · 3 WCU | 1 WCU | one |"
    assert Figure(WARM, "rate", "", [[7]], [], "none here").row() == "| rate | 7 |  | none here |"


def test_a_table_has_the_groups_that_were_measured_in_their_order_and_below_it_where_it_goes() -> None:
    media, warm = Figure(MEDIA, "m", "s", [[2]], [[1]], "x"), Figure(WARM, "w", "s", [[2]], [[1]], "x")
    places = Places("a report", {"ours": 1, "botocore": 3, **dict.fromkeys("abcdef", 0.001)})
    assert rendered([media, places, warm]).splitlines() == [
        "| | measured | floor or peer | which is |",
        "| --- | --- | --- | --- |",
        f"| {WARM} | | | |",
        warm.row(),
        f"| {MEDIA} | | | |",
        media.row(),
        "",
        "Where it goes:",
        "",
        "- a report: botocore 75%, ours 25%, a 0%, b 0%, c 0%, d 0%.",
    ]


def test_a_table_alone_says_nothing_of_where_it_goes() -> None:
    assert "Where" not in rendered([Figure(WARM, "w", "s", [[2]], [[1]], "x")])
