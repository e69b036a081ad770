"""Kernels that begin with nbagent imported; see `preloaded`."""

import sys
from pathlib import Path
from subprocess import DEVNULL
from tempfile import gettempdir
from typing import Any
from uuid import uuid4

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager, KernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from preloaded import KERNEL, start


class PreloadedProvisioner(LocalProvisioner):
    """Forks a kernel instead of starting an interpreter."""

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        # ipykernel read the id of the parent when it was imported. 1 is a parent that it does not
        # watch.
        arguments = (*cmd[1:], "--IPKernelApp.parent_handle=1")
        folder = Path(options["cwd"]) if options.get("cwd") else None
        process: Any = start(
            *arguments,
            stdin=DEVNULL,
            cwd=folder,
            env=options["env"],
            new_session=True,
            imported=KERNEL,
        )
        self.process = process
        self.pid = process.pid
        self.pgid = process.pid
        return self.connection_info


def preload(manager: KernelManager) -> None:
    """Have a manager fork its kernel, where the system is Linux."""
    if sys.platform != "linux":
        return
    manager.kernel_id = str(uuid4())
    # Of two tests that start a kernel at once, both may choose the same free port. The sockets lie
    # beside this file.
    manager.connection_file = str(Path(gettempdir()) / f"kernel-{manager.kernel_id}.json")
    manager.transport = "ipc"
    manager.provisioner = PreloadedProvisioner(
        parent=manager, kernel_id=manager.kernel_id, kernel_spec=manager.kernel_spec
    )


class PreloadedKernelManager(AsyncKernelManager):
    """Manager of a kernel that is forked: `NotebookClient(…,
    kernel_manager_class=PreloadedKernelManager)`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        preload(self)
