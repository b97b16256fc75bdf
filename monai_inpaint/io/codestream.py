"""Read the size that compressed pixels claim in their first bytes, before a decoder allocates memory."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.io.limits import CODED, check_claim

_JPEG_2000 = b"\xff\x4f\xff\x51"  # start of the codestream, then the marker of its size
# start-of-frame markers, of which three numbers are others; the last is that of JPEG-LS
_FRAME_OF_JPEG = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_LOSSLESS_FRAMES = {0xC3, 0xC7, 0xCB, 0xCF}
_LEAST_OF_A_TILE = 14  # bytes: its header, and the marker before its data
_BARE = range(0xD0, 0xDA)  # markers of JPEG without a length


@dataclass(frozen=True)
class Claim:
    """Size and kind of coded pixels.

    Attributes:
        samples: channels.
        bits: of a sample.
        lossy: whether the coding is of a kind that changes values.
        parts: tiles that are coded each for itself.
    """

    rows: int
    columns: int
    samples: int = 1
    bits: int = 8
    lossy: bool = True
    parts: int = 1


def check_code(path: Path, start: bytes, available: int) -> Claim | None:
    """Refuse coded pixels that state a larger size than their bytes can encode.

    Args:
        start: their first bytes; some 64 KB are enough, or all of them.
        available: how many bytes they are.

    Returns:
        the stated size; None for JPEG, JPEG-LS, JPEG 2000, PNG and WebP without one, and for all other data.

    Raises:
        InputError: see above.
    """
    claim = claim_of(start)
    if claim is not None:
        itemsize = claim.samples * ((claim.bits + 7) // 8)
        check_claim(path, (claim.rows, claim.columns), itemsize, available, packed=CODED)
        if claim.parts * _LEAST_OF_A_TILE > available + _LEAST_OF_A_TILE:
            raise InputError(f"{path} is damaged: it claims {claim.parts} tiles in {available} bytes; copy it again.")
    return claim


def claim_of(start: bytes) -> Claim | None:
    """Read the size that coded pixels claim; None where these bytes do not show it."""
    try:
        if start[:8] == b"\x89PNG\r\n\x1a\n":
            return _png(start)
        if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
            return _webp(start)
        if start[:2] == b"\xff\xd8":
            return _jpeg(start)
        at = start.find(_JPEG_2000, 0, 4096)  # it may lie in a JP2 file
        return _jpeg_2000(start, at) if at >= 0 else None
    except (struct.error, IndexError, ValueError):  # cut short
        return None


def _png(start: bytes) -> Claim | None:
    if start[12:16] != b"IHDR":
        return None
    columns, rows, bits, colour = struct.unpack_from(">2I2B", start, 16)
    return Claim(rows, columns, {0: 1, 3: 1, 4: 2, 2: 3}.get(colour, 4), bits, lossy=False)


def _webp(start: bytes) -> Claim | None:
    """All kinds are decoded to four channels."""
    kind = start[12:16]
    if kind == b"VP8X":
        sizes = struct.unpack_from("<HBHB", start, 24)
        return Claim((sizes[2] | sizes[3] << 16) + 1, (sizes[0] | sizes[1] << 16) + 1, 4)
    if kind == b"VP8L":
        (sizes,) = struct.unpack_from("<I", start, 21)
        return Claim((sizes >> 14 & 0x3FFF) + 1, (sizes & 0x3FFF) + 1, 4, lossy=False)
    if kind == b"VP8 ":
        columns, rows = struct.unpack_from("<2H", start, 26)
        return Claim(rows & 0x3FFF, columns & 0x3FFF, 4)
    return None


def _jpeg(start: bytes) -> Claim | None:
    at = 2
    while at + 10 <= len(start):
        if start[at] != 0xFF:
            return None
        marker = start[at + 1]
        if marker in _FRAME_OF_JPEG:
            bits, rows, columns, samples = struct.unpack_from(">B2HB", start, at + 4)
            return Claim(rows, columns, samples, bits, lossy=marker not in _LOSSLESS_FRAMES)
        if marker == 0xFF:  # bytes that fill up
            at += 1
        else:
            at += 2 if marker in _BARE else 2 + struct.unpack_from(">H", start, at + 2)[0]
    return None


def _jpeg_2000(start: bytes, at: int) -> Claim:
    length, _, right, bottom, left, top, width, height, first, upper, samples = struct.unpack_from(
        ">2H8IH", start, at + 4
    )
    bits = max((depth & 0x7F) + 1 for depth in start[at + 42 : at + 42 + 3 * samples : 3])
    across, down = -(-(right - first) // max(width, 1)), -(-(bottom - upper) // max(height, 1))
    lossy, at = True, at + 4 + length
    while start[at : at + 1] == b"\xff" and start[at + 1] != 0x90:  # up to the first tile
        if start[at + 1] == 0x52:  # coding style: its last byte but the sizes of precincts says which wavelet
            lossy = start[at + 13] != 1
        at += 2 + struct.unpack_from(">H", start, at + 2)[0]
    return Claim(bottom - top, right - left, samples, bits, lossy, max(across * down, 1))
