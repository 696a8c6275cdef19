"""How long to wait before the next attempt. Pure: randomness comes in as an argument."""

SLOW_BASE_S = 30.0
SLOW_CAP_S = 300.0
SLOW_FLOOR_S = 3.0


def slow_delay(attempt: int, random: float) -> float:
    """Seconds before quiet attempt number `attempt` (from 0), by full jitter.

    `random` is uniform in [0, 1). The window doubles from 30 s to 5 min; the delay is drawn from the whole of it, so
    that outlets which failed together do not come back together. It is never under 3 s.
    """
    window = min(SLOW_CAP_S, SLOW_BASE_S * 2.0 ** min(attempt, 10))
    return max(SLOW_FLOOR_S, random * window)
