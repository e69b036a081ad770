"""Description of a function by its source, and by the values that it reads by name."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

_PLAIN = str | bytes | int | float | bool | None


def describe_function(
    function: Callable[..., Any], seen: frozenset[int] = frozenset()
) -> list[Any] | str:
    """Return what a function is made of, as JSON that is the same in another process.

    It is the source, the defaults, and what the function reads by name: texts and numbers, other
    functions of its module, and objects that have a `fingerprint()`, as agents do. Lists, mappings
    and other objects are left out: they often hold what the function writes down. Where there is no
    source the bytecode stands for it; of an object that is called, its class.

    Args:
        function: that is described.
        seen: ids of the functions around it, which are not described again.
    """
    plain: Any = inspect.unwrap(getattr(function, "__func__", function))
    code = getattr(plain, "__code__", None)
    if code is None:
        return f"{type(plain).__module__}.{type(plain).__qualname__}"
    try:
        source: Any = inspect.getsource(plain)
    except (OSError, TypeError):
        source = [code.co_code.hex(), repr(code.co_consts)]
    defaults = {str(at): value for at, value in enumerate(plain.__defaults__ or ())}
    read = inspect.getclosurevars(plain)
    around = seen | {id(plain)}
    names = {**read.globals, **read.nonlocals, **defaults, **(plain.__kwdefaults__ or {})}
    return [source, _described(names, plain.__module__, around)]


def _described(values: Mapping[str, Any], module: str, seen: frozenset[int]) -> dict[str, Any]:
    """Return what can be described of the values that a function reads."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, _PLAIN):
            found[name] = repr(value)
        elif callable(getattr(type(value), "fingerprint", None)):
            found[name] = value.fingerprint()
        elif inspect.isfunction(value) and value.__module__ == module and id(value) not in seen:
            found[name] = describe_function(value, seen)
    return found
