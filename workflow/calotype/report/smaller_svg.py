"""Smaller copies of matplotlib's SVG files, for a page that holds many."""

import base64
import binascii
import io
import re
from string import ascii_letters
from urllib.parse import quote

from markupsafe import Markup

SCREEN = 2 * 96 / 72  # pixels per point of a screen with two dots per CSS pixel
SHOWN = "".join(sorted(set(map(chr, range(32, 127))) - {*'"#%&'}))  # characters that a data URI need not escape


def _smaller_image(found: re.Match[str]) -> str:
    """Return an image element with the pixels that a screen shows; unchanged if it is not smaller so."""
    from PIL import Image

    tag, data = found[0], found[1]
    width = re.search(r' width="([\d.]+)"', tag)
    try:
        image = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA")
    except (binascii.Error, OSError):
        return tag
    if width and (scale := float(width[1]) * SCREEN / image.width) < 1:
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(size, Image.Resampling.BOX)
    if image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    written = io.BytesIO()
    image.save(written, "WEBP", lossless=True, quality=50)
    smaller = base64.b64encode(written.getvalue()).decode()
    shown = tag.replace(data, smaller).replace("data:image/png", "data:image/webp")
    return shown if len(smaller) < len(data) else tag


def _short_names(text: str) -> str:
    """Shorten the names that other elements use, and remove the others."""
    used = dict.fromkeys(re.findall(r'(?:href="|url\()#([\w.-]+)', text))
    names = {name: f"{ascii_letters[i % 52]}{i // 52 or ''}" for i, name in enumerate(used)}
    text = re.sub(r' id="([^"]*)"', lambda found: f' id="{names[found[1]]}"' if found[1] in names else "", text)
    return re.sub(r'(href="|url\()#([\w.-]+)', lambda found: f"{found[1]}#{names[found[2]]}", text)


def smaller(text: str) -> str:
    """Return the text of a smaller SVG that looks the same on a screen and on paper: a hundredth of a point counts."""
    text = re.sub(r"<\?.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<image [^>]*?"data:image/png;base64,([^"]*)"[^>]*>', _smaller_image, text)
    text = _short_names(text)
    plain = re.split(r'(data:image/[^"]*)', text)
    for i in range(0, len(plain), 2):  # all but images
        part = re.sub(r"([1-9]\d*\.\d\d)\d+", r"\1", plain[i])  # not the scale of letters, 0.015625
        part = re.sub(r"\s+", " ", part).replace("xlink:href", "href").replace("> <", "><").replace("; ", ";")
        plain[i] = re.sub(r' ?\b([MLQCHVSTAz]) ?(?=[-\d"MLQCHVSTAz])', r"\1", part) if " d=" in part else part
    text = "".join(plain).strip()
    return re.sub(r"<g>((?:(?!<g[ >]).)*?)</g>", r"\1", text)


def data_uri(text: str) -> Markup:
    """Return a data URI of an SVG, ready for an HTML attribute in double quotes; a third shorter than in base64."""
    single = text if "'" in text else text.replace('"', "'")
    return Markup(f"data:image/svg+xml,{quote(single, safe=SHOWN)}")  # neither quotes nor ampersands
