"""Images of kinds that the bundles were not trained on, computed or carried by installed packages; none is fetched.

No package at hand carries a film of a hand, so that is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from monai_inpaint.demo.phantom import chest_film
from monai_inpaint.demo.samples import shipped
from monai_inpaint.demo.tubes import project, tube
from monai_inpaint.imaging.display import displayed
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.resize import resized
from monai_inpaint.io import read_image

SIDE = 256  # pixels
GRAIN = 1.0  # grey levels of 255: patterns without noise would be measured beyond what any picture shows
CT_NOISE = 15.0  # HU


@dataclass(frozen=True, eq=False)
class UnfamiliarImage:
    """A picture and the bundles it is given to.

    Attributes:
        name: what it shows.
        bundles: of "cxr", "ct", "mr".
        pixels: (rows, columns) float, as shown: grey levels from 0 to 255, or Hounsfield units.
        hounsfield: which of the two.
    """

    name: str
    bundles: tuple[str, ...]
    pixels: np.ndarray
    hounsfield: bool = False

    def image(self, bundle: str) -> Image:
        """As a film of 8 bits (cxr), an MR slice, or a CT slice: there grey levels go from -1000 to 1000 HU."""
        if bundle == "cxr":
            return Image(np.rint(np.clip(self.pixels, 0, 255)).astype(np.uint8), modality="cxr")
        units = self.pixels * (2000 / 255) - 1000 if bundle == "ct" and not self.hounsfield else self.pixels
        return Image(np.rint(units).astype(np.int16), modality=bundle)


def unfamiliar_images(seed: int = 0) -> Iterator[UnfamiliarImage]:
    """All of them; the first of each bundle is of the kind it was trained on, to compare with.

    Args:
        seed: of noise, and of the computed film.

    Raises:
        InputError: a package that carries one is missing.
    """
    from skimage import data

    film = resized(chest_film(seed) * (255 / 4095), (SIDE, SIDE))
    head = _grey(_brain())
    yield UnfamiliarImage("chest film, computed (the kind it knows)", ("cxr",), film)
    yield UnfamiliarImage("the same film, bright and dark exchanged", ("cxr",), 255 - film)
    yield UnfamiliarImage("the same film on its side", ("cxr",), np.rot90(film))
    yield UnfamiliarImage("film of a hand, drawn", ("cxr",), hand_film(seed))
    yield UnfamiliarImage("bone scan (pydicom's JPEG2000.dcm)", ("cxr",), _grey(_shipped("JPEG2000.dcm")[40:440]))
    yield UnfamiliarImage("T1 slice of a head (ICBM152 of nilearn)", ("cxr",), head)
    yield UnfamiliarImage("photograph (scikit-image's camera)", ("cxr",), data.camera().astype(float))
    yield UnfamiliarImage("printed page (scikit-image's page)", ("cxr",), data.page().astype(float))
    yield UnfamiliarImage(
        "CT of a spine (pydicom's CT_small.dcm; a kind it knows)", ("ct",), _shipped("CT_small.dcm"), True
    )
    yield UnfamiliarImage("CT of a skull base (pydicom's J2K_pixelrep_mismatch.dcm)", ("ct",), _skull(), True)
    yield UnfamiliarImage("CT of a water phantom with inserts, computed", ("ct",), water_phantom(seed), True)
    yield UnfamiliarImage("T1 slice of a head (ICBM152 of nilearn; the kind it knows)", ("mr",), head)
    yield UnfamiliarImage(
        "MR of an abdomen (pydicom's examples_overlay.dcm)", ("mr",), _grey(_shipped("examples_overlay.dcm"))
    )
    yield UnfamiliarImage("chest film, computed", ("mr",), film)
    for name, pattern in patterns(seed).items():
        yield UnfamiliarImage(name, ("cxr", "ct", "mr"), pattern)


def patterns(seed: int = 0) -> dict[str, np.ndarray]:
    """Name -> (SIDE, SIDE) grey levels of pictures without anatomy, with a little grain."""
    from scipy.ndimage import gaussian_filter
    from skimage.data import shepp_logan_phantom

    rng = np.random.default_rng(seed)
    i, j = np.mgrid[:SIDE, :SIDE]
    clouds = gaussian_filter(rng.normal(size=(SIDE, SIDE)), 10)
    pairs = np.sin(2 * np.pi * np.cumsum(1 / np.linspace(24, 4, SIDE)))[None, :].repeat(SIDE, axis=0)
    made = {
        "Shepp-Logan phantom (of scikit-image)": 255 * resized(shepp_logan_phantom(), (SIDE, SIDE)),
        "white noise": 128 + 40 * rng.normal(size=(SIDE, SIDE)),
        "clouds (smoothed noise)": 128 + 50 * clouds / clouds.std(),
        "ramp": (i + 2 * j) * (255 / (3 * SIDE)),
        "line pairs, 24 to 4 pixels a pair": 128 + 100 * np.sign(pairs),
        "checkerboard, 16 pixels": 28 + 200 * ((i // 16 + j // 16) % 2),
    }
    return {name: np.clip(grey + GRAIN * rng.normal(size=grey.shape), 0, 255) for name, grey in made.items()}


def water_phantom(seed: int = 0) -> np.ndarray:
    """A cylinder of water in air with seven rods, from air to bone: (SIDE, SIDE) Hounsfield units with noise."""
    from scipy.ndimage import gaussian_filter

    i, j = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    units = np.where(np.hypot(i, j) < 105, 0.0, -1000.0)
    for n, rod in enumerate((-1000, -200, -100, -35, 120, 340, 990)):
        turn = 2 * np.pi * n / 7
        units[np.hypot(i - 62 * np.sin(turn), j - 62 * np.cos(turn)) < 13] = rod
    return gaussian_filter(units, 0.8) + np.random.default_rng(seed).normal(0, CT_NOISE, units.shape)


# (x, z) of the joints of each ray of the hand from wrist to tip; pixels, x from the middle column
_RAYS = (
    [(-22, 215), (-56, 178), (-82, 152), (-100, 132)],
    [(-10, 212), (-32, 128), (-40, 84), (-44, 58), (-46, 40)],
    [(-2, 210), (-6, 120), (-7, 70), (-7, 40), (-7, 20)],
    [(6, 211), (19, 126), (26, 80), (30, 52), (33, 34)],
    [(14, 214), (42, 140), (56, 108), (63, 88), (68, 74)],
)
_FOREARM = ([(-14, 225), (-16, 280)], [(17, 227), (18, 280)])


def hand_film(seed: int = 0) -> np.ndarray:
    """A film of a hand from tubes of bone in tubes of flesh: (SIDE, SIDE) grey levels, bone bright. Nobody's hand."""
    flesh, bones = [], []
    for ray in (*_RAYS, *_FOREARM):
        joints = np.array([(x, 0.0, z) for x, z in ray])
        flesh.append(tube(joints, np.linspace(15.0, 8.0, len(joints)) if len(ray) > 2 else 20.0))
        for start, end in zip(joints[:-1], joints[1:], strict=True):
            gap = 3.0 * (end - start) / np.linalg.norm(end - start)
            shaft = np.linspace(start + gap, end - gap, 9)
            bones.append(tube(shaft, np.interp(np.linspace(-1, 1, 9), [-1, 0, 1], [6.0, 3.8, 5.4])))
    size = (SIDE, SIDE)
    # where tubes of flesh overlap, the hand is no thicker for it
    thickness = np.minimum(project(flesh, size, 1.0, 0.0), 30.0)
    film = 20 + 4.0 * thickness + 9.0 * project(bones, size, 1.0, 0.0)
    return np.clip(film + np.random.default_rng(seed).normal(0, 2.0, size), 0, 255)


def _brain() -> np.ndarray:
    """An axial slice of nilearn's average head, as shown."""
    volume = read_image(shipped("t1"))
    affine = volume.affine
    assert affine is not None
    return displayed(volume.units((slice(None), slice(None), volume.voxels.shape[2] // 2)), affine)


def _skull() -> np.ndarray:
    return np.maximum(_shipped("J2K_pixelrep_mismatch.dcm"), -1024.0)  # below that lies the scanner's padding


def _shipped(name: str) -> np.ndarray:
    """Units of one of pydicom's files."""
    return read_image(shipped("ct").with_name(name)).units()


def _grey(units: np.ndarray) -> np.ndarray:
    low, high = np.percentile(units, (0.5, 99.5))
    return np.clip((units - low) * (255 / (high - low)), 0, 255)
