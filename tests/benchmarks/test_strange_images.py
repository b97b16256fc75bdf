"""Images of other kinds: what the pictures hold, and how fills of them are counted."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import strangers as benchmark
from benchmarks.__main__ import main
from benchmarks.setting import Options
from benchmarks.strange_images import UnfamiliarImage, hand_film, patterns, unfamiliar_images, water_phantom
from monai_inpaint import Filler
from monai_inpaint.evaluation.case import EvaluationCase

pytest.importorskip("skimage")
pytest.importorskip("cv2")


@pytest.fixture(scope="module")
def everyone() -> list[UnfamiliarImage]:
    pytest.importorskip("nilearn")
    with pytest.MonkeyPatch.context() as patch:
        film = np.random.default_rng(0).integers(0, 4096, (512, 512), np.uint16)
        patch.setattr("benchmarks.strange_images.chest_film", lambda _: film)  # the true one takes seconds
        return list(unfamiliar_images())


@pytest.mark.parametrize("bundle", benchmark.BUNDLES)
def test_every_bundle_meets_one_picture_of_a_kind_it_knows(everyone: list[UnfamiliarImage], bundle: str) -> None:
    given = [picture.name for picture in everyone if bundle in picture.bundles]
    assert sum("it knows" in name for name in given) == 1
    assert len(given) == len(set(given)) > 6


def test_films_have_8_bits_and_ct_has_hounsfield_units(everyone: list[UnfamiliarImage]) -> None:
    for picture in everyone:
        for bundle in picture.bundles:
            image = picture.image(bundle)
            assert image.modality == bundle
            assert image.voxels.ndim == 2
            assert min(image.voxels.shape) >= 128
            assert image.voxels.dtype == (np.uint8 if bundle == "cxr" else np.int16)
            if bundle == "ct":
                assert image.voxels.min() < -500
                assert -1100 < image.voxels.min() < image.voxels.max() < 2000


def test_grey_levels_become_hounsfield_units_from_minus_1000_to_1000() -> None:
    grey = UnfamiliarImage("steps", ("ct",), np.array([[0.0, 127.5, 255.0]]))
    np.testing.assert_array_equal(grey.image("ct").voxels, [[-1000, 0, 1000]])
    units = UnfamiliarImage("steps", ("ct",), np.array([[0.0, 127.0, 255.0]]), hounsfield=True)
    np.testing.assert_array_equal(units.image("ct").voxels, [[0, 127, 255]])


def test_the_same_seed_gives_the_same_pictures() -> None:
    first, again, other = patterns(3), patterns(3), patterns(4)
    for name, grey in first.items():
        np.testing.assert_array_equal(grey, again[name])
        assert (grey != other[name]).any()


def test_the_water_phantom_holds_water_in_air_and_rods_up_to_bone() -> None:
    units = water_phantom()
    assert abs(units[118:138, 118:138].mean()) < 5
    assert units[:20, :20].mean() == pytest.approx(-1000, abs=5)
    assert units.max() > 900


def test_the_hand_has_bone_in_flesh_in_air() -> None:
    film = hand_film()
    air, flesh, bone = film[:20, :60].mean(), film[200, 95:100].mean(), film[60:64, 120:122].mean()
    assert air < 30
    assert air + 30 < flesh
    assert flesh < bone


class Filled(Filler):
    """Fills with one value and says that it is no better."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __call__(self, image: np.ndarray, hole: np.ndarray, **_: int) -> SimpleNamespace:  # type: ignore[override]
        doubt = {"gain_over_biharmonic_db": 0.1, "verdict": "By its own samples this fill is no better than ..."}
        return SimpleNamespace(image=np.where(hole, np.float32(self.value), image), report={"doubt": doubt})


@pytest.mark.parametrize(("value", "beyond", "far"), [(50.0, 0.0, 0.0), (-10.0, 1.0, 0.1), (125.0, 1.0, 0.25)])
def test_what_lies_beyond_the_known_range_is_counted(value: float, beyond: float, far: float) -> None:
    truth = np.linspace(0, 100, 64 * 64, dtype=np.float32).reshape(64, 64)
    hole = np.zeros(truth.shape, bool)
    hole[20:40, 20:40] = True
    case = EvaluationCase("ramp", "nobody", truth, hole, 0, 100, "mr", "square")
    figures = benchmark._figures(case, Filled(value), Options())
    assert figures[2:] == pytest.approx((0.1, True, beyond, far))
    assert figures[1] < figures[0]  # of a ramp, the biharmonic fill is the truth itself


def test_the_table_has_a_row_for_each_picture_and_bundle(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = [UnfamiliarImage("clouds", ("cxr", "mr"), patterns()["clouds (smoothed noise)"])]
    few.append(UnfamiliarImage("water", ("ct",), water_phantom(), hounsfield=True))
    monkeypatch.setattr(benchmark, "unfamiliar_images", lambda _: few)
    assert main(["strangers", "--tiny"]) == 0
    printed = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if line.startswith("|")]
    assert [row[:2] for row in rows[2:]] == [["clouds", "cxr"], ["water", "ct"], ["clouds", "mr"]]
    assert {len(row) for row in rows} == {10}
    assert all(row[6] in ("0 of 1", "1 of 1") for row in rows[2:])
    assert "hardware: " in printed
