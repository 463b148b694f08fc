"""Associations of files and dicts, validated."""

import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpipe.associations import schema
from gpipe.exceptions import InputError
from gpipe.user_files import RegularFile, expanded, no_such_file

SINGLETON = "singleton"
"""The name of an association that is no file, in place of a file name."""
_YAML = (".yaml", ".yml")


@dataclass(frozen=True)
class Member:
    """One file of a product.

    Attributes
    ----------
    keys : all that the association says of it, unknown keys too.
    """

    keys: Mapping[str, Any]

    @property
    def expname(self) -> str:
        """The file name, with or without a folder."""
        return str(self.keys["expname"])

    @property
    def exptype(self) -> str:
        """The part that the file plays, in lower case: ``"science"``, ``"background"``, ``"sourcecat"``, …"""
        return str(self.keys["exptype"]).lower()

    @property
    def group_id(self) -> str | None:
        """Name of the group that the exposure belongs to, where the association gives one."""
        found = self.keys.get("group_id")
        return None if found in (None, "") else str(found)

    @property
    def tweakreg_catalog(self) -> str | None:
        """File name of a catalogue of its sources, where the association gives one."""
        return self.keys.get("tweakreg_catalog") or None


@dataclass(frozen=True)
class Product:
    """One product, made of some members.

    Attributes
    ----------
    name : base of the names of files; None where the association gives none.
    """

    name: str | None
    members: tuple[Member, ...]

    def of_type(self, exptype: str) -> tuple[Member, ...]:
        """The members that play one part; ``exptype`` in lower case."""
        return tuple(member for member in self.members if member.exptype == exptype)


@dataclass(frozen=True)
class Association:
    """A valid association.

    Attributes
    ----------
    table : base name of its file, ``"singleton"`` for a dict.
    folder : where its file is, and members without a folder are looked for first; None for a dict.
    keys : all that it says, unknown keys too.
    """

    table: str
    folder: Path | None
    products: tuple[Product, ...]
    keys: Mapping[str, Any]

    @property
    def asn_id(self) -> str | None:
        """The ``asn_id``, which is part of names of products of the third stage."""
        return self.keys.get("asn_id")

    @property
    def pool(self) -> str:
        """Name of the pool that it was made from, ``"none"`` where it gives none."""
        return self.keys.get("asn_pool") or "none"


def is_association(source: Any) -> bool:
    """Tell whether an input is an association, by its type or the ending of its name."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source).lower().endswith((".json", *_YAML))
    return isinstance(source, Mapping)


def read_association(source: str | os.PathLike[str] | Mapping[str, Any]) -> Association:
    """Read and validate an association.

    Parameters
    ----------
    source : path of a JSON file, or of a YAML file with a DeprecationWarning; or a dict of the same form.

    Raises
    ------
    InputError
        The file cannot be read or is no valid association. The message names the product, the member and the key.
    """
    if isinstance(source, Mapping):
        return _association(source, "association", SINGLETON, None)
    path = Path(expanded(source))
    return _association(_content(path), str(path), path.name, path.parent)


def _association(content: Any, name: str, table: str, folder: Path | None) -> Association:
    schema.check(content, name)
    products = [
        Product(found.get("name") or None, tuple(Member(dict(member)) for member in found["members"]))
        for found in content["products"]
    ]
    return Association(table, folder, tuple(products), dict(content))


def _content(path: Path) -> Any:
    is_yaml = path.suffix.lower() in _YAML
    if is_yaml:
        warnings.warn(f"{path}: associations in YAML are deprecated, expected JSON", DeprecationWarning, stacklevel=2)
    try:
        with RegularFile(path).reader() as file:
            text = file.read().decode()
        return _yaml(text) if is_yaml else json.loads(text)
    except FileNotFoundError:
        raise InputError(f"{no_such_file(path)}, expected an association") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}), expected an association") from None
    except (ValueError, RecursionError) as error:
        kind = "YAML" if is_yaml else "JSON"
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: no valid association: found no {kind} ({reason})") from None


def _yaml(text: str) -> Any:
    import yaml

    from gpipe.datamodels.files.damage import DamageError
    from gpipe.datamodels.files.damage.asdf_layout import check_tree

    try:
        check_tree(text.encode())
        return yaml.safe_load(text)
    # Odd tags raise all but the first two.
    except (DamageError, yaml.YAMLError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError(error) from None
