"""Picture for a quick look: source, fill and difference, marked as not an original."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from monai_inpaint.dicom.evidence import adopt_study
from monai_inpaint.imaging.display import display_axes, displayed
from monai_inpaint.imaging.image import Image
from monai_inpaint.io.dicom.derive import new_uid, reference_to, series_number
from monai_inpaint.io.dicom.header import DicomHeader
from monai_inpaint.io.dicom.moment import now_for, set_moment
from monai_inpaint.reports.slice_png import OUTLINE, difference_png, grey_png, outline_of
from monai_inpaint.version import __version__

HEIGHT = 512  # pixels of a panel
BAND = 40  # pixels above and below the panels
LIMIT_OF_WINDOW = 0.25  # colours of the difference end at a quarter of the window


def overview_of(
    source: Image, result: Image, hole: np.ndarray, derived: dict[str, str], *, hidden: bool = False
) -> Dataset:
    """Return a Secondary Capture in colour of the slice with most of the hole.

    Args:
        source: read from DICOM.
        result: the source with other voxels.
        hole: bool, of the source's shape, not empty.
        derived: {"description", "model", "version", "label"}.
        hidden: the content of the hole must not be visible: it is covered in the source, and no difference is shown.
    """
    header: DicomHeader = source.header
    k = int(np.argmax(hole.sum(axis=(0, 1)))) if hole.ndim == 3 else 0
    shown = header.of_slice(k)
    picture = overview_picture(source, result, hole, k, derived, hidden=hidden)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    adopt_study(dataset, shown)
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.SeriesInstanceUID = (
        SecondaryCaptureImageStorage, new_uid(), new_uid())  # fmt: skip
    dataset.Modality, dataset.ConversionType = "OT", "WSD"
    dataset.SeriesNumber, dataset.InstanceNumber = series_number(shown, 5), 1
    dataset.SeriesDescription = f"Overview: {words_of(derived)}"
    dataset.ImageType, dataset.SyntheticData = ["DERIVED", "SECONDARY"], "YES"
    dataset.DerivationDescription = derived["description"]
    dataset.SourceImageSequence = Sequence([reference_to(shown, header.frames[k] if header.frames else None)])
    dataset.Manufacturer, dataset.ManufacturerModelName, dataset.SoftwareVersions = (
        "monai-inpaint", derived["model"], __version__)  # fmt: skip
    set_moment(dataset, now_for(shown), "InstanceCreation", "Content")
    dataset.DateOfSecondaryCapture, dataset.TimeOfSecondaryCapture = dataset.ContentDate, dataset.ContentTime
    dataset.PatientOrientation, dataset.Laterality = "", shown.get("Laterality") or ""
    # It says whether patient and date can be read in the picture. Our text contains neither; the source's pixels may.
    for keyword in ("BurnedInAnnotation", "RecognizableVisualFeatures"):
        if keyword in shown:
            setattr(dataset, keyword, shown[keyword].value)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.Rows, dataset.Columns = picture.shape[:2]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    data = picture.tobytes()
    dataset.add_new("PixelData", "OB", data + b"\0" * (len(data) % 2))
    return dataset


def overview_picture(
    source: Image, result: Image, hole: np.ndarray, k: int, derived: dict[str, str], *, hidden: bool
) -> np.ndarray:
    """Source with the hole outlined, fill and difference side by side: (rows, columns, 3) uint8.

    Args:
        k: the slice of a volume; ignored for a single one.
    """
    index = (slice(None), slice(None), k) if hole.ndim == 3 else ...
    before, after, inside = (
        displayed(part, source.affine) for part in (source.units(index), result.units(index), hole[index])
    )
    if hidden:
        before = np.where(inside, after, before)
    low, high = _window(source.header.of_slice(k), before, after, inside)
    size = _panel(before.shape, source)
    marked = np.asarray(Pillow.fromarray(inside).convert("L").resize(size, Pillow.Resampling.BOX)) > 0
    greys = [_resized(grey_png(part, low, high), size) for part in (before, after)]
    if source.inverted:
        greys = [255 - grey for grey in greys]
    outline = outline_of(marked)
    if marked.mean() > 0.5:  # of metal corrected in projections, nearly all changed: the difference shows it better
        outline[:] = False
    greys[0][marked if hidden else outline] = OUTLINE
    first = "source, hole covered" if hidden else "source, hole outlined" if outline.any() else "source"
    captions = [first, "result: " + derived["model"]]
    if hidden:
        return _labelled(greys, captions, words_of(derived))
    limit = (high - low) * LIMIT_OF_WINDOW
    change = _resized(difference_png(after.astype(np.float64) - before, limit), size, Pillow.Resampling.NEAREST)
    change[outline] = 160
    captions.append(f"result - source, ±{limit:.4g}{' HU' if source.modality == 'ct' else ''}")
    return _labelled([*greys, change], captions, words_of(derived))


def words_of(derived: dict[str, str]) -> str:
    """Warnings that must be visible in the picture."""
    return f"{derived['label']}, not for diagnosis"


def _labelled(panels: list[np.ndarray], captions: list[str], words: str) -> np.ndarray:
    """The panels with captions below them, and the words above and across the fill."""
    rows, columns = panels[0].shape[:2]
    canvas = Pillow.new("RGB", (columns * len(panels), rows + 2 * BAND))
    draw = ImageDraw.Draw(canvas)
    for n, (panel, caption) in enumerate(zip(panels, captions, strict=True)):
        canvas.paste(Pillow.fromarray(panel), (n * columns, BAND))
        font = _fitting(draw, caption, columns, 18)
        draw.text(((n + 0.5) * columns, rows + 1.5 * BAND), caption, (255, 255, 255), font, anchor="mm")
    font = _fitting(draw, words, canvas.width, 26)
    draw.text((canvas.width / 2, BAND / 2), words, OUTLINE, font, anchor="mm")
    font = _fitting(draw, words, columns, 20)
    draw.text(
        (1.5 * columns, BAND + rows - 18), words, OUTLINE, font, anchor="mm", stroke_width=2, stroke_fill=(0, 0, 0)
    )
    return np.asarray(canvas)


def _fitting(
    draw: ImageDraw.ImageDraw, text: str, width: int, size: int
) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font in which a text has this size, or a smaller one in which it fits."""
    length = draw.textlength(text, ImageFont.load_default(size))
    return ImageFont.load_default(min(size, size * 0.95 * width / length))


def _panel(shape: tuple[int, ...], source: Image) -> tuple[int, int]:
    """Width and height of a panel that shows the slice's true proportions."""
    spacing = source.spacing or (1.0, 1.0)
    down, across = spacing[1::-1] if display_axes(source.affine)[0] else spacing[:2]
    return max(round(HEIGHT * shape[1] * across / (shape[0] * down)), HEIGHT // 4), HEIGHT


def _resized(png: bytes, size: tuple[int, int], how: Pillow.Resampling = Pillow.Resampling.BICUBIC) -> np.ndarray:
    return np.array(Pillow.open(io.BytesIO(png)).convert("RGB").resize(size, how))


def _window(dataset: Dataset, before: np.ndarray, after: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
    """The first window that the slice's header names, if most of the hole can be seen in it.

    Else, as for a hole in a lung under a window for soft tissue, one that leaves out the outermost hundredths.
    """
    centre, width = (_first(dataset.get(keyword)) for keyword in ("WindowCenter", "WindowWidth"))
    if centre is not None and width is not None and width > 1:
        low, high = centre - width / 2, centre + width / 2
        filled = np.concatenate([before[inside], after[inside]])
        if ((filled > low) & (filled < high)).mean() >= 0.5:
            return low, high
    low, high = np.percentile(before, (1, 99))
    return float(low), float(max(high, low + 1))


def _first(value: object) -> float | None:
    """A number, or the first of several; None where there is none."""
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if np.isfinite(number) else None
