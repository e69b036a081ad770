"""Adapters of other packages, which register their classes as entry points.

See https://packaging.python.org/specifications/entry-points/ and docs/how-to/write-an-adapter.md. A
class is imported when its system is named, or when a system has to be detected.
"""

import warnings
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from nbagent.errors import BrokenAdapter

T = TypeVar("T")

DECODERS = "nbagent.adapters"
"""Group of the decoders: `acme = "nbagent_acme.decoder:AcmeDecoder"`."""

ENCODERS = "nbagent.encoders"
"""Group of the encoders: `acme = "nbagent_acme.encoder:AcmeEncoder"`."""

ANSWERS = "nbagent.answers"
"""Group of the forms of answers: `acme = "nbagent_acme.answers:AcmeAnswers"`."""


def names(group: str) -> list[str]:
    """Return the systems that other packages have registered in a group, in alphabetical order."""
    return sorted(entry_points(group=group).names)


def load_named(group: str, system: str, kind: type[T]) -> type[T] | None:
    """Return the class that another package has registered for a system; None if none has.

    Args:
        group: `DECODERS`, `ENCODERS` or `ANSWERS`.
        system: the name of the entry point.
        kind: the base class.

    Raises:
        BrokenAdapter: the class cannot be imported, or is none of this kind.
    """
    for entry in entry_points(group=group, name=system):
        return _load(entry, kind)
    return None


def load_all(group: str, kind: type[T], taken: Iterable[str]) -> list[type[T]]:
    """Return the classes that other packages have registered in a group, in the order of `names`.

    One that cannot be used is named in a warning, and left out.

    Args:
        group: `DECODERS`, `ENCODERS` or `ANSWERS`.
        kind: the base class.
        taken: the systems that nbagent has itself.
    """
    used = set(taken)
    loaded: list[type[T]] = []
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        if entry.name in used:
            warn(f"{_origin(entry)} is left out: there is another adapter of that name.")
            continue
        used.add(entry.name)
        try:
            loaded.append(_load(entry, kind))
        except BrokenAdapter as error:
            warn(str(error))
    return loaded


def warn(message: str) -> None:
    """Warn that an adapter of another package does not work."""
    warnings.warn(message, RuntimeWarning, stacklevel=2)


def _load(entry: EntryPoint, kind: type[T]) -> type[T]:
    try:
        found = entry.load()
    except Exception as error:  # another package's code may raise anything while it is imported
        raise BrokenAdapter(
            f"{_origin(entry)} cannot be imported: {type(error).__name__}: {error}. Update or "
            "uninstall the package."
        ) from error
    if not isinstance(found, type) or not issubclass(found, kind):
        raise BrokenAdapter(f"{_origin(entry)} is no subclass of {kind.__name__}.")
    system = getattr(found, "system", entry.name)  # a form of answers has none
    if system != entry.name:
        raise BrokenAdapter(
            f"{_origin(entry)} is of the system {system!r}: the entry point must have its name."
        )
    return found


def _origin(entry: EntryPoint) -> str:
    package = f" of {entry.dist.name}" if entry.dist is not None else ""
    return f"The adapter {entry.name!r}{package} ({entry.value})"
