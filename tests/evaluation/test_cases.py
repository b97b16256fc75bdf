"""Cases and their measures."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_samples import smooth, square_hole

pytest.importorskip("skimage")
pytest.importorskip("cv2")

from monai_inpaint.evaluation.case import EvaluationCase, intensity_window
from monai_inpaint.evaluation.measure import measure


def test_the_window_follows_modality_and_depth():
    truth = np.arange(1000, dtype=np.float32).reshape(20, 50)
    hole = np.zeros(truth.shape, bool)
    hole[-1] = True
    assert intensity_window(truth, hole, "cxr", True) == (0, 255)
    assert intensity_window(truth, hole, "ct", False) == (-1000, 1000)
    assert intensity_window(truth, hole, "ct", True) == (-1000, 1000)
    expected = tuple(np.percentile(truth[:-1], (0.5, 99.5)))
    assert intensity_window(truth, hole, "mr", True) == pytest.approx(expected)
    assert intensity_window(truth, hole, "cxr", False) == pytest.approx(expected)


def test_a_case_hides_the_truth_and_maps_its_window_to_255():
    truth = np.array([[-2000, -1000], [0, 1000]], np.float32)
    case = EvaluationCase("a", "p", truth, np.array([[0, 0], [0, 1]], bool), -1000, 1000, "ct", "v")
    np.testing.assert_allclose(case.grey(truth), [[0, 0], [127.5, 255]])
    assert case.voided[1, 1] == -1000
    np.testing.assert_array_equal(case.voided[~case.hole], truth[~case.hole])


def test_measures_are_taken_on_the_clipped_window():
    truth = np.full((40, 40), 500, np.float32)
    hole = square_hole(truth.shape, 10, 10, 20)
    case = EvaluationCase("a", "p", truth, hole, -1000, 1000, "ct", "v")
    figures = measure(case, np.where(hole, 3000, truth).astype(np.float32))
    assert figures["mae"] == pytest.approx(63.75)
    assert figures["mae_units"] == pytest.approx(500)
    assert figures["psnr"] == pytest.approx(20 * np.log10(4))


@pytest.mark.parametrize("spoil", ["known", "nan", "shape"])
def test_a_fill_that_breaks_the_contract_is_not_measured(spoil):
    truth, hole = smooth((40, 40)).astype(np.float32), square_hole((40, 40), 10, 10, 20)
    case = EvaluationCase("a", "p", truth, hole, 0, 255, "mr", "v")
    filled = truth.copy()
    filled[0, 0] += spoil == "known"
    filled[20, 20] = np.nan if spoil == "nan" else 0
    with pytest.raises(ValueError, match="fill"):
        measure(case, filled[1:] if spoil == "shape" else filled)


def test_lpips_of_a_volume_is_that_of_the_slice_through_the_middle_of_the_hole():
    truth, hole = smooth((30, 36, 12)).astype(np.float32), np.zeros((30, 36, 12), bool)
    hole[10:15, 12:17, 5:10] = True
    case = EvaluationCase("a", "p", truth, hole, 0, 255, "mr", "v", (1, 1, 2), np.diag([-1.0, -1.0, 2.0, 1.0]))
    seen = {}

    class Fake:
        def in_window(self, *arrays_and_options):
            seen["arrays"] = arrays_and_options
            return 0.5

    figures = measure(case, np.where(hole, 7, truth).astype(np.float32), Fake(), 64)  # type: ignore[arg-type]
    shown, _, where, _, window = seen["arrays"]
    assert case.centre == (12, 14, 7)
    assert figures["lpips"] == 0.5
    assert window == 64
    np.testing.assert_allclose(shown, case.grey(truth)[..., 7].T)
    np.testing.assert_array_equal(where, hole[..., 7].T)
