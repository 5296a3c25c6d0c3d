"""Types of arguments and signatures of functions, for tests that compare them."""

import inspect

from pydantic import ValidationError


def accepts(kind, arguments):
    """Tell if a type takes these arguments."""
    try:
        kind.model_validate(arguments)
    except ValidationError:
        return False
    return True


def signature(function):
    """Return the keyword arguments of a function with their defaults."""
    found = inspect.signature(function).parameters
    return {name: each.default for name, each in found.items() if each.kind != each.VAR_KEYWORD and name != "self"}
