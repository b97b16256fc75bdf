"""Volumes are filled slab by slab where the network takes slabs."""

from __future__ import annotations

import numpy as np
import pytest
from filler_samples import engine_is, head, square

from monai_inpaint import Filler
from monai_inpaint.fill.flow import TIMES


class SlabMeans:
    """Takes slabs: fills with the mean of all that is known in the window, slices weighted alike."""

    channels = 6
    side = None

    def __init__(self) -> None:
        self.batches: list[np.ndarray] = []

    def run(self, windows: np.ndarray) -> np.ndarray:
        self.batches.append(windows)
        image, hole = windows[:, :1], windows[:, 1:2]
        axes = tuple(range(2, windows.ndim))
        known = (image * (1 - hole)).sum(axis=axes, keepdims=True) / (1 - hole).sum(axis=axes, keepdims=True)
        return np.where(hole > 0, known + windows[:, 2:3], image).astype(np.float32)

    def describe(self) -> dict[str, str]:
        return {"name": "slab means"}


@pytest.fixture
def slabs(monkeypatch: pytest.MonkeyPatch) -> SlabMeans:
    return engine_is(SlabMeans(), monkeypatch)


def test_a_network_of_volumes_sees_the_slices_beside_the_hole(slabs: SlabMeans) -> None:
    image, hole = np.zeros((40, 40, 30), np.float32), square((40, 40, 30), (10, 10, 12), 4)
    image[:, :, 16:] = 100.0
    fill = Filler("mr")(image, hole, spacing=(1.0, 1.0, 4.0))

    assert slabs.batches[0].shape == (1, 6, 4 + 2 * 8, 64, 64)
    assert (slabs.batches[0][:, 5] == 4.0).all()
    assert fill.image[hole].mean() == pytest.approx(100 * 8 / 20, abs=1.0)
    assert np.array_equal(fill.image[~hole], image[~hole])


def test_a_long_hole_is_filled_slab_by_slab_and_each_is_known_to_the_next(slabs: SlabMeans) -> None:
    hole = np.zeros((40, 40, 120), bool)
    hole[10:14, 10:14, 2:118] = True
    Filler("mr")(np.ones(hole.shape, np.float32), hole)

    depths = [batch.shape[2] for batch in slabs.batches]
    assert depths == [58, 58, 64, 64, 30, 30]  # each is seen as it is and mirrored
    second = slabs.batches[2][0]  # slices 42 to 105: those up to 49 are filled, 50 to 97 are to fill, the rest wait
    inside = (slice(None), slice(12, 52), slice(12, 52))  # the slice in its window
    assert second[1][inside].sum(axis=(1, 2)).tolist() == [0] * 8 + [16] * 56
    assert np.allclose(second[0][inside][:8], 1.0)


def test_the_best_estimate_of_slabs_prefers_no_side(slabs: SlabMeans, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = slabs.run
    monkeypatch.setattr(
        slabs, "run", lambda windows: plain(windows) + np.arange(64, dtype=np.float32) * windows[:, 1:2]
    )
    hole = square((40, 40, 30), (10, 10, 12), 4)
    filler = Filler("mr")

    best, sample = (filler(np.zeros(hole.shape, np.float32), hole, sample=sample).image for sample in (False, True))

    assert np.allclose(best[hole], 63 / 2)  # the network's own fill rises from side to side
    assert np.ptp(sample[hole]) > 2
    assert len(slabs.batches) == 2 + (2 + len(TIMES))


def test_wide_holes_are_filled_fewer_slices_at_a_time(slabs: SlabMeans) -> None:
    hole = np.zeros((300, 300, 60), bool)
    hole[20:200, 20:200, 10:50] = True  # too wide for a window: at half the resolution first
    Filler("mr")(np.ones(hole.shape, np.float32), hole)

    assert max(batch.shape[2] for batch in slabs.batches) == 16 + 2 * 8


def test_single_slices_fit_a_network_of_volumes(slabs: SlabMeans) -> None:
    image, hole = head(), square((160, 160), (60, 60), 20)
    fill = Filler("mr")(image, hole)

    assert slabs.batches[0].shape == (1, 5, 128, 128)
    assert np.array_equal(fill.image[~hole], image[~hole])


def test_a_sampled_slice_has_the_same_noise_in_a_slab_as_alone(slabs: SlabMeans) -> None:
    hole = square((40, 40, 30), (10, 10, 12), 4)
    Filler("mr")(np.zeros(hole.shape, np.float32), hole, sample=True)
    slab = slabs.batches[-1][0, 2]
    hole[:, :, :14] = False
    Filler("mr")(np.zeros(hole.shape, np.float32), hole, sample=True)

    assert np.array_equal(slabs.batches[-1][0, 2, 8], slab[10])
