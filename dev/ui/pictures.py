"""Makes screenshots smaller: a palette of the colours that matter, packed as tightly as zlib can. Pure; only what Chromium writes.

A page has few colours, but for the edges of letters: those beyond the palette take the nearest in it, which nobody sees.
"""

import struct
import zlib
from collections import Counter

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST = 256
_FEWEST = 6
"""Pixels of a colour that make it more than the edge of a letter."""


def shrink(png: bytes) -> bytes:
    """The picture with at most 256 colours; the given one if that is smaller.

    Raises:
        ValueError: it is no PNG of 8 bits a channel, without interlacing.
    """
    width, height, channels, data = _read(png)
    rows = _unfilter(data, width, height, channels)
    pixels = [bytes(row[at : at + 3]) for row in rows for at in range(0, width * channels, channels)]
    counts = Counter(pixels)
    palette = _choose(counts)
    index = {color: place for place, color in enumerate(palette)}
    for color in counts:
        if color not in index:
            index[color] = _nearest(color, palette)
    places = bytes(map(index.__getitem__, pixels))
    lines = b"".join(b"\0" + places[at : at + width] for at in range(0, len(places), width))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    shrunk = _SIGNATURE + b"".join(_chunk(name, body) for name, body in parts)
    return shrunk if len(shrunk) < len(png) else png


def _choose(counts: Counter[bytes]) -> list[bytes]:
    """The palette: first one colour of each kind, so that a small mark keeps its own, then the most frequent."""
    kinds: dict[bytes, bytes] = {}
    for color, count in counts.most_common():
        if count >= _FEWEST:
            kinds.setdefault(bytes(part >> 4 for part in color), color)
    chosen = dict.fromkeys(list(kinds.values())[:_MOST])
    for color, _ in counts.most_common(_MOST):
        if len(chosen) < _MOST:
            chosen.setdefault(color)
    return list(chosen)


def _read(png: bytes) -> tuple[int, int, int, bytes]:
    if not png.startswith(_SIGNATURE):
        raise ValueError("this is no PNG")
    at, packed = len(_SIGNATURE), b""
    width = height = channels = 0
    while at < len(png):
        (size,), name = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        body = png[at + 8 : at + 8 + size]
        if name == b"IHDR":
            width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            channels = {2: 3, 6: 4}.get(kind, 0)
            if depth != 8 or not channels or interlaced:
                raise ValueError("this PNG is not of 8 bits a channel in true colours")
        elif name == b"IDAT":
            packed += body
        at += size + 12
    return width, height, channels, zlib.decompress(packed)


def _unfilter(data: bytes, width: int, height: int, channels: int) -> list[bytearray]:
    stride = width * channels
    rows: list[bytearray] = []
    before = bytearray(stride)
    for number in range(height):
        start = number * (stride + 1)
        row = bytearray(data[start + 1 : start + 1 + stride])
        _undo(data[start], row, before, channels)
        rows.append(row)
        before = row
    return rows


def _undo(kind: int, row: bytearray, before: bytearray, channels: int) -> None:
    if kind == 0:
        return
    if kind == 2:
        row[:] = bytes((a + b) & 255 for a, b in zip(row, before, strict=True))
        return
    for at in range(len(row)):
        left = row[at - channels] if at >= channels else 0
        up = before[at]
        if kind == 1:
            guess = left
        elif kind == 3:
            guess = (left + up) // 2
        else:
            guess = _paeth(left, up, before[at - channels] if at >= channels else 0)
        row[at] = (row[at] + guess) & 255


def _paeth(left: int, up: int, corner: int) -> int:
    near = left + up - corner
    by_left, by_up, by_corner = abs(near - left), abs(near - up), abs(near - corner)
    if by_left <= by_up and by_left <= by_corner:
        return left
    return up if by_up <= by_corner else corner


def _nearest(color: bytes, palette: list[bytes]) -> int:
    red, green, blue = color
    return min(
        range(len(palette)),
        key=lambda place: (
            (palette[place][0] - red) ** 2 + (palette[place][1] - green) ** 2 + (palette[place][2] - blue) ** 2
        ),
    )


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
