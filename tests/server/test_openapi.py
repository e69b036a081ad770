"""The OpenAPI document: valid, of all routes, and true for what a program sends that knows nothing
else.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from environment import is_whole
from fuzzing import environment as schemathesis
from openai import AsyncOpenAI
from openapi_spec_validator import validate
from starlette.applications import Starlette
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient

import nbagent
from nbagent.agent import Agent
from nbagent.server import serve

TOKEN = "a-token-of-some-length"
BEARER = {"authorization": f"Bearer {TOKEN}"}


def document_of(app: Starlette, path: str = "/openapi.json", **headers: str) -> Any:
    with TestClient(app, base_url="http://localhost") as client:
        return client.get(path, headers=headers).json()


def test_the_document_is_valid_and_has_every_route() -> None:
    app = nbagent.asgi(Agent("demo", name="demo"))
    document = document_of(app)
    validate(document)
    routes = [route for route in app.routes if isinstance(route, Route | WebSocketRoute | Mount)]
    own = [
        route
        for route in routes
        if isinstance(route, Mount) or route.endpoint.__module__ != "nbagent.server.a2a.routes"
    ]
    paths = {re.sub(r":\w+}", "}", route.path) for route in own if not isinstance(route, Mount)}
    assert len(routes) == len(app.routes)
    assert set(document["paths"]) >= paths


def test_an_operation_has_its_body_its_parameters_and_its_responses() -> None:
    document = document_of(nbagent.asgi({"one": Agent("demo"), "two": Agent("demo")}))
    operation = document["paths"]["/agents/{agent}/messages/stream"]["post"]
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    body = document["components"]["schemas"][reference.rpartition("/")[2]]
    assert (body["properties"], body["required"]) == ({"message": {"type": "string"}}, ["message"])
    parameters = {each["name"]: (each["in"], each["schema"]) for each in operation["parameters"]}
    assert parameters["agent"] == ("path", {"type": "string", "enum": ["one", "two"]})
    assert parameters["Last-Event-ID"] == ("header", {"type": "string"})
    assert "text/event-stream" in operation["responses"]["200"]["content"]
    assert operation["responses"]["default"]["content"]["application/json"]


def test_a_path_with_a_get_and_a_web_socket_has_the_responses_of_both() -> None:
    document = document_of(nbagent.asgi(Agent("demo")))
    operation = document["paths"]["/runs"]["get"]
    assert set(operation["responses"]) == {"101", "200", "default"}
    assert (
        operation["summary"]
        == "List the runs of all processes: those that go on, and the last that have ended"
    )
    assert set(document["paths"]["/view"]["get"]["responses"]) == {"101", "default"}


def test_a_web_socket_has_the_messages_that_it_takes_and_sends() -> None:
    document = document_of(nbagent.asgi(Agent("demo")))
    messages = document["paths"]["/agents/{agent}/stream"]["get"]["x-websocket"]
    names = {key: schema["$ref"].rpartition("/")[2] for key, schema in messages.items()}
    schemas = document["components"]["schemas"]
    assert set(schemas[names["takes"]]["properties"]) == {
        *("message", "stop", "answer", "decision", "value", "reason", "remember", "session")
    }
    assert set(schemas[names["sends"]]["properties"]) == {
        *("chunk", "question", "event", "data", "error")
    }
    assert "question" in schemas[names["sends"]]["description"]
    assert set(document["paths"]["/runs"]["get"]["x-websocket"]) == {"sends"}


def test_a_refusal_over_mcp_is_one_of_json_rpc_or_that_of_all_routes() -> None:
    document = document_of(nbagent.asgi(Agent("demo")))
    refused = document["paths"]["/mcp"]["post"]["responses"]["default"]
    [schema] = [each["schema"] for each in refused["content"].values()]
    names = [each["$ref"].rpartition("/")[2] for each in schema["anyOf"]]
    properties = [set(document["components"]["schemas"][name]["properties"]) for name in names]
    assert properties == [{"error"}, {"jsonrpc", "id", "error"}]


def test_a_stream_has_the_status_200_where_the_result_has_another_one() -> None:
    document = document_of(nbagent.asgi(Agent("demo")))
    responses = document["paths"]["/threads/{thread}/runs"]["post"]["responses"]
    media_types = {status: set(each.get("content", {})) for status, each in responses.items()}
    assert (media_types["200"], media_types["201"]) == ({"text/event-stream"}, {"application/json"})


def test_the_body_of_agentors_chat_may_be_a_text_or_missing() -> None:
    document = document_of(nbagent.asgi(Agent("demo")))
    body = document["paths"]["/chat"]["post"]["requestBody"]
    kinds = [each.get("type") for each in body["content"]["application/json"]["schema"]["anyOf"]]
    assert (body["required"], "string" in kinds) == (False, True)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
def test_each_parameter_of_openai_that_may_be_left_out_may_be_null(path: str) -> None:
    document = document_of(nbagent.asgi(Agent("demo")))
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    schema = document["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]
    assert [
        name
        for name, each in schema["properties"].items()
        if name not in schema["required"] and {"type": "null"} not in each.get("anyOf", [])
    ] == []


def test_each_operation_is_described() -> None:
    document = document_of(nbagent.asgi(Agent("demo")))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert "summary" in operation or operation["tags"] == ["openapi"], (
                f"{method} {path} has no @operation"
            )


def test_the_token_is_a_security_scheme() -> None:
    document = document_of(nbagent.asgi(Agent("demo"), token=TOKEN), **BEARER)
    assert set(document["components"]["securitySchemes"]) == {"bearer", "session"}
    assert document["paths"]["/login"]["post"]["security"] == []
    assert "security" not in document["paths"]["/runs"]["post"]
    assert "security" not in document_of(nbagent.asgi(Agent("demo")))


def test_the_document_of_a_mounted_application_names_its_path() -> None:
    app = Starlette(routes=[Mount("/agents-api", nbagent.asgi(Agent("demo")))])
    assert document_of(app, "/agents-api/openapi.json")["servers"] == [{"url": "/agents-api"}]


@pytest.mark.proof
@pytest.mark.timeout(1200)
def test_generated_requests_get_the_answers_that_the_document_names(tmp_path: Path) -> None:
    if not is_whole(schemathesis.FOLDER):
        pytest.skip(f"{schemathesis.FOLDER} is made by make proof")
    command = [*schemathesis.command(), "run", "--phases", "coverage,fuzzing", "-n", "50"]
    # A text of spaces is no message, and there are no runs and sessions of the names that it thinks
    # of.
    command += [
        "--exclude-checks",
        "positive_data_acceptance",
        "--continue-on-failure",
        "--request-timeout",
        "30",
    ]
    with nbagent.demo.DemoServer(tokens_per_second=float("inf")) as model:
        agent = Agent(
            "demo",
            client=AsyncOpenAI(base_url=model.base_url, api_key=model.api_key),
            name="assistant",
        )
        with serve(agent, port=0, token=TOKEN) as server:
            command += [
                "-H",
                f"Authorization: Bearer {TOKEN}",
                "--url",
                server.url,
                f"{server.url}/openapi.json",
            ]
            done = subprocess.run(
                command, cwd=tmp_path, capture_output=True, text=True, check=False
            )
    print(done.stdout[-4000:])
    assert done.returncode == 0, done.stdout[-20_000:]
