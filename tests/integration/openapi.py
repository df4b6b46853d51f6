"""docs/openapi.yaml, and answers held to it."""

import json
import os
import re

import jsonschema
import yaml

from harness import ROOT

METHODS = ("get", "post", "put", "patch", "delete")
FORMATS = jsonschema.FormatChecker()


@FORMATS.checks("uuid")
def is_uuid(value):
    return not isinstance(value, str) or re.fullmatch(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value)


@FORMATS.checks("uri")
def is_uri(value):
    return not isinstance(value, str) or re.match(r"[a-z][a-z0-9+.-]*:", value)


class Document:
    def __init__(self):
        with open(os.path.join(ROOT, "docs", "openapi.yaml")) as f:
            self.root = yaml.safe_load(f)
        self.operations = {}  # (METHOD, path) -> operation
        for path, item in self.root["paths"].items():
            for method in METHODS:
                if method in item:
                    operation = dict(item[method], path=path, method=method.upper())
                    operation["parameters"] = [
                        self.resolve(p) for p in
                        item.get("parameters", []) + operation.get("parameters", [])]
                    self.operations[method.upper(), path] = operation

    def resolve(self, node):
        while "$ref" in node:
            target = self.root
            assert node["$ref"].startswith("#/"), node
            for name in node["$ref"][2:].split("/"):
                target = target[name]
            node = target
        return node

    def references(self):
        return set(self._references(self.root))

    def _references(self, node):
        if isinstance(node, dict):
            if "$ref" in node:
                yield node["$ref"]
            node = list(node.values())
        if isinstance(node, list):
            for each in node:
                yield from self._references(each)

    def validator(self, schema):
        """References start at the root, which is made to be the schema's own."""
        return jsonschema.Draft202012Validator(
            {"allOf": [schema], "components": self.root["components"]},
            format_checker=FORMATS)

    def statuses(self, operation):
        return {int(status) for status in operation["responses"]}

    def check(self, operation, answer):
        """What this operation may answer, and this answer is one of it."""
        where = f"{operation['method']} {operation['path']} {answer.status}"
        assert str(answer.status) in operation["responses"], f"{where} is not documented: {answer}"
        response = self.resolve(operation["responses"][str(answer.status)])
        for name, header in response.get("headers", {}).items():
            self._check_header(where, answer.headers.get(name), name, self.resolve(header))
        content = response.get("content", {})
        kind = (answer.headers.get("Content-Type") or "").split(";")[0]
        if not content:
            assert not answer.body, f"{where} has a body"
            return
        assert kind in content, f"{where} is {kind}, not of {list(content)}"
        if kind.endswith("json"):
            value = json.loads(answer.body)
            if kind == "application/problem+json":
                assert value["status"] == answer.status, where
            self.validate(content[kind]["schema"], value, where)

    def _check_header(self, where, value, name, header):
        assert value is not None or not header.get("required"), f"{where} lacks {name}"
        if value is not None:
            self.validate(header["schema"], value, f"{where} {name}")

    def validate(self, schema, value, where):
        errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}"
                  for e in self.validator(schema).iter_errors(value)]
        assert not errors, f"{where}: {errors[:5]}"

    def check_body(self, operation, value):
        """A request's body; returns whether the document takes it."""
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        return self.validator(schema).is_valid(value)


def routes():
    """(METHOD, path) of the table in api/router.c, of what is below /v1/."""
    with open(os.path.join(ROOT, "api", "router.c")) as f:
        text = f.read()
    found = re.findall(r'\{\s*"([A-Z]+)",\s*"(/v1/[^"]*)"', text)
    assert found
    return set(found)
