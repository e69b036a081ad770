"""Reads the calls that a model wrote as tags of XML."""

import re

from nbagent.gate.tagged_call import TaggedCall, call_of, call_of_values

_NAMED_TAG = r"(?:invoke|function|function_call|tool_call|tool_use)"
_INVOKE = re.compile(
    rf'(?:<[^\s<>]*?{_NAMED_TAG} name="|\A)([\w.:/-]+)"[^<>]*>(.*?)(?:</[^\s<>]*?{_NAMED_TAG}>|\Z)',
    re.DOTALL,
)
_FUNCTION = re.compile(r"(?:<function=|\A)([\w.:/-]+)\s*\)?>(.*?)(?:</function>|\Z)", re.DOTALL)
_TOOL_NAME = re.compile(r"<tool_name>\s*(.*?)\s*</tool_name>(.*?)(?=<tool_name>|\Z)", re.DOTALL)
_ARG_KEYS = re.compile(r"\A\s*([\w.:/-]+)\s*(<(?:longcat_)?arg_key>.*)", re.DOTALL)
_PARAMETER = re.compile(
    r'<[^\s<>]*?param(?:eter)?(?:=([^>\s]+)\s*| name="([^"]+)"[^<>]*)>\n?(.*?)\n?'
    r"(?:</[^\s<>]*?param(?:eter)?>|(?=<[^\s<>/]*?param(?:eter)?[= ])|\Z)",
    re.DOTALL,
)
_PAIR = re.compile(
    r"<(?:longcat_)?arg_key>\s*(.*?)\s*</(?:longcat_)?arg_key>\s*<(?:longcat_)?arg_value>(.*?)</",
    re.DOTALL,
)
_PARAMETERS = re.compile(r"<(parameters|arguments)>(.*?)(?:</\1>|\Z)", re.DOTALL)
_ELEMENT = re.compile(r"<([\w.-]+)>(.*?)</\1>", re.DOTALL)
_TAG_OF_TOOL = re.compile(r"<([\w.:/-]+)>\s*([<{].*)", re.DOTALL)


def calls_of_tags(body: str) -> list[TaggedCall]:
    """Return the calls of tags: `<invoke name="f">`, `<function=f>`, `<tool_name>` or
    `<arg_key>`; of a tag that is named after its tool, `<f><x>1</x></f>`, that call.
    """
    if body.startswith(("{", "[", "```")):
        return []
    for pattern in (_INVOKE, _FUNCTION, _TOOL_NAME, _ARG_KEYS):
        if found := pattern.findall(body):
            return [_xml_call(name, inner) for name, inner in found]
    tag = _TAG_OF_TOOL.match(body)
    if tag is None or re.fullmatch(_NAMED_TAG, tag[1]):
        return []
    return [_xml_call(tag[1], tag[2])]


def _xml_call(name: str, inner: str) -> TaggedCall:
    args = {key or other: value for key, other, value in _PARAMETER.findall(inner)}
    if not args:
        args = dict(_PAIR.findall(inner))
    if args:
        return call_of_values(name, args)
    if inner.strip().startswith("{"):
        return call_of(name, inner.strip())
    parameters = _PARAMETERS.search(inner)
    if parameters is None:
        return call_of_values(name, dict(_ELEMENT.findall(inner)) or inner.strip() or {})
    if parameters[2].lstrip().startswith("{"):
        return call_of(name, parameters[2].strip())
    return call_of_values(name, dict(_ELEMENT.findall(parameters[2])))
