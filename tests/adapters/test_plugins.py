"""Adapters of other packages, as `docs/how-to/write-an-adapter.md` describes them."""

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from adapters.package_scaffold import PAGE, scaffold_package

import nbagent
from nbagent.adapters.answers import answer_form
from nbagent.adapters.decoders import adapters, decoder_for, decoder_named
from nbagent.errors import BrokenAdapter, UnknownSource, UnknownSystem

ROOT = Path(__file__).parents[2]
DECODER = """
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo

class Decoder(BaseDecoder):
    system = "acme"
    before = {before!r}

    @staticmethod
    def recognises(item):
        return "acme" in item

    def read(self, item):
        self.new_step()
        self.builder.text("answer", item["acme"])
        self.stop_info = StopInfo("completed")
"""


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let each test have packages of its own: what has been found is kept for a process."""
    before = set(sys.modules)
    for found in (adapters, answer_form):
        found.cache_clear()
    yield
    monkeypatch.undo()
    for found in (adapters, answer_form):
        found.cache_clear()
    for name in set(sys.modules) - before:
        if name.startswith("acme_"):
            del sys.modules[name]


class Packages:
    """Packages on `sys.path`, with the metadata that an installed one has."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, name: str, code: str, **groups: str) -> None:
        """Install a module `acme_<name>`.

        Args:
            name: of the package.
            code: of the module.
            groups: class of the module, by the group in which it is registered as `<name>`.
        """
        (self._folder / f"acme_{name}.py").write_text(code)
        info = self._folder / f"acme_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 1.0\n")
        lines = [
            f"[nbagent.{group}]\n{name} = acme_{name}:{made}" for group, made in groups.items()
        ]
        (info / "entry_points.txt").write_text("\n".join(lines))
        importlib.invalidate_caches()


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packages:
    monkeypatch.syspath_prepend(tmp_path)
    return Packages(tmp_path)


def test_a_package_of_its_own_is_installed_recognised_read_and_written(tmp_path: Path) -> None:
    source, target = tmp_path / "nbagent-acme", tmp_path / "installed"
    scaffold_package(source, "acme")
    recording = tmp_path / "hello.jsonl"
    recording.write_text('{"type": "acme.delta", "text": "Hi"}\n{"type": "acme.done"}\n')

    def run(*command: str) -> str:
        path = os.pathsep.join([str(target), str(ROOT)])
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pip = ("pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation")
    run(*pip, "--target", str(target), str(source))
    assert "5 passed" in run("pytest", "-q", "-p", "no:cacheprovider", str(source / "tests"))
    for command in (["decode"], ["decode", "--adapter", "acme"]):
        events = [json.loads(line) for line in run("nbagent", *command, "hello.jsonl").splitlines()]
        assert events[-1]["status"] == "completed"
    assert run("nbagent", "convert", "hello.jsonl", "--to", "acme").count("acme.delta") == 1
    for tool in (["ruff", "check"], ["ruff", "format", "--check", "--line-length=100"]):
        run(*tool, "--no-cache", str(source / "src"), str(source / "tests"))


def test_an_adapter_is_imported_when_its_system_is_named_or_has_to_be_detected(
    packages: Packages,
) -> None:
    packages.add("acme", DECODER.format(before=()), adapters="Decoder")
    decoder_named("openai.chat")
    assert "acme_acme" not in sys.modules
    assert decoder_named("acme").system == "acme"
    del sys.modules["acme_acme"]
    assert decoder_for({"acme": "Hi"}).system == "acme"


@pytest.mark.parametrize(("before", "system"), [((), "openai.chat"), (("openai.chat",), "acme")])
def test_an_adapter_is_asked_before_the_systems_that_it_names(
    packages: Packages, before: tuple[str, ...], system: str
) -> None:
    packages.add("acme", DECODER.format(before=before), adapters="Decoder")
    assert decoder_for({"acme": "Hi", "choices": [{"delta": {}}]}).system == system


def test_an_adapter_is_asked_before_plain_text(packages: Packages) -> None:
    packages.add("acme", DECODER.format(before=()), adapters="Decoder")
    assert decoder_for("acme: Hi").system == "acme"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_sdk", "ModuleNotFoundError: No module named 'no_such_sdk'"),
        ("raise SystemError('too old')", "SystemError: too old"),
        ("", "AttributeError"),
        ("Decoder = 7", "is no subclass of BaseDecoder"),
        (DECODER.format(before=()), "is of the system 'acme'"),
    ],
)
def test_a_broken_adapter_is_named_and_takes_no_other_along(
    packages: Packages, code: str, reason: str
) -> None:
    packages.add("acme", DECODER.format(before=()), adapters="Decoder")
    packages.add("broken", code, adapters="Decoder")
    with pytest.warns(RuntimeWarning, match=rf"'broken' of acme-broken .*{re.escape(reason)}"):
        assert decoder_for({"acme": "Hi"}).system == "acme"
    assert decoder_for({"choices": [{"delta": {}}]}).system == "openai.chat"
    with pytest.raises(BrokenAdapter, match=f"acme-broken .*{re.escape(reason)}"):
        nbagent.show(iter([]), adapter="broken")


class Thing:
    """An item that is no container: `in` raises."""

    def __init__(self) -> None:
        self.what = "ever"


def test_an_adapter_that_raises_at_an_item_is_passed_over(packages: Packages) -> None:
    packages.add("acme", DECODER.format(before=("nbagent",)), adapters="Decoder")
    with pytest.warns(RuntimeWarning, match="'acme' is left out.*TypeError"):
        assert decoder_for(Thing()).system == "unknown"


def test_a_name_of_nbagents_own_stays_its_own(packages: Packages) -> None:
    packages.add("ollama", DECODER.format(before=()), adapters="Decoder", encoders="Decoder")
    assert type(decoder_named("ollama")).__module__ == "nbagent.adapters.ollama.decoder"
    with pytest.warns(RuntimeWarning, match="'ollama' of acme-ollama .* another adapter of that"):
        assert decoder_for({"acme": "Hi"}).system == "unknown"


def test_a_wrong_name_is_told_the_names_of_other_packages_too(packages: Packages) -> None:
    packages.add("acme", "", adapters="Decoder", encoders="Encoder")
    with pytest.raises(UnknownSource, match=r"'acmee'; did you mean 'acme'\?.*, acme"):
        decoder_named("acmee")
    with pytest.raises(UnknownSystem, match=r"'acmee'; did you mean 'acme'\?.*, acme"):
        nbagent.encode([], "acmee")


def test_a_broken_encoder_is_named(packages: Packages) -> None:
    packages.add("acme", "import no_such_sdk", encoders="Encoder")
    with pytest.raises(BrokenAdapter, match=r"'acme' of acme-acme .*no_such_sdk"):
        nbagent.encode([], "acme")


def test_a_package_may_say_how_its_system_takes_answers(packages: Packages) -> None:
    code = "from nbagent.adapters.base.answers import AnswerForm\nclass Form(AnswerForm): pass\n"
    packages.add("acme", code, answers="Form")
    packages.add("broken", "import no_such_sdk", answers="Form")
    assert type(answer_form("acme")).__name__ == "Form"
    with pytest.warns(RuntimeWarning, match="'broken'"):
        assert not answer_form("broken").has_posts


ROWS = re.findall(r"^\| `(nbagent\.[\w.]+)` \| (`.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize(("module", "names"), ROWS)
def test_what_an_adapter_may_import_is_there(module: str, names: str) -> None:
    for name in re.findall(r"`(\w+)`", names):
        assert hasattr(importlib.import_module(module), name)
