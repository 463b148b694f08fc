"""Stand-ins for names of jwst that gpipe does not have: a test that uses one says so."""

from typing import Any


class AbsentError(Exception):
    """A test uses a name that gpipe does not have."""


class Absent:
    """Name of jwst that gpipe does not have.

    Parameters
    ----------
    name : as it is imported, with its module.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise AbsentError(self._name)

    def __getitem__(self, key: Any) -> Any:
        raise AbsentError(f"{self._name}[{key!r}]")

    def __iter__(self) -> Any:
        raise AbsentError(self._name)

    def __contains__(self, item: Any) -> bool:
        raise AbsentError(self._name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AbsentError(f"{self._name}.{name}")
