"""`Publisher`: the way of display data into the outputs of a notebook."""

from typing import Any

from nbagent.notebook.kernel_context import publish_for
from nbagent.notebook.place import Place


class Publisher:
    """Publishes display data by IPython's publisher.

    Args:
        shell: IPython's shell, if it runs.

    Attributes:
        in_kernel: whether the shell is a Jupyter kernel's.
    """

    def __init__(self, shell: Any) -> None:
        self.in_kernel = getattr(shell, "kernel", None) is not None
        # Held, because `%%capture` replaces it for a while.
        self._publisher = getattr(shell, "display_pub", None)

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any],
        display_id: str | None = None,
        update: bool = False,
        place: Place | None = None,
    ) -> None:
        """Publish display data.

        Args:
            data: by MIME type.
            metadata: of the output.
            display_id: id by which the output can be updated.
            update: update the outputs of that id instead of adding one.
            place: where a new output goes; by default where the kernel puts it.
        """
        assert self._publisher is not None, "there is no notebook to publish to"
        transient = {"display_id": display_id} if display_id else {}
        if place is None or place.is_current:
            self._publisher.publish(data, metadata, transient=transient, update=update)
        else:
            publish_for(
                place.request,
                self._publisher,
                {"data": data, "metadata": metadata, "transient": transient},
            )
