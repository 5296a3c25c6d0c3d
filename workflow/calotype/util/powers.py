"""Powers of ten and minus signs of numbers in texts."""

MINUS = "−"
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def power_of_ten(exponent: int) -> str:
    """Return a factor: `` × 10⁻⁸``; empty for the exponent 0."""
    return f" × 10{str(exponent).translate(_RAISED)}" if exponent else ""


def with_powers(text: str) -> str:
    """Replace the exponent and the minus sign of a formatted number: ``-1.2e-08`` becomes ``−1.2 × 10⁻⁸``."""
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa.replace('-', MINUS)}{power_of_ten(int(exponent or 0))}"
