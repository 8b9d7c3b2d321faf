"""The throttle of lines and deliveries: the first pass, the others are a number."""

from structlog.testing import capture_logs

from exporter.web.throttle import LINES_A_WINDOW, WINDOW_SECONDS, LineThrottle, Throttle

NOW = 1_790_000_000.0


def test_the_first_of_each_kind_pass() -> None:
    """In one window so many of each kind are let through, and the next window has its own."""
    throttle = Throttle(2, seconds=10)
    assert [throttle.admits("one", NOW + second) for second in range(4)] == [
        True,
        True,
        False,
        False,
    ]
    assert throttle.admits("other", NOW + 9.9)
    assert throttle.admits("one", NOW + 10)


def test_what_was_left_out_is_a_number_once() -> None:
    """It is known when its window is over, by kind, and not twice."""
    throttle = Throttle(1, seconds=10)
    for kind in ("one", "one", "one", "other"):
        throttle.admits(kind, NOW)
    assert throttle.left_out(NOW + 9) == {}
    assert throttle.left_out(NOW + 10) == {"one": 2}
    assert throttle.left_out(NOW + 11) == {}
    assert throttle.left_out() == {}


def test_at_the_end_the_last_window_is_over_too() -> None:
    """Without a time all is known, and a throttle can be used again afterwards."""
    throttle = Throttle(1, seconds=10)
    assert [throttle.admits("one", NOW) for _ in range(3)] == [True, False, False]
    assert throttle.left_out() == {"one": 2}
    assert throttle.admits("one", NOW)


def test_a_clock_that_was_set_back_ends_a_window() -> None:
    """A window from the future would let nothing through for as long as the clock was ahead."""
    throttle = Throttle(1, seconds=10)
    assert [throttle.admits("one", NOW + 9000) for _ in range(2)] == [True, False]
    assert throttle.admits("one", NOW)
    assert throttle.left_out(NOW) == {"one": 1}


def test_lines_left_out_are_a_line() -> None:
    """The summary names the kind and the number."""
    throttle = LineThrottle("thing.refused")
    with capture_logs() as lines:
        for _ in range(25):
            throttle.admits("one", NOW)
        throttle.summarise(NOW)
        assert lines == []
        throttle.summarise(NOW + WINDOW_SECONDS)
        throttle.summarise()
    assert lines == [
        {
            "event": "thing.refused_suppressed",
            "reason": "one",
            "count": 25 - LINES_A_WINDOW,
            "log_level": "warning",
        }
    ]
