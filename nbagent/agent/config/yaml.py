"""YAML with the line of every value, and with `${NAME}` for values of the environment.

Format: YAML 1.1 (https://yaml.org/spec/1.1/), of the plain types only, with anchors, aliases and
merge keys (`<<`).
"""

import os
import re
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import yaml

from nbagent.agent.config.problem import Problem
from nbagent.gate.credential_names import is_credential_name
from nbagent.gate.secrets import Secrets

Path: TypeAlias = Sequence[Any]
"""Keys and indices that lead from the document to a value."""

_VARIABLE = re.compile(
    r"\$(?P<escaped>\$\{)|\$\{(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\}", re.ASCII
)
_OWN_TYPES = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_MERGE = "tag:yaml.org,2002:merge"


class _Entry(NamedTuple):
    key: yaml.Node
    value: yaml.Node


class YamlDocument:
    """The value of a YAML text, and where each part of it stands.

    In a text, `${NAME}` is the value of an environment variable, `${NAME:-text}` has a default, and
    `$${` is `${` itself. A text that looks like a credential, and any text under a name like
    `api_key`, has to come from the environment.

    Args:
        text: of the document.
        environment: the variables; by default the process's own.

    Attributes:
        value: dicts, lists and scalars; None of an empty document, and wherever there is a problem.
        problems: mistakes of the YAML itself, of `${…}`, and credentials that are written out.
        credentials: values of the environment that stand under a name like `api_key`.
    """

    def __init__(self, text: str, environment: Mapping[str, str] = os.environ) -> None:
        self.problems: list[Problem] = []
        self.credentials: list[str] = []
        self._environment = environment
        self._formats = Secrets()
        self._entries: dict[int, dict[Any, _Entry]] = {}
        self._values: dict[int, Any] = {}
        self._root: yaml.Node | None = None
        self._exposed = self._exposed_lines(text)
        self._loader = yaml.SafeLoader("")
        try:
            self._root = yaml.compose(text, Loader=yaml.SafeLoader)
            self.value: Any = None if self._root is None else self._value(self._root, (), "")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = ", ".join(filter(None, (error.context, error.problem)))
            self.problems.append(
                Problem(1 if mark is None else mark.line + 1, f"this is no YAML: {problem}")
            )
            self.value = None
        except (yaml.YAMLError, RecursionError) as error:
            self.problems.append(Problem(1, f"this is no YAML: {str(error).splitlines()[0]}"))
            self.value = None

    def line(self, path: Path) -> int:
        """Return the line of a value's key or list item; of the closest part around it that the
        document has.
        """
        return self._node(path)[0]

    def written(self, path: Path) -> str:
        """Return a value as it is written, for a sentence: without values of the environment, and
        short.
        """
        node = self._node(path)[1]
        if isinstance(node, yaml.ScalarNode):
            if node.value:
                return reprlib.repr(node.value)
            return "nothing"
        if node is None:
            return "nothing"
        if isinstance(node, yaml.SequenceNode):
            return "a list"
        return "keys with values"

    def _node(self, path: Path) -> tuple[int, yaml.Node | None]:
        node = self._root
        line = 1 if node is None else _line(node)
        for step in path:
            if isinstance(node, yaml.MappingNode) and step in self._entries.get(id(node), {}):
                key, node = self._entries[id(node)][step]
                line = _line(key)
            elif (
                isinstance(node, yaml.SequenceNode)
                and isinstance(step, int)
                and step < len(node.value)
            ):
                node = node.value[step]
                line = _line(node)
        return line, node

    def _exposed_lines(self, text: str) -> set[int]:
        """Report the lines with a credential, comments too, and return them."""
        exposed: set[int] = set()
        for number, line in enumerate(text.splitlines(), 1):
            bare = _VARIABLE.sub(lambda found: found["default"] or "", line)
            if self._formats.mask(bare) != bare:
                exposed.add(number)
                self.problems.append(
                    Problem(number, f"a credential is written out here; {FROM_ENVIRONMENT}")
                )
        return exposed

    def _value(self, node: yaml.Node, outer: tuple[int, ...], name: str) -> Any:
        """Return a node's value.

        Args:
            node: the node.
            outer: ids of the nodes around it.
            name: the key that it stands under.
        """
        if id(node) in outer:
            self.problems.append(Problem(_line(node), "this contains itself, through an alias"))
            return None
        if id(node) in self._values:  # the value of an anchor: many aliases of it cost nothing
            return self._values[id(node)]
        if not isinstance(node, yaml.ScalarNode) and not node.tag.startswith(_OWN_TYPES):
            self.problems.append(
                Problem(_line(node), f"this value cannot be read: no type {node.tag!r}")
            )
            return None
        inner = (*outer, id(node))
        value: Any
        if isinstance(node, yaml.MappingNode):
            entries = self._entries[id(node)] = self._merged(node, inner)
            value = {
                key: self._value(entry.value, inner, str(key)) for key, entry in entries.items()
            }
        elif isinstance(node, yaml.SequenceNode):
            value = [self._value(item, inner, name) for item in node.value]
        else:
            value = self._scalar(node)
            if isinstance(value, str):
                value = self._text(node, value, name)
        self._values[id(node)] = value
        return value

    def _merged(self, node: yaml.MappingNode, outer: tuple[int, ...]) -> dict[Any, _Entry]:
        """Return the entries of a mapping, after those that it merges."""
        own: dict[Any, _Entry] = {}
        merged: dict[Any, _Entry] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                for base in (
                    value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
                ):
                    if id(base) in outer or not isinstance(base, yaml.MappingNode):
                        self.problems.append(
                            Problem(_line(key_node), "<< takes another mapping, by its alias")
                        )
                        continue
                    for key, entry in self._merged(base, (*outer, id(base))).items():
                        merged.setdefault(key, entry)
                continue
            key = self._scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                self.problems.append(Problem(_line(key_node), "a key has to be a text"))
                continue
            if key in own:
                first = _line(own[key].key)
                self.problems.append(
                    Problem(
                        _line(key_node), f"{key!r} stands here twice; the first is in line {first}"
                    )
                )
                continue
            own[key] = _Entry(key_node, value_node)
        return {**merged, **own}

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            return self._loader.construct_object(node)
        except (
            yaml.YAMLError,
            ValueError,
        ) as error:
            # A tag of another language's types; a date that does not exist.
            problem = getattr(error, "problem", None) or error
            self.problems.append(Problem(_line(node), f"this value cannot be read: {problem}"))
            return None

    def _text(self, node: yaml.Node, text: str, name: str) -> str | None:
        """Return a text with the values of the environment in it; None if that is not possible."""
        secret = is_credential_name(name)
        bare = _VARIABLE.sub(lambda found: found["default"] or "", text)
        if secret and bare.strip().lower() not in ("", "bearer", "basic"):
            if _line(node) not in self._exposed:
                self.problems.append(
                    Problem(_line(node), f"{name!r} is written out here; {FROM_ENVIRONMENT}")
                )
            return None
        missing: list[str] = []

        def value_of(found: re.Match[str]) -> str:
            if found["escaped"]:
                return "${"
            value: str | None = self._environment.get(found["name"]) or found["default"]
            if value is None:
                missing.append(found["name"])
                return ""
            if secret:
                self.credentials.append(value)
            return value

        text = _VARIABLE.sub(value_of, text)
        self.problems += [
            Problem(_line(node), f"the environment has no variable {variable}, or it is empty")
            for variable in dict.fromkeys(missing)
        ]
        if missing:
            return None
        return text


FROM_ENVIRONMENT = "write ${NAME}, and set NAME in the environment"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
