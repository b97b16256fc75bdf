"""Record that an image was compressed with loss, also when it is written uncompressed."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    JPEG2000MC,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
)

# the standard's names of the methods (PS3.3, C.7.6.1.1.5.1)
_METHODS = {
    JPEGBaseline8Bit: "ISO_10918_1",
    JPEGExtended12Bit: "ISO_10918_1",
    JPEGLSNearLossless: "ISO_14495_1",
    JPEG2000: "ISO_15444_1",
    JPEG2000MC: "ISO_15444_2",
    HTJ2K: "ISO_15444_15",
}


def note_loss(dataset: Dataset) -> None:
    """Fill in the lossy compression attributes of a data set that still has its pixels, where it has none.

    The ratio is the uncompressed size of the pixels over their size in the file.
    """
    method = _METHODS.get(dataset.file_meta.get("TransferSyntaxUID"))
    if method is None:
        return
    frames = int(dataset.get("NumberOfFrames") or 1)
    plain = int(dataset.Rows) * int(dataset.Columns) * frames * int(dataset.BitsAllocated) // 8
    dataset.LossyImageCompression = "01"
    if not dataset.get("LossyImageCompressionMethod"):
        dataset.LossyImageCompressionMethod = method
    if not dataset.get("LossyImageCompressionRatio"):
        dataset.LossyImageCompressionRatio = f"{plain / max(len(dataset.PixelData), 1):.4g}"


def is_lossy(dataset: Dataset) -> bool:
    """Return whether compression changed the values of a data set, now or before: after `note_loss`."""
    return str(dataset.get("LossyImageCompression") or "") == "01"
