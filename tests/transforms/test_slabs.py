"""How a training slab is cut out of a volume, its holes, and the heads that no patient has."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli_samples import nifti, picture, smooth
from monai.data import CacheDataset, DataLoader
from monai.transforms import Compose, SqueezeDimd
from torch.utils.data import ConcatDataset
from training_samples import data_set

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.training import synthetic_volumes, training_volumes
from monai_inpaint.transforms import (
    RandContrastd,
    RandHoled,
    RandHoledSlabd,
    RandNoised,
    RandSlabd,
    RandStartedSlicesd,
    ReadVolumed,
    Repeatable,
    SynthAnatomyd,
    SynthContrastd,
    Unstartedd,
    anatomy,
)
from monai_inpaint.transforms.hole import holed
from monai_inpaint.transforms.read_volume import stack
from monai_inpaint.transforms.slab import reslice

SIDE, DEPTH = 32, 12
SHAPE = (40, 44, 48)


def volume(voxels: np.ndarray, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Image:
    return Image(voxels.astype(np.float32), np.diag([*spacing, 1.0]))


def millimetres(axis: int, spacing: tuple[float, float, float]) -> np.ndarray:
    return np.broadcast_to(spacing[axis] * np.indices(SHAPE)[axis], SHAPE)


def slabs(image: Image, count: int, **settings: Any) -> list[dict[Any, Any]]:
    transform = RandSlabd("image", side=SIDE, depth=DEPTH, **settings).set_random_state(0)
    return [transform({"image": image}) for _ in range(count)]


def holes(slab: np.ndarray, count: int, ratio: float = 1.0, **settings: Any) -> list[np.ndarray]:
    transform = RandHoledSlabd(**settings).set_random_state(0)
    return [transform({"image": slab, "ratio": ratio})["label"][1].numpy() > 0 for _ in range(count)]


def textured(shape: tuple[int, ...] = (DEPTH, SIDE, SIDE)) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)


@pytest.mark.parametrize(("axis", "down"), [(2, 1), (1, 2), (0, 2)])
def test_slices_along_any_axis_are_seen_as_they_are_displayed(axis: int, down: int) -> None:
    spacing = (1.0, 2.0, 3.0)  # to the right, the front, the head
    shown, through, within = stack(volume(millimetres(down, spacing), spacing), axis)

    assert shown.shape[0] == SHAPE[axis]
    assert through == spacing[axis]
    assert within == pytest.approx(np.sqrt(6 / spacing[axis]))
    assert (np.diff(shown, axis=1) == -spacing[down]).all()  # rows run to the back, or to the feet


def test_thick_slices_average_what_they_cover_and_reach_no_further_than_the_volume() -> None:
    slices = smooth((8, 5, 6)).astype(np.float32)
    made = reslice(slices, np.array([1.0, 4.0, 7.0]), 3)

    np.testing.assert_allclose(made[0], slices[0:3].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(made[1], slices[3:6].mean(axis=0), rtol=1e-5)
    assert np.isnan(made[2]).all()


def test_thin_slices_are_the_volumes_own_or_lie_between_two() -> None:
    slices = smooth((8, 5, 6)).astype(np.float32)
    made = reslice(slices, np.array([2.0, 3.25, 7.5]), 1)

    np.testing.assert_array_equal(made[0], slices[2])
    np.testing.assert_allclose(made[1], 0.75 * slices[3] + 0.25 * slices[4], rtol=1e-5)
    assert np.isnan(made[2]).all()


def test_the_ratio_is_slice_spacing_over_spacing_in_the_plane() -> None:
    spacing = (0.8, 0.8, 2.0)
    along = slabs(volume(millimetres(2, spacing), spacing), 30)
    across = slabs(volume(millimetres(0, spacing), spacing), 30)

    for depths, widths in zip(along, across, strict=True):
        between = np.abs(np.nanmedian(np.diff(depths["image"], axis=0)))
        rows, columns = (np.nanmedian(np.diff(widths["image"], axis=axis)) for axis in (1, 2))
        assert between / np.hypot(rows, columns) == pytest.approx(depths["ratio"], rel=1e-3)
        assert depths["ratio"] == widths["ratio"]


def test_slabs_have_one_shape_and_ratios_from_fine_to_coarse() -> None:
    made = slabs(volume(smooth((64, 64, 64))), 80, closest=24)
    ratios = [slab["ratio"] for slab in made]

    assert {slab["image"].shape for slab in made} == {(DEPTH, SIDE, SIDE)}
    assert {slab["image"].dtype for slab in made} == {np.dtype(np.float32)}
    assert min(ratios) < 0.7
    assert max(ratios) > 4
    assert min(np.isfinite(slab["image"]).mean() for slab in made) > 0.1
    assert np.mean([np.isfinite(slab["image"]).mean() for slab in made]) > 0.6


@pytest.mark.parametrize(("spacing", "seen"), [((1.0, 1.0, 1.2), {0, 1, 2}), ((1.0, 3.0, 1.0), {1})])
def test_only_nearly_isotropic_volumes_are_sliced_along_every_axis(
    spacing: tuple[float, float, float], seen: set[int]
) -> None:
    def constant(slab: np.ndarray) -> bool:
        return all(np.ptp(section[np.isfinite(section)]) < 1e-3 for section in slab if np.isfinite(section).any())

    volumes = [volume(millimetres(axis, spacing), spacing) for axis in range(3)]
    made = [[constant(slab["image"]) for slab in slabs(image, 20)] for image in volumes]

    # Where slices lie along an axis, millimetres along it are constant in a slice.
    assert {axis for axis in range(3) if any(made[axis])} == seen
    assert np.sum(made) == 20


def test_what_a_volume_has_no_slices_for_stays_empty() -> None:
    for slab in slabs(volume(smooth((40, 40, 4)), (1.0, 1.0, 3.0)), 20):
        shown = np.isfinite(slab["image"]).any(axis=(1, 2))
        assert 1 <= shown.sum() <= 6  # four, or up to half as many more between them


def test_slabs_are_replayed_by_their_seed() -> None:
    image = volume(smooth(SHAPE))
    for once, again in zip(slabs(image, 5), slabs(image, 5), strict=True):
        np.testing.assert_array_equal(once["image"], again["image"])


def test_the_network_sees_nothing_of_the_slabs_hole_and_is_asked_only_where_there_is_an_image() -> None:
    slab = textured()
    slab[:4], slab[:, :5] = np.nan, np.nan
    missing = torch.from_numpy(np.isnan(slab))
    transform = RandHoledSlabd().set_random_state(0)
    for _ in range(20):
        made = transform({"image": slab, "ratio": 2.5})
        image, label = made["image"], made["label"]

        assert made["ratio"] == 2.5
        assert image.shape == label.shape == (2, *slab.shape)
        assert image.dtype == label.dtype == torch.float32
        assert (image[0][image[1] == 1] == 0).all()
        assert torch.equal(image[1].bool() & ~missing, label[1].bool())
        assert (image[1][missing] == 1).all()
        assert label[1].any()
        assert not label[1].bool().equal(~missing)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 6.0])
def test_holes_span_few_or_many_slices_and_mostly_leave_both_ends(ratio: float) -> None:
    spans = [hole.any(axis=(1, 2)) for hole in holes(textured((24, SIDE, SIDE)), 100, ratio)]
    lengths = [int(span.sum()) for span in spans]
    at_an_end = np.mean([span[0] or span[-1] for span in spans])

    assert min(lengths) == 1
    assert max(lengths) > 14
    assert np.mean([5 <= length <= 12 for length in lengths]) > 0.25
    assert 0.02 < at_an_end < 0.3


def test_holes_that_are_not_solid_are_the_same_in_all_their_slices() -> None:
    for hole in holes(textured(), 20, solid=0.0):
        sections = hole[hole.any(axis=(1, 2))]
        assert (sections == sections[0]).all()


def test_solid_holes_are_as_deep_in_millimetres_whatever_the_slice_spacing() -> None:
    def depth(ratio: float) -> float:
        made = holes(textured((64, SIDE, SIDE)), 150, ratio, solid=1.0)
        small = [hole for hole in made if hole.any(axis=0).mean() < 0.05]
        across = [np.sqrt(hole.any(axis=0).sum()) for hole in small]
        along = [ratio * hole.any(axis=(1, 2)).sum() for hole in small]
        return float(np.median(np.divide(along, across)))

    assert depth(3.0) == pytest.approx(depth(1.0), rel=0.5)


def test_wires_show_in_every_thick_slice_that_they_touch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monai_inpaint.transforms.hole_slab.SHARES", ("wires",))
    lying = {"wires": [{"points": [[2.0, 5.0, 5.0], [2.0, 25.0, 20.0]], "thickness": 1.0}]}
    monkeypatch.setattr("monai_inpaint.transforms.hole_slab.random_hole", lambda *_, **__: ("wires", lying))
    for hole in holes(textured(), 10, ratio=6.0, solid=1.0):
        assert hole.any(axis=(1, 2)).sum() == 1  # 2 is not the middle of the first six fine slices
        assert 20 < hole.sum() < 40


def test_holes_look_for_more_than_air() -> None:
    slab = np.zeros((DEPTH, 64, 64), np.float32)
    slab[:, 20:44, 20:44] = textured((DEPTH, 24, 24))
    made = holes(slab, 50)

    assert np.mean([slab[hole].any() for hole in made]) > 0.9


def test_an_empty_slab_has_no_hole() -> None:
    made = RandHoledSlabd()({"image": np.full((DEPTH, SIDE, SIDE), np.nan, np.float32), "ratio": 1.0})

    assert not made["label"].any()
    assert (made["image"][1] == 1).all()


def test_the_bias_field_of_a_slab_is_smooth_along_every_axis() -> None:
    slab = np.full((40, 48, 48), 100.0, np.float32)
    changed = RandContrastd("image", gamma=0.0, bias=0.3)
    fields = [changed.set_random_state(seed)({"image": slab})["image"] / 100 for seed in range(12)]
    varied = [field for field in fields if np.ptp(field) > 0.01]

    assert 2 < len(varied) < 12
    for field in varied:
        for axis in range(3):
            assert np.ptp(field, axis=axis).max() > 0.02
            assert np.abs(np.diff(field, n=2, axis=axis)).max() < 0.1 * np.ptp(field)


def test_noise_keeps_nothing_nothing_and_its_amplitude_small() -> None:
    slab = np.full((DEPTH, SIDE, SIDE), 100.0, np.float32)
    slab[0] = np.nan
    noisy = RandNoised("image", noise=8.0).set_random_state(0)
    changed = [noisy({"image": slab})["image"] for _ in range(30)]
    amplitudes = np.array([image[1:].std() for image in changed])

    assert all(np.isnan(image[0]).all() for image in changed)
    assert all(image.dtype == np.float32 for image in changed)
    assert 5 < (amplitudes == 0).sum() < 25
    assert 4 < amplitudes.max() < 8.1


def test_volumes_are_stretched_and_pictures_refused(tmp_path: Path) -> None:
    nifti(tmp_path / "volume.nii.gz", (4000 * smooth((20, 22, 6))).astype(np.int16))
    read = ReadVolumed("image", percentile=0.5)
    image = read({"image": tmp_path / "volume.nii.gz"})["image"]

    assert image.voxels.dtype == np.float32
    assert np.percentile(image.voxels, (0.5, 99.5)) == pytest.approx((0, 255), abs=1)
    with pytest.raises(InputError, match="single picture"):
        read({"image": picture(tmp_path / "picture.png")})


def test_a_data_set_of_volumes_gives_batches_of_slabs(tmp_path: Path) -> None:
    entries = training_volumes(data_set(tmp_path) / "index.csv", ["sarcoma", "msd"], "train", modality="MR")
    steps = Compose(
        [
            ReadVolumed("image", percentile=0.5),
            RandSlabd("image", side=SIDE, depth=DEPTH),
            RandContrastd("image", bias=0.2),
            RandHoledSlabd(),
        ]
    )
    batch = next(iter(DataLoader(CacheDataset(entries, steps, progress=False), batch_size=2)))

    assert [entry["source"] for entry in entries] == ["sarcoma", "msd"]
    assert batch["image"].shape == batch["label"].shape == (2, 2, DEPTH, SIDE, SIDE)
    assert batch["ratio"].shape == (2,)


def test_a_batch_has_slices_of_volumes_with_their_start_beside_single_slices(tmp_path: Path) -> None:
    entries = training_volumes(data_set(tmp_path) / "index.csv", ["sarcoma", "msd"], "train", modality="MR")
    cut = [ReadVolumed("image", percentile=0.5), RandSlabd("image", side=SIDE, depth=DEPTH), RandHoledSlabd()]
    flat = [
        ReadVolumed("image", percentile=0.5),
        RandSlabd("image", side=SIDE, depth=1),
        SqueezeDimd("image", dim=0),
        RandHoled(),
        Unstartedd("image"),
    ]
    steps = [Compose([*cut, RandStartedSlicesd(count=3)]), Compose(flat)]
    data = ConcatDataset([CacheDataset(entries, step, progress=False) for step in steps])
    batch = next(iter(DataLoader(data, batch_size=4)))
    started = batch["image"][:, 2].amax(dim=(1, 2)) > 0

    assert batch["image"].shape[1:] == (3, SIDE, SIDE)
    assert batch["label"].shape == (len(batch["image"]), 2, SIDE, SIDE)
    assert started.tolist()[-2:] == [False, False]
    assert started[:-2].any()


def test_slices_of_a_slab_start_from_its_continuation() -> None:
    slab = np.broadcast_to(np.arange(DEPTH, dtype=np.float32)[:, None, None], (DEPTH, SIDE, SIDE)).copy()
    hole = np.zeros(slab.shape, bool)
    hole[4:9, 10:20, 8:22] = True
    given = {**holed(slab, hole), "ratio": 2.0}
    entries = RandStartedSlicesd(count=9).set_random_state(0)(given)

    assert len(entries) == 5
    for entry in entries:
        image, inside, near = entry["image"].numpy()
        truth, region = entry["label"].numpy()
        assert np.abs(image - truth).max() < 0.1
        assert np.array_equal(inside, region)
        assert np.array_equal(near > 0, region > 0)
    nearest = sorted(float(entry["image"][2].max()) for entry in entries)
    assert nearest == pytest.approx([1 / 6, 1 / 4, 1 / 4, 1 / 2, 1 / 2])


def test_what_a_slab_lacks_has_no_start() -> None:
    slab = textured()
    slab[:, :, :12] = np.nan
    hole = np.zeros(slab.shape, bool)
    hole[3:9, 4:20, 4:20] = True
    for entry in RandStartedSlicesd().set_random_state(0)({**holed(slab, hole), "ratio": 1.0}):
        image, inside, near = entry["image"].numpy()
        assert not near[:, :12].any()
        assert not image[:, :12].any()
        assert inside[:, :12].all()
        assert near[4:20, 12:20].all()


def test_an_empty_slab_gives_one_slice_without_a_start() -> None:
    slab = np.full((DEPTH, SIDE, SIDE), np.nan, np.float32)
    (entry,) = RandStartedSlicesd()({**holed(slab, np.zeros(slab.shape, bool)), "ratio": 1.0})

    assert not entry["image"][2].any()
    assert not entry["label"].any()


def test_a_source_without_volumes_is_reported_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no MR volume"):
        training_volumes(data_set(tmp_path) / "index.csv", ["figshare"], "train", modality="MR")


def test_seeded_slabs_belong_to_the_image() -> None:
    image = volume(smooth(SHAPE))
    steps = Repeatable(Compose([RandSlabd("image", side=SIDE, depth=DEPTH), RandHoledSlabd()]))
    made = [steps({"image": image, "name": name, "slice": k})["image"] for name, k in (("a", 1), ("a", 1), ("a", 2))]

    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_a_tissue_has_one_intensity_at_most_shaded_and_air_is_dark() -> None:
    codes = np.zeros((24, 24, 24), np.uint8)
    codes[8:] = 2 * 32 + 16  # the middle shade of grey matter
    paint = SynthContrastd("image").set_random_state(0)
    painted = [paint({"image": Image(codes, np.eye(4))})["image"].voxels for _ in range(8)]

    assert all((image[:6] == 0).all() for image in painted)
    assert all(np.ptp(image[11:]) == 0 for image in painted)
    assert len({int(image[-1, 0, 0]) for image in painted}) > 4


@pytest.fixture(scope="module")
def head() -> Image:
    pytest.importorskip("nilearn")
    return SynthAnatomyd("image")(synthetic_volumes(1)[0])["image"]


def test_a_seed_gives_one_head(head: Image) -> None:
    again, other = (SynthAnatomyd("image")(entry)["image"] for entry in synthetic_volumes(2))

    np.testing.assert_array_equal(again.voxels, head.voxels)
    assert other.voxels.shape != head.voxels.shape or (other.voxels != head.voxels).any()


def test_a_head_has_the_tissues_of_a_brain_in_their_places(head: Image) -> None:
    tissues = head.voxels // 32
    volumes = {tissue: int((tissues == tissue).sum()) for tissue in (1, 2, 3)}  # fluid, grey, white; in ml / 1000
    spots = np.argwhere(tissues == 3) @ head.affine[:3, :3].T + head.affine[:3, 3]

    assert head.spacing == (1.0, 1.0, 1.0)
    assert 400_000 < volumes[2] < 1_200_000
    assert 300_000 < volumes[3] < 800_000
    # Template coordinates: white matter lies around the anterior commissure, mostly above and behind it.
    assert np.abs(spots.mean(axis=0) - (0, -20, 15)).max() < 15


def test_heads_serve_as_volumes(head: Image) -> None:
    steps = Compose([SynthContrastd("image"), RandSlabd("image", side=SIDE, depth=DEPTH), RandHoledSlabd()])
    steps.set_random_state(0)
    made = [steps({"image": head}) for _ in range(6)]

    assert all(torch.isfinite(item["image"]).all() for item in made)
    assert np.mean([item["label"][0].std() > 10 for item in made]) > 0.6


def test_without_the_tissue_maps_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nilearn", None)
    anatomy._template.cache_clear()

    with pytest.raises(InputError, match="pip install nilearn"):
        SynthAnatomyd("image")(synthetic_volumes(1)[0])
