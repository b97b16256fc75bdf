"""Convert the words of a DICOM file to stored values and back: BitsStored bits up to HighBit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels import get_decoder
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, ExplicitVRBigEndian, JPEGExtended12Bit, RLELossless

from monai_inpaint.errors import InputError
from monai_inpaint.io.checks import check_voxels, native, parsing
from monai_inpaint.io.dicom.compressed_size import check_size, is_encapsulated
from monai_inpaint.io.dicom.identity import uid_name
from monai_inpaint.io.dicom.lossy import note_loss


def decode(dataset: Dataset, path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the stored values of a file with one frame, and its words, as `decode_frame` does."""
    check_pixels(dataset, path)
    return decode_frame(dataset, path, None)


def decode_frame(dataset: Dataset, path: Path, frame: int | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Stored values of a frame (from 0; None: the only one) of a data set that was checked.

    Returns:
        the values (rows, columns), signed or unsigned by the header; and the unsigned words of the file if they contain
        more than the values (overlays in spare bits, signs that are not extended), else None.
    """
    if not _has_words(dataset):
        with parsing(path, "DICOM"):
            pixels = native(np.require(pixel_array(dataset, index=frame, raw=True), requirements="W"))
        check_voxels(path, pixels.dtype, pixels.shape)
        return pixels, None
    with parsing(path, "DICOM"):
        words = _words(dataset, frame)
    check_voxels(path, words.dtype, words.shape)
    values = values_of(words, dataset)
    whole = dataset.BitsStored == dataset.BitsAllocated or np.array_equal(words_of(values, dataset), words)
    return values, None if whole else words


def check_pixels(dataset: Dataset, path: Path) -> None:
    """Refuse a data set without a grey image that can be decoded; note in it whether compression changed its values.

    Raises:
        InputError: see above.
    """
    if "PixelData" not in dataset or "Rows" not in dataset:
        kind = uid_name(dataset.get("SOPClassUID", ""))
        raise InputError(f"{path} contains no image ({kind}), or is cut short; give DICOM image files.")
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    if int(dataset.get("SamplesPerPixel") or 1) != 1 or photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise InputError(f"{path} is a colour image ({photometric}); give a grey one.")
    _check_compression(dataset, path)
    with parsing(path, "DICOM"):
        check_size(dataset, path)
        check_bits(dataset, path)
        note_loss(dataset)


def check_bits(dataset: Dataset, path: Path) -> None:
    """Refuse bits that no word has, and such as decoders of compressed pixels do not place.

    Raises:
        InputError: see above.
    """
    missing = next((keyword for keyword in ("BitsStored", "PixelRepresentation") if dataset.get(keyword) is None), "")
    if missing:
        raise InputError(f"{path} has no {missing}, so its pixels cannot be read; repair its header.")
    if dataset.PixelRepresentation not in (0, 1):
        raise InputError(f"{path} has the PixelRepresentation {dataset.PixelRepresentation}; repair its header.")
    bits, stored, above = _layout(dataset)
    if not (0 < stored <= bits and 0 <= above <= bits - stored):
        raise InputError(
            f"{path} has BitsStored {stored} up to HighBit {dataset.get('HighBit')} of {bits} bits allocated, "
            "which is impossible; repair its header."
        )
    if above != bits - stored and not _has_words(dataset):
        raise InputError(
            f"{path} has HighBit {dataset.HighBit} with BitsStored {stored} in compressed pixels, which can be meant "
            "in two ways; save it uncompressed."
        )


def values_of(words: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Convert words to values: drop spare bits, extend signs."""
    bits, stored, above = _layout(dataset)
    kind = f"{'i' if dataset.PixelRepresentation == 1 else 'u'}{bits // 8}"
    return words.view(kind) if stored == bits else (words << above).view(kind) >> (bits - stored)


def words_of(values: np.ndarray, dataset: Dataset, before: np.ndarray | None = None) -> np.ndarray:
    """Convert values to words: signs extended, or zeros in the spare bits.

    Args:
        before: words as they were read; where the value has not changed, the word does not.
    """
    bits, stored, above = _layout(dataset)
    words = values.view(f"u{bits // 8}")
    words = words << below if (below := bits - stored - above) else words
    return words if before is None else np.where(values == values_of(before, dataset), before, words)


def empty_stack(path: Path, count: int, first: np.ndarray) -> np.ndarray:
    """Room for slices like the first: (slices, rows, columns).

    Raises:
        InputError: this machine has no memory for them.
    """
    shape = (count, *first.shape)
    try:
        return np.empty(shape, first.dtype)
    except MemoryError as error:
        size = first.nbytes * count / 2**30
        raise InputError(
            f"{path} contains {shape} voxels, {size:.1f} GB: more than the memory of this machine."
        ) from error


def _layout(dataset: Dataset) -> tuple[int, int, int]:
    """Bits of a word, bits that count, and spare bits above these."""
    bits, stored, high = int(dataset.BitsAllocated), int(dataset.BitsStored), dataset.get("HighBit")
    return bits, stored, bits - 1 - (stored - 1 if high is None else int(high))


def _has_words(dataset: Dataset) -> bool:
    """Whether the file contains words with all their bits: uncompressed or as run lengths."""
    whole = not is_encapsulated(dataset) or dataset.file_meta.TransferSyntaxUID == RLELossless
    return whole and int(dataset.BitsAllocated) in (8, 16, 32, 64)


def _words(dataset: Dataset, frame: int | None) -> np.ndarray:
    """Unsigned words (rows, columns) as they are in the file."""
    rows, columns, bits = int(dataset.Rows), int(dataset.Columns), int(dataset.BitsAllocated)
    if is_encapsulated(dataset):
        return native(pixel_array(dataset, index=frame or 0, raw=True, correct_unused_bits=False)).view(f"u{bits // 8}")
    content = dataset.PixelData
    big = dataset.file_meta.get("TransferSyntaxUID") == ExplicitVRBigEndian
    if big and bits == 8 and dataset["PixelData"].VR == "OW":  # pairs of bytes are words, and so exchanged
        content = np.frombuffer(content[: len(content) // 2 * 2], ">u2").astype("<u2").tobytes()
    words = np.frombuffer(
        content, f"{'>' if big else '<'}u{bits // 8}", rows * columns, (frame or 0) * rows * columns * bits // 8
    )
    return words.astype(words.dtype.newbyteorder("=")).reshape(rows, columns)


def _check_compression(dataset: Dataset, path: Path) -> None:
    syntax = UID(dataset.file_meta.get("TransferSyntaxUID") or "")
    try:
        decoder = get_decoder(syntax) if syntax else None
    except NotImplementedError:
        raise InputError(f"{path} has the unsupported compression {uid_name(syntax)}; save it uncompressed.") from None
    if decoder is None:
        return
    deep = syntax == JPEGExtended12Bit and int(dataset.get("BitsStored") or 0) > 8
    if not decoder.is_available or (deep and decoder.available_plugins == ("pillow",)):  # which decodes 8 bits only
        raise InputError(
            f"{path} has the compression {uid_name(syntax)}, which needs a decoder; install it with: "
            "pip install 'monai-inpaint[codecs]', or save the file uncompressed."
        )
