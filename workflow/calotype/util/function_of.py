"""Functions of the library that a type of config names, so that it can be read without importing them."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def function_of(place: str) -> Callable[..., Any]:
    """The function that `module:function` names; its module is imported only now."""
    module, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found
