"""Equalised learning rates (Karras et al. 2018, Progressive Growing of GANs, section 4.1)."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from torch import nn


def equalised(network: nn.Module, rate: float) -> list[dict[str, Any]]:
    """Group parameters for Adam such that all weights change by the same share of their first size in a step.

    The paper keeps weights of unit variance and divides them by the square root of the number of their inputs whenever
    they are used. As Adam's steps do not depend on the size of a gradient, dividing the rate instead is the same.

    Args:
        network: its weights began with a variance of 1 over the number of their inputs.
        rate: of such weights of unit variance; biases and other vectors have this rate.
    """
    groups = defaultdict(list)
    for values in network.parameters():
        groups[math.prod(values.shape[1:]) if values.ndim > 1 else 1].append(values)
    return [{"params": found, "lr": rate / math.sqrt(inputs)} for inputs, found in groups.items()]
