"""The ops: changes of the block tree, as JSON arrays.

    ["open", id, parent, props]   a new block, the last child of `parent`; `props["kind"]` is
                                  its kind
    ["append", id, field, text]   a text field grows by `text`
    ["set", id, props]            these props are replaced; a text field that is set loses what
                                  was appended
    ["close", id]                 the block is finished

Applying the ops in order gives the kernel's tree at every moment. They are plain tuples, not
structs, because an `append` is made for every delta.
"""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta

Id: TypeAlias = Annotated[str, Meta(title="id")]
Parent: TypeAlias = Annotated[str | None, Meta(title="parent")]
Field: TypeAlias = Annotated[str, Meta(title="field")]
Text: TypeAlias = Annotated[str, Meta(title="text")]
Props: TypeAlias = Annotated[dict[str, Any], Meta(title="props")]
"""Some of the props of one block; see `blocks`."""

Open: TypeAlias = tuple[Literal["open"], Id, Parent, Props]
Append: TypeAlias = tuple[Literal["append"], Id, Field, Text]
Set: TypeAlias = tuple[Literal["set"], Id, Props]
Close: TypeAlias = tuple[Literal["close"], Id]
Op: TypeAlias = Open | Append | Set | Close

WireOp: TypeAlias = Annotated[list[Any], Meta(title="Op")]
"""An op as it is sent, in a batch that may hold only some of its text or props."""

ROOT = "run"
"""Id and kind of the block that holds all others."""
