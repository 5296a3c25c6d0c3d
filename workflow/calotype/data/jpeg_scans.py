"""Check that a JPEG file has all its scans: decoders show an image without the last ones blurred or grey, silently."""

import re
from collections.abc import Iterator

START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # a frame's header lists its components
NO_LENGTH = {0x01, *range(0xD0, 0xD9)}
MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")  # within and after a scan: no stuffed byte, and no restart
MISSING = 99  # bits: more than any coefficient has


def check_scans(content: bytes) -> None:
    """Raise a ValueError if a component lacks coefficients, or some of their last bits, at the end of the image."""
    missing: dict[int, list[int]] = {}  # by component: number of last bits that each coefficient lacks
    for kind, header in _headers(content):
        if kind in FRAMES:
            missing = {number: [MISSING] * 64 for number in header[6::3]}
        elif kind == START_OF_SCAN:
            first, last, bits = header[-3:]
            for number in header[1:-3:2]:
                missing[number][first : last + 1] = [bits & 15] * (last + 1 - first)
            if not any(map(any, missing.values())):
                return
    raise ValueError("its last scans are missing")


def _headers(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and header of each segment up to the end of the image."""
    place = 2
    while found := MARKER.search(content, place):
        kind, place = found[1][0], found.end()
        if kind == END_OF_IMAGE:
            return
        if kind not in NO_LENGTH:
            end = place + int.from_bytes(content[place : place + 2], "big")
            yield kind, content[place + 2 : end]
            place = end
