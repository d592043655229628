"""The search for the crf that a quality target asks for."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import quality
from izumi.domain.profile import Codec


def search(score: Callable[[int], float], target: float, codec: Codec = "h264") -> dict[int, float]:
    trials: dict[int, float] = {}
    while (crf := quality.next_crf(trials, target, codec)) is not None:
        assert crf not in trials
        trials[crf] = score(crf)
    return trials


@given(st.floats(60, 99), st.floats(0.2, 3.0), st.sampled_from(["h264", "hevc", "av1"]))
def test_the_highest_crf_that_is_good_enough_is_found_in_few_trials(
    target: float, slope: float, codec: Codec
) -> None:
    def score(crf: int) -> float:
        return 100 - slope * crf

    trials = search(score, target, codec)
    assert len(trials) <= quality.MOST_TRIALS
    found = quality.chosen(trials, target)
    lowest, highest = quality._RANGES[codec]
    if score(lowest) >= target:
        assert score(found) >= target
        assert found == highest or score(found + 1) < target
    else:
        assert found == lowest


def test_scores_that_rise_and_fall_end_the_search_too():
    assert len(search(lambda crf: 95.0 + crf % 3 - 1, 95.0)) <= quality.MOST_TRIALS


def test_the_best_that_was_tried_is_taken_where_nothing_is_good_enough():
    assert quality.chosen({18: 90.0, 12: 93.0, 8: 94.0}, 95.0) == 8


@pytest.mark.parametrize("duration_s", [0.5, 17.0, 19.0, 1440.0])
def test_samples_lie_apart_inside_the_film(duration_s):
    spans = quality.samples(duration_s)
    assert spans[0].at_s >= 0
    assert spans[-1].at_s + spans[-1].length_s <= duration_s
    assert all(one.at_s + one.length_s <= two.at_s for one, two in pairwise(spans))


def test_the_score_is_read_from_the_log_and_nothing_else():
    lines = ["[Parsed_libvmaf_4] [info] VMAF score: 94.125000", "frame=1"]
    assert quality.score(lines) == 94.125
    assert quality.score(["VMAF says nothing"]) is None
