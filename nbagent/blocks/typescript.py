"""Generates the view's TypeScript types, `js/src/protocol.ts`, from the structs of this package.

python -m nbagent.blocks.typescript
"""

import inspect as python_inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import msgspec.inspect as structs

from nbagent.blocks import KINDS, AnyProps
from nbagent.protocol import blocks, inspection, messages, nodes, ops, parts, values

TARGET = Path(__file__).parents[2] / "js/src/protocol.ts"

_HEAD = """\
/**
 * The contract between kernel and view: messages, ops, and the props of every kind of block.
 *
 * Generated from nbagent/protocol by `python -m nbagent.blocks.typescript`; do not edit.
 */

/** A value that is replaced by a marker where it is too large to travel with its block. */
export type Large<T> = T | LargeValue;
"""
_LINE_CHARS = 100
_LITERALS = {
    name: get_args(alias)
    for name, alias in {
        "Level": parts.Level,
        "RunStatus": parts.RunStatus,
        "ToolKind": parts.ToolKind,
        "ToolState": values.ToolState,
        "BarKind": inspection.BarKind,
        "PartKind": inspection.PartKind,
        "RowFilter": inspection.RowFilter,
    }.items()
}
_INSPECTION: tuple[type[msgspec.Struct], ...] = (
    inspection.EventsQuestion,
    inspection.EventsAnswer,
    inspection.Carried,
    inspection.Bar,
    inspection.TimelineAnswer,
    inspection.RequestRow,
    inspection.RequestsAnswer,
    inspection.RequestPart,
    inspection.RequestDetail,
    inspection.ForkForm,
    inspection.PastAnswer,
    inspection.RowsQuestion,
    inspection.TableRow,
    inspection.RowsAnswer,
)
_SUFFIXES: dict[str | None, str] = {"t": "Message", "node": "Node"}
"""Ends of the names of structs with a tag, by the tag's field."""
_BUNDLES = (values.ToolProgress, values.ToolError)
"""Structs whose fields become large values one by one."""
_OPS = {"OpenOp": ops.Open, "AppendOp": ops.Append, "SetOp": ops.Set, "CloseOp": ops.Close}
_NEVER_LARGE = ("boolean", "number", "null", "unknown")

_PRIMITIVES: dict[type[structs.Type], str] = {
    structs.AnyType: "unknown",
    structs.BoolType: "boolean",
    structs.FloatType: "number",
    structs.IntType: "number",
    structs.NoneType: "null",
    structs.StrType: "string",
}


def generate() -> str:
    """Return the text of `protocol.ts`."""
    return "\n".join(
        (_HEAD, *_block_declarations(), *_kind_declarations(), *_message_declarations())
    )


def _block_declarations() -> Iterator[str]:
    """Yield the types of the props of blocks, and of what they hold."""
    for name, literals in _LITERALS.items():
        yield _alias(name, [f'"{literal}"' for literal in literals])
    nested: tuple[type[msgspec.Struct], ...] = (values.LargeValue, *_nested())
    for struct in nested:
        yield _interface(struct, can_be_large=struct in _BUNDLES)
    yield _interface(blocks.BlockProps, can_be_large=True)
    for struct in get_args(AnyProps):
        yield _interface(struct, can_be_large=True, base=blocks.BlockProps)


def _kind_declarations() -> Iterator[str]:
    """Yield the kinds of blocks, and which of them are drawn from nodes."""
    every = get_args(AnyProps)
    kinds = {blocks.kind_of(props()): props for props in every}
    members = [f"  {kind}: {props.__name__};\n" for kind, props in kinds.items()]
    yield (
        f"{_comment('The props of a block, by its kind.')}export interface PropsByKind {{\n"
        f"{''.join(members)}}}\n"
    )
    yield _alias("Kind", ["keyof PropsByKind"])
    drawn = [f'"{kind.name}"' for kind in KINDS if not kind.has_component]
    yield _comment(
        "A kind that the view draws from nodes; it has a component for each other one."
    ) + (_alias("DrawnKind", drawn or ["never"]))
    yield _alias("DrawnNode", [f"{node.__name__}Node" for node in get_args(nodes.Node)])
    fields = {name: None for props in every for name in props.__struct_encode_fields__}
    yield _comment("Every kind.") + _list("KINDS", kinds)
    yield _comment("The names of the props of every kind.") + _list("PROPS", fields)


def _message_declarations() -> Iterator[str]:
    """Yield the ops, and the messages in both directions."""
    yield _comment(python_inspect.getdoc(ops) or "") + _alias("Op", list(_OPS))
    for name, op in _OPS.items():
        yield f"export type {name} = [{', '.join(map(_tuple_item, get_args(op)))}];\n"
    unions = {"KernelMessage": messages.KernelMessage, "ViewMessage": messages.ViewMessage}
    for union in unions.values():
        for struct in get_args(union):
            yield _interface(struct)
    for struct in _INSPECTION:
        yield _interface(struct)
    for name, union in unions.items():
        yield _alias(name, [f"{struct.__name__}Message" for struct in get_args(union)])


def _nested() -> dict[type[msgspec.Struct], None]:
    """Return the structs that the props of blocks hold, those in a struct before it."""
    found: dict[type[msgspec.Struct], None] = {}

    def add(struct: type[msgspec.Struct]) -> None:
        info = structs.type_info(struct)
        assert isinstance(info, structs.StructType)
        for field in info.fields:
            for inner in blocks.structs_in(field.type):
                add(inner)
                found.setdefault(inner)

    for props in get_args(AnyProps):
        add(props)
    return found


def _interface(
    struct: type[msgspec.Struct], *, can_be_large: bool = False, base: type | None = None
) -> str:
    info = structs.type_info(struct)
    assert isinstance(info, structs.StructType)
    summary, attributes = _docstring(struct)
    inherited = set(getattr(base, "__struct_fields__", ()))
    lines = [f'  {info.tag_field}: "{info.tag}";\n'] if info.tag_field in _SUFFIXES else []
    for field in info.fields:
        if field.name in inherited:
            continue
        optional = "" if field.required else "?"
        large = (
            can_be_large and field.encode_name not in blocks.STREAMED_FIELDS | blocks.BUNDLE_FIELDS
        )
        written = _type(field.type, large=large, omits_none=struct.__struct_config__.omit_defaults)
        lines.append(
            f"{_comment(attributes.get(field.encode_name, ''), '  ')}  "
            f"{field.encode_name}{optional}: {written};\n"
        )
    name = _name(info)
    extends = f" extends {base.__name__}" if base else ""
    return f"{_comment(summary)}export interface {name}{extends} {{\n{''.join(lines)}}}\n"


def _type(kind: structs.Type, *, large: bool = False, omits_none: bool = False) -> str:
    match kind:
        case structs.Metadata(extra_json_schema={"title": "Op"}):
            return "Op"
        case structs.Metadata():
            return _type(kind.type, large=large)
        case structs.UnionType():
            return _union(kind, large=large, omits_none=omits_none)
        case structs.LiteralType():
            return _literal(kind.values)
        case structs.StructType():
            return _name(kind)
    written = _value_type(kind)
    if large and written not in _NEVER_LARGE:
        return f"Large<{written}>"
    return written


def _value_type(kind: structs.Type) -> str:
    match kind:
        case structs.TupleType():
            return f"[{', '.join(map(_type, kind.item_types))}]"
        case structs.ListType():
            return f"{_type(kind.item_type)}[]"
        case structs.DictType():
            return f"Record<string, {_type(kind.value_type)}>"
    return _PRIMITIVES[type(kind)]


def _union(kind: structs.UnionType, *, large: bool, omits_none: bool) -> str:
    if _is_node(kind.types[0]):
        return "DrawnNode"
    members: list[structs.Type] = list(kind.types)
    if omits_none:
        members = [each for each in members if not isinstance(each, structs.NoneType)]
    return " | ".join(_type(member, large=large) for member in members)


def _literal(values: Iterable[Any]) -> str:
    """Return the name of a type of these texts; without one, the texts."""
    for name, named in _LITERALS.items():
        if set(named) == set(values):
            return name
    return " | ".join(f'"{value}"' for value in values)


def _is_node(kind: structs.Type) -> bool:
    return isinstance(kind, structs.StructType) and kind.tag_field == "node"


def _name(struct: structs.StructType) -> str:
    return f"{struct.cls.__name__}{_SUFFIXES.get(struct.tag_field, '')}"


def _list(name: str, items: Iterable[str]) -> str:
    lines = "".join(f'  "{item}",\n' for item in items)
    return f"export const {name} = [\n{lines}] as const;\n"


def _tuple_item(item: Any) -> str:
    info = structs.type_info(item)
    if not isinstance(info, structs.Metadata):
        return _type(info)
    return f"{(info.extra_json_schema or {})['title']}: {_type(info)}"


def _alias(name: str, members: list[str]) -> str:
    line = f"export type {name} = {' | '.join(members)};\n"
    if len(line) <= _LINE_CHARS:
        return line
    return f"export type {name} =\n" + "\n".join(f"  | {member}" for member in members) + ";\n"


def _docstring(struct: type) -> tuple[str, dict[str, str]]:
    """Return a class's docstring without its `Attributes:`, and these by name, each on one line."""
    summary, _, attributes = (python_inspect.getdoc(struct) or "").partition("\nAttributes:\n")
    found = re.findall(r"^    (\w+): (.+(?:\n {5,}.+)*)", attributes, re.MULTILINE)
    return summary.strip(), {
        name: " ".join(f"{text[0].upper()}{text[1:]}".split()) for name, text in found
    }


def _comment(text: str, indent: str = "") -> str:
    if not text:
        return ""
    if "\n" not in text and len(text) + len(indent) + 7 <= _LINE_CHARS:
        return f"{indent}/** {text} */\n"
    lines = (
        text.splitlines() if "\n" in text else textwrap.wrap(text, _LINE_CHARS - len(indent) - 3)
    )
    return (
        f"{indent}/**\n"
        + "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
        + f"{indent} */\n"
    )


if __name__ == "__main__":
    TARGET.write_text(generate(), encoding="utf-8")
