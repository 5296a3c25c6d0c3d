"""Check LZW data of a TIFF file: imagecodecs uses an empty table after a damaged code, which can end the process."""

import numpy as np

CLEAR, END = 256, 257
MOST = 4096  # codes between two CLEAR
# Width in bits of each code after CLEAR, which grows with the table, and its last bit (TIFF 6.0, section 13).
WIDTHS = np.select([np.arange(MOST) < last for last in (254, 766, 1790)], [9, 10, 11], 12)
ENDS = np.cumsum(WIDTHS)
# By the bit of a byte at which the first code begins: the byte of each code, and CLEAR in the 32 bits from there on.
BITS = np.arange(8)[:, None] + ENDS - WIDTHS
BYTES = BITS >> 3
SHIFTS = 32 - (BITS & 7) - WIDTHS
CLEARS = (CLEAR << SHIFTS).astype(np.uint32)
MASKS = (((1 << WIDTHS) - 2) << SHIFTS).astype(np.uint32)  # without the last bit: END is CLEAR + 1


def check_lzw(strip: bytes | bytearray) -> None:
    """Raise a ValueError if there is no first CLEAR, or if a code refers to the table that CLEAR has just emptied."""
    if strip[:1] != b"\x80" or strip[1:2] >= b"\x80":  # nine bits of CLEAR
        raise ValueError("its LZW data do not begin as in TIFF 6.0")
    size, start = 8 * len(strip), 9
    words = np.ndarray(len(strip), ">u4", bytes(strip) + bytes(4), strides=(1,)).astype(np.uint32)  # from each byte on
    while start + 9 <= size:
        here = words[start >> 3 :]
        if (int(here[0]) >> 23 - (start & 7)) & 511 > END:
            raise ValueError("its LZW data are damaged")
        phase, number = start & 7, np.searchsorted(ENDS, size - start, "right")
        found = here.take(BYTES[phase, :number]) & MASKS[phase, :number] == CLEARS[phase, :number]
        last = int(found.argmax())
        if not found[last]:
            return
        code = int(here[BYTES[phase, last]]) >> int(SHIFTS[phase, last])
        if code & 1:  # END
            return
        start += int(ENDS[last])
