"""Text in LaTeX, and its approximate width."""

import re

_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
_LOWERED = str.maketrans(_RAISED, "0123456789-")
NO_BREAK = "\u00a0"  # a space without a line break
_POWER = re.compile(f"( ?)×[ {NO_BREAK}]10([{_RAISED}]+)")
_GREEK = """
    αalpha βbeta γgamma δdelta εepsilon ζzeta ηeta θtheta ιiota κkappa λlambda μmu µmu νnu ξxi πpi ρrho σsigma τtau
    υupsilon φphi χchi ψpsi ωomega ΓGamma ΔDelta ΘTheta ΛLambda ΞXi ΠPi ΣSigma ΦPhi ΨPsi ΩOmega
    ×times ±pm ≤leq ≥geq ≠neq ≈approx →rightarrow ∞infty ·cdot
"""
_FORMULAS = {"−": "-", "°": r"^\circ", "²": "^2", "³": "^3", "†": r"^\dagger"}
_FORMULAS |= {word[0]: f"\\{word[1:]}" for word in _GREEK.split()}
_LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "–": "--", NO_BREAK: "~", **{sign: f"${formula}$" for sign, formula in _FORMULAS.items()},
})  # fmt: skip
DAGGER = r"\rlap{$^\dagger$}"  # without width: numbers stay aligned
WIDEST = 6.5  # points of a letter, on average over a long word

# Widths of Computer Modern in thousandths of its size, for letters of about the same width; of others, _OTHER.
_WIDTHS = {"il.,;:|'!": 278, "fjrst()[]-I/": 389, "cez ": 444, "mwM%": 833, "W": 1028, "ABCDEFGHKLNOPQRTUVXYZ&−": 750}
_OF_LETTER = {letter: width for letters, width in _WIDTHS.items() for letter in letters}
_OTHER = 556
_POINTS = 9.25e-3  # of \small, for each thousandth


def escape(text: str) -> str:
    """Escape text for LaTeX."""
    return text.translate(_LATEX)


def latex(text: str) -> str:
    """Return text with numbers for LaTeX, with powers of ten as formulas."""
    parts = _POWER.split(text)
    found = [escape(parts[0])]
    for space, exponent, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        power = rf"$\times\,10^{{{exponent.translate(_LOWERED)}}}$"
        found.append((r"\," if space else "") + power + escape(after))
    return "".join(found)


def points(text: str) -> float:
    """Return the approximate width in points of text in ``\\small`` of a paper in 10 points."""
    return sum(_OF_LETTER.get(letter, _OTHER) for letter in text) * _POINTS


def bold_points(text: str) -> float:
    """Return the approximate width of bold text."""
    return 1.16 * points(text)


def breakable(text: str, width: float) -> str:
    """Return text for LaTeX with places to break long words in a column: after signs, and anywhere in the longest.

    Args:
        width: of the column in points.
    """
    most, words = max(1, int(width / WIDEST)), []
    for word in text.split(" "):
        parts = [part[i : i + most] for part in re.split(r"(?<=[-_/.,:=+])|(?<=[a-z])(?=[A-Z])", word)
                 for i in range(0, max(1, len(part)), most)]  # fmt: skip
        words.append(r"\allowbreak{}".join(map(latex, parts)) if points(word) > 0.9 * width else latex(word))
    return " ".join(words)
