"""Learning-rate schedule: warm up, hold, decay to zero."""

from __future__ import annotations

from collections.abc import Callable


def warm_hold_decay(steps: int, warm_up: int = 50, decay: float = 0.25) -> Callable[[int], float]:
    """Return a factor for `torch.optim.lr_scheduler.LambdaLR`: linear up, constant, linear down.

    What is learned before the end does not depend on when that comes, so a training can go on for days, and be ended
    from any state of it, by a training with `decay=1` (Hägele et al. 2024, Scaling Laws and Compute-Optimal Training
    Beyond Fixed Training Durations).

    Args:
        steps: of the whole training.
        warm_up: steps on the way up.
        decay: share of the steps on the way down; 0 where the training goes on another time.
    """

    def factor(step: int) -> float:
        left = (steps - step) / (decay * steps) if decay else 1.0
        return max(min((step + 1) / (warm_up + 1), left, 1.0), 0.0)

    return factor
