"""Ctrl-C and SIGTERM are obeyed while the network computes, not only between its windows."""

from __future__ import annotations

import _thread
import threading
import time

import numpy as np
import pytest

from monai_inpaint.engines import load_engine
from monai_inpaint.registry import find_bundle


def test_an_interrupt_is_heard_while_the_network_computes() -> None:
    engine = load_engine("openvino", find_bundle("mr"))
    windows = np.ones((60, 6, 128, 128), np.float32)
    engine.run(windows)  # the first one takes longer
    start = time.perf_counter()
    whole = engine.run(windows)
    seconds = time.perf_counter() - start

    threading.Timer(0.1 * seconds, _thread.interrupt_main).start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        engine.run(windows)

    assert time.perf_counter() - start < 0.7 * seconds
    assert np.array_equal(engine.run(windows), whole)  # the engine goes on working
