"""Names for annotations: the array API standard has no class that libraries share."""

from typing import Any, TypeAlias

Array: TypeAlias = Any
Namespace: TypeAlias = Any
