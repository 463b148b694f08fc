"""Names of the files that steps and pipelines write: settings in, a path out; nothing is looked up on disk."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpipe.exceptions import ParameterError
from gpipe.suffixes import split_suffix, stem
from gpipe.user_files import expanded

FILE_TYPES = ("fits", "asdf")


@dataclass(frozen=True, kw_only=True)
class OutputSettings:
    """Output parameters of one step or pipeline, under their names."""

    output_file: str | None = None
    output_dir: str | None = None
    output_ext: str | None = ".fits"
    output_use_model: bool = False
    search_output_file: bool = True
    overwrite_input: bool = False
    save_results: bool = False
    suffix: str | None = None
    folder_saves: bool = True
    """Whether ``output_dir`` by itself saves results; not a parameter."""

    @classmethod
    def of(cls, step: Any) -> "OutputSettings":
        """The settings of a step or pipeline."""
        names = (name for name in cls.__dataclass_fields__ if name != "folder_saves")
        return cls(**{name: getattr(step, name) for name in names}, folder_saves=not step.refuses_to_save())

    @property
    def saves(self) -> bool:
        """True if results are saved: ``save_results``, or a file or folder for them, asks for it."""
        return bool(self.save_results or self.output_file or (self.output_dir and self.folder_saves))


def output_path(
    levels: Sequence[OutputSettings],
    *,
    default_suffix: str,
    input_name: str | None = None,
    model_name: str | None = None,
    suffix: str | None = None,
    index: int | None = None,
    components: Sequence[object] = (),
) -> Path:
    """The path of a product: ``folder/base_components_suffix.ext``.

    Parameters
    ----------
    levels : settings of the step that writes, then of the pipeline around it, and so on outwards.
    default_suffix : the alias of the step; used when neither ``suffix`` nor a level names one.
    input_name : file name or path of the exposure that the outermost level was called with; its folder is ignored.
    model_name : ``meta.filename`` of the product; used only where the step's settings ask for it.
    suffix : the suffix of this product (``rateints``), above that of the settings.
    index : number of the product, where a step made several that are told apart by nothing else.
    components : further parts of the name (a slit, an association); None is left out.

    Returns
    -------
    Path, relative to the working directory unless the settings name an absolute folder. ParameterError for a file type
    that cannot be written.

    Notes
    -----
    The base is the ``output_file`` of the nearest level that has one, else the input's name, without its extension
    (both of ``.fits.gz``) and without a known suffix, whose separator is used again. The folder is the ``output_dir``
    of the nearest level that has one; the folder in an ``output_file`` counts from there. It is never the input's.
    """
    own = levels[0]
    by_model = model_name is not None and (own.output_use_model or not (own.output_file or own.search_output_file))
    named_by = None if by_model else _naming_level(levels)
    base = model_name if by_model else levels[named_by].output_file if named_by is not None else input_name
    root, separator = split_suffix(stem(base or f"step_{default_suffix}.fits"))
    ending = suffix or _first(level.suffix for level in levels) or default_suffix.lower()
    if os.path.basename(ending) != ending:
        raise ParameterError.at("suffix", repr(ending), "an end of a name, without a folder")
    parts = [root, *([] if by_model or index is None else [str(index)]), *(str(c) for c in components if c is not None)]
    return _folder(levels, named_by) / f"{'_'.join(parts)}{separator}{ending}.{_file_type(own, base)}"


def named_path(levels: Sequence[OutputSettings], output_file: str) -> Path:
    """The path of a product that a parameter names in full: no suffix is added or taken away.

    ``levels`` as for ``output_path``; ``output_file`` counts from the ``output_dir`` of the nearest level that has one.
    """
    given = Path(expanded(output_file))
    return _output_dir(levels) / given.parent / f"{stem(given.name)}.{_file_type(levels[0], given.name)}"


def output_folder(levels: Sequence[OutputSettings]) -> Path:
    """Return the folder in which ``output_path`` puts products that are not named after their own model."""
    return _folder(levels, _naming_level(levels))


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)


def _naming_level(levels: Sequence[OutputSettings]) -> int | None:
    """Find the level whose ``output_file`` gives the base name; None for the name of the input."""
    within = levels if levels[0].search_output_file else levels[:1]
    return next((i for i, level in enumerate(within) if level.output_file), None)


def _folder(levels: Sequence[OutputSettings], named_by: int | None) -> Path:
    """Find the folder of products. An ``output_dir`` closer to the step than the ``output_file`` decides alone."""
    if named_by is None or any(level.output_dir for level in levels[:named_by]):
        return _output_dir(levels)
    return _output_dir(levels) / os.path.dirname(expanded(levels[named_by].output_file or ""))


def _output_dir(levels: Sequence[OutputSettings]) -> Path:
    return Path(expanded(_first(level.output_dir for level in levels) or ""))


def _file_type(own: OutputSettings, base: str | None) -> str:
    found = (own.output_ext or os.path.splitext(base or "")[1] or FILE_TYPES[0]).removeprefix(".")
    if found not in FILE_TYPES:
        allowed = " or ".join(repr(f".{name}") for name in FILE_TYPES)
        raise ParameterError.at("output_ext", repr(own.output_ext), allowed)
    return found
