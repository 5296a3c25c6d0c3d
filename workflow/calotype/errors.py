"""The one exception for everything that a user can put right."""


class CalotypeError(Exception):
    """Says what was wrong, where (file and key, or image), and, as a hint, what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\nHint: {hint}")
