"""Schema of associations: the keys that gpipe reads, and what may stand there. Other keys are left alone."""

from collections.abc import Callable, Mapping
from reprlib import Repr
from typing import Any

from gpipe.exceptions import InputError

Test = Callable[[Any], bool]

_short = Repr()
_short.maxstring = _short.maxother = 60


def _is_text_or_null(value: Any) -> bool:
    return value is None or isinstance(value, str)


_IS: dict[str, Test] = {
    "a text": lambda value: isinstance(value, str) and bool(value),
    "a text or null": _is_text_or_null,
    "a text, an integer or null": lambda value: (
        _is_text_or_null(value) or (isinstance(value, int) and not isinstance(value, bool))
    ),
    "a list of products": lambda value: isinstance(value, list | tuple) and bool(value),
    "a list of members": lambda value: isinstance(value, list | tuple),
}
_TEXTS = ("name", "asn_type", "asn_rule", "asn_id", "asn_pool", "program", "target", "version_id")
_ASSOCIATION = {"products": "a list of products"} | dict.fromkeys(_TEXTS, "a text or null")
_PRODUCT = {"members": "a list of members", "name": "a text or null"}
_MEMBER = {
    "expname": "a text",
    "exptype": "a text",
    "tweakreg_catalog": "a text or null",
    "group_id": "a text, an integer or null",
}
_REQUIRED = ("products", "members", "expname", "exptype")


def check(content: Any, name: str) -> None:
    """Refuse what is no association; the InputError names the product, the member and the key.

    Parameters
    ----------
    content : what a file of JSON or YAML holds, or a dict of the same form.
    name : of the association, for messages.
    """
    _check_keys(content, _ASSOCIATION, f"{name}: no valid association")
    for number, product in enumerate(content["products"]):
        where = f"{name}: no valid association: product {_described(product, 'name', number)}"
        _check_keys(product, _PRODUCT, where)
        for place, member in enumerate(product["members"]):
            _check_keys(member, _MEMBER, f"{where}, member {_described(member, 'expname', place)}")


def _check_keys(found: Any, keys: Mapping[str, str], where: str) -> None:
    if not isinstance(found, Mapping):
        required = [key for key in keys if key in _REQUIRED]
        wanted = f"the key{'s' * (len(required) > 1)} {' and '.join(required)}"
        raise InputError.at(where, _short.repr(found), wanted)
    for key, kind in keys.items():
        if key in found and not _IS[kind](found[key]):
            raise InputError.at(f"{where}: key {key}", _short.repr(found[key]), kind)
        if key not in found and key in _REQUIRED:
            raise InputError.at(where, f"no key {key}", kind)


def _described(found: Any, key: str, number: int) -> str:
    """A product or member by its name where it has one, else by its number, from 1."""
    name = found.get(key) if isinstance(found, Mapping) else None
    return _short.repr(name) if isinstance(name, str) and name else str(number + 1)
