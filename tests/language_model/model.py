"""A real language model behind a server of its own, for tests."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import environment
from language_model.environment import FOLDER

SERVER = Path(__file__).with_name("server.py")


@dataclass
class Model:
    """A language model's server.

    Attributes:
        address: its URL.
        process: its process.
    """

    address: str
    process: subprocess.Popen[str]

    @property
    def writes(self) -> bool:
        """True while the model writes an answer."""
        with urllib.request.urlopen(f"{self.address}/slots") as answer:
            return any(slot["is_processing"] for slot in json.load(answer))


@contextmanager
def serve(folder: Path) -> Iterator[Model]:
    """Yield a server; the model's file is put into the folder."""
    command = [str(environment.python_of(FOLDER)), str(SERVER), str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield Model(process.stdout.readline().strip(), process)
        process.kill()
