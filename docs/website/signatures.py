"""An extension of griffe: the signature of a function with `**options: Unpack[…]` has each option.

griffe's own `unpack_typeddict` leaves out the options of the dict's bases.
"""

from typing import Any

import griffe


class NamedOptions(griffe.Extension):
    """Replaces `**options` by the keys of the TypedDict."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Change all functions of a package, whose classes are known by now."""
        for module in _all(pkg):
            for function in module.functions.values():
                if not function.is_alias:
                    _name_options(function)


def _all(holder: griffe.Module | griffe.Class) -> "list[griffe.Module | griffe.Class]":
    members = holder.members.values()
    inside = [each for each in members if isinstance(each, griffe.Module | griffe.Class)]
    return [holder, *(found for each in inside for found in _all(each))]


def _name_options(function: griffe.Function) -> None:
    for parameter in list(function.parameters):
        annotation = parameter.annotation
        if not isinstance(annotation, griffe.ExprSubscript):
            continue
        if annotation.canonical_path == "typing.Unpack":
            del function.parameters[parameter.name]
            kind = function.modules_collection[annotation.slice.canonical_path]
            for option in _options(kind):
                function.parameters[option.name] = option


def _options(kind: griffe.Class) -> list[griffe.Parameter]:
    """Return the keys of a TypedDict as parameters, those of its bases first."""
    bases = [base for base in kind.resolved_bases if isinstance(base, griffe.Class)]
    own = [
        griffe.Parameter(
            name, annotation=key.annotation, kind=griffe.ParameterKind.keyword_only, default="..."
        )
        for name, key in kind.attributes.items()
    ]
    return [*(option for base in bases for option in _options(base)), *own]
