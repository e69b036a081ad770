"""`object_bytes`: about how much memory an object keeps, without running code of a user's class.

`sys.getsizeof` calls `__sizeof__`, which for a DataFrame walks through every string in it.
"""

import contextlib
import itertools
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

MAX_OBJECTS = 10_000
"""Objects that are looked at for one estimate."""
SAMPLE = 1000
"""Members of a container that are looked at; the others are taken to be as large."""

_CONTAINERS: tuple[type, ...] = (list, tuple, set, frozenset, dict)
_BUILTINS: tuple[type, ...] = (str, bytes, bytearray, int, *_CONTAINERS)


def _memory_usage(kind: Any, frame: Any) -> int:
    usage = kind.memory_usage(frame, deep=False)
    if not isinstance(usage, int):  # of a frame: by column
        usage = usage.sum()
    return int(usage)


def _estimated_size(kind: Any, frame: Any) -> int:
    return int(kind.estimated_size(frame))


def _nbytes(kind: Any, array: Any) -> int:
    return int(kind.nbytes.__get__(array))


def _pixels(kind: Any, image: Any) -> int:
    width, height = kind.size.__get__(image)
    return int(width * height * len(kind.getbands(image)))


_MEASURES: Mapping[str, Mapping[str, Callable[[Any, Any], int]]] = {
    "pandas": {"DataFrame": _memory_usage, "Series": _memory_usage, "Index": _memory_usage},
    "polars": {"DataFrame": _estimated_size, "Series": _estimated_size},
    "numpy": {"ndarray": _nbytes},
    "pyarrow": {
        "Table": _nbytes,
        "RecordBatch": _nbytes,
        "Array": _nbytes,
        "ChunkedArray": _nbytes,
    },
    "torch": {"Tensor": _nbytes},
    "PIL": {"Image": _pixels},
}
"""Functions that measure a library's objects, by package and class.

Each gets the library's own class of the object, since a user's that is derived from it may have
other methods, and the object.
"""


def object_bytes(value: Any) -> int:
    """Return about how many bytes an object keeps in memory.

    Frames and arrays of the known libraries are measured. Lists, dicts and plain objects are walked
    through, not to the end if they are long. Of anything else only the object's own few bytes
    count.
    """
    return _bytes(value, set())


def _bytes(value: Any, seen: set[int]) -> int:
    if id(value) in seen or len(seen) >= MAX_OBJECTS:
        return 0
    seen.add(id(value))
    measured = _measured(value)
    if measured is not None:
        return measured
    # isinstance() asks the object
    kind: Any = next((kind for kind in _BUILTINS if issubclass(type(value), kind)), object)
    size: int = kind.__sizeof__(value)
    try:
        return size + _bytes_inside(value, kind, seen)
    except (RuntimeError, RecursionError):  # another thread changes it, or it is nested too deep
        return size


def _bytes_inside(value: Any, kind: Any, seen: set[int]) -> int:
    if kind not in _CONTAINERS:
        if kind is object:
            return sum(_bytes(field, seen) for field in list(_fields(value).values()))
        return 0
    if kind is dict:
        members = iter(dict.values(value))
    else:
        members = kind.__iter__(value)
    sample = list(itertools.islice(members, SAMPLE))
    size = sum(_bytes(member, seen) for member in sample)
    return int(size * kind.__len__(value) // max(1, len(sample)))


def _fields(value: Any) -> dict[str, Any]:
    """Return the attributes of a plain object; {} of a class, a module or a function, which are not
    the result's own.
    """
    if issubclass(type(value), (type, ModuleType)) or callable(value):
        return {}
    try:
        fields = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    if type(fields) is not dict:
        return {}
    return fields


def _measured(value: Any) -> int | None:
    """Return the size of a known library's object; None for any other."""
    kind = next((kind for kind in type(value).__mro__ if _package(kind) in _MEASURES), None)
    if kind is None:
        return None
    names = {base.__name__ for base in kind.__mro__}
    for name, measure in _MEASURES[_package(kind)].items():
        if name in names:
            with contextlib.suppress(Exception):  # an estimate is not worth an error
                return measure(kind, value)
            return None
    return None


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]
