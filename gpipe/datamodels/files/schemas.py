"""JWST's schemas, each of their files read and put together once.

``asdf`` copies a schema whenever it is asked for it, also each part of one that it puts together: a fifth of a small
exposure. Here parts are shared, among classes too; nobody writes to them.
"""

import functools
from typing import Any
from urllib.parse import urljoin

from asdf.reference import resolve_fragment
from asdf.schema import load_schema

_OF_JWST = "http://stsci.edu/schemas/jwst_datamodel/"


def schema_of(model_class: Any) -> Any:
    """The schema of a ``stdatamodels`` class, all references in it resolved: not to be written to."""
    return _resolved(model_class.schema_url)


@functools.cache
def _resolved(url: str) -> Any:
    if not url.startswith(_OF_JWST):
        return load_schema(url, resolve_references=True)
    schema = load_schema(url)
    return _with_parts(schema, schema, url)


def _with_parts(node: Any, schema: Any, url: str) -> Any:
    if isinstance(node, list):
        return [_with_parts(inner, schema, url) for inner in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        part, _, fragment = urljoin(url, node["$ref"]).partition("#")
        return resolve_fragment(schema if part == url else _resolved(part), fragment)
    return {key: _with_parts(value, schema, url) for key, value in node.items()}
