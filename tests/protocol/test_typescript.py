"""The view's TypeScript types are those generated from the kernel's."""

from nbagent.blocks.typescript import TARGET, generate


def test_the_view_has_the_types_that_the_kernel_declares() -> None:
    assert TARGET.read_text("utf-8") == generate(), "run `python -m nbagent.blocks.typescript`"
