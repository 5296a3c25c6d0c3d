"""Check LZW data of a TIFF file: imagecodecs uses an empty table after a damaged code, which can end the process."""

import numpy as np

CLEAR, END = 256, 257
MOST = 4096  # codes between two CLEAR
# Width in bits of each code after CLEAR, which grows with the table, and its first bit (TIFF 6.0, section 13).
WIDTHS = np.select([np.arange(MOST) < last for last in (254, 766, 1790)], [9, 10, 11], 12)
STARTS = np.cumsum(WIDTHS) - WIDTHS


def check_lzw(strip: bytes | bytearray) -> None:
    """Raise a ValueError if there is no first CLEAR, or if a code refers to the table that CLEAR has just emptied."""
    if strip[:1] != b"\x80" or strip[1:2] >= b"\x80":  # nine bits of CLEAR
        raise ValueError("its LZW data do not begin as in TIFF 6.0")
    content, bits = np.frombuffer(strip + bytes(4), np.uint8).astype(np.uint32), 8 * len(strip)
    start = 9
    while start + 9 <= bits:
        places = start + STARTS[: np.searchsorted(STARTS + WIDTHS, bits - start, "right")]
        widths, byte = WIDTHS[: len(places)], places >> 3
        words = content[byte] << 24 | content[byte + 1] << 16 | content[byte + 2] << 8 | content[byte + 3]
        codes = words >> (32 - (places & 7) - widths) & (1 << widths) - 1
        if codes[0] > END:
            raise ValueError("its LZW data are damaged")
        ends = np.flatnonzero((codes == CLEAR) | (codes == END))
        if not ends.size or codes[ends[0]] == END:
            return
        start += int(STARTS[ends[0]] + WIDTHS[ends[0]])
