"""Writing the products of a run: each under its name, in a folder that exists, never over another of the same run."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpipe.controller.products.background_writer import write_out
from gpipe.controller.products.claims import Claims, Owner
from gpipe.controller.products.file_lock import alone_with
from gpipe.controller.products.folders import folder_for
from gpipe.controller.products.naming import OutputSettings, named_path, output_folder, output_path
from gpipe.datamodels import Exposure, prepared, to_model
from gpipe.datamodels.files.writing import needs_libraries
from gpipe.exceptions import OutputError


class Saver:
    """Writes the products of one run.

    Parameters
    ----------
    input_name : file name or path of the exposure that the run started from, None when it has none.
    uses_output_file : whether ``output_file`` of the settings counts; it cannot name products of several runs.
    claims : the names of products of the call, which the run shares with others.
    owner : of the names that this run claims; by default the input.

    Attributes
    ----------
    input_name : as given.
    written : the files written so far, in order.
    """

    def __init__(
        self,
        input_name: str | None = None,
        *,
        uses_output_file: bool = True,
        claims: Claims | None = None,
        owner: Owner | None = None,
    ) -> None:
        self.input_name, self._uses_output_file = input_name, uses_output_file
        self._claims, self._owner = claims or Claims(), owner or Owner(str(input_name))
        self.written: list[Path] = []

    def another(self) -> "Saver":
        """Make a saver with the same names and claims, which may write a product again."""
        settings: dict[str, Any] = {"claims": self._claims, "owner": self._owner}
        return Saver(self.input_name, uses_output_file=self._uses_output_file, **settings)

    def path(
        self,
        levels: Sequence[OutputSettings],
        *,
        default_suffix: str,
        model_name: str | None = None,
        suffix: str | None = None,
        index: int | None = None,
        output_file: str | None = None,
        components: Sequence[object] = (),
    ) -> Path:
        """Return the path of a product.

        Parameters are those of `naming.output_path`; ``output_file`` is the whole name, for a product that a parameter
        names (``dark_output``).
        """
        if not self._uses_output_file:
            levels = [replace(level, output_file=None) for level in levels]
        if output_file:
            return named_path(levels, output_file)
        return output_path(
            levels,
            default_suffix=default_suffix,
            input_name=self.input_name,
            model_name=model_name,
            suffix=suffix,
            index=index,
            components=components,
        )

    def claim(self, path: Path, levels: Sequence[OutputSettings]) -> None:
        """Claim the name of a product for the input of this run. OutputError: see `Claims.take`."""
        self._claims.take(path, self._owner, overwrites_input=any(level.overwrite_input for level in levels))

    def save(self, product: Any, levels: Sequence[OutputSettings], **named: Any) -> Path:
        """Write one product and return its path; whether it was asked for the caller knows from ``levels[0].saves``.

        Within ``background_writing`` the file is there at the end of the block, and OutputError may come then.

        Parameters
        ----------
        product : an exposure in flight, or a ``stdatamodels`` model. Its ``meta.filename`` becomes the file's name.
        levels, named : as in `path`.

        Raises
        ------
        OutputError
            The file cannot be written, or has the name of an input or of another product of the call. Nothing is left
            behind then, and an existing file is as it was.
        """
        path = self.path(levels, model_name=product.meta.filename, **named)
        if not hasattr(product, "joined_with"):  # many exposures share a file that grows
            self.claim(path, levels)
        if path.absolute() in (done.absolute() for done in self.written):
            raise OutputError.at(path, "a product of the same run under this name", "another (suffix)")
        put = _update if hasattr(product, "joined_with") else _write
        put(product, path)
        self.written.append(path)
        return path


def check_folder(levels: Sequence[OutputSettings]) -> None:
    """Refuse, before any work, a folder that cannot be written to; a missing one is made with the first file."""
    folder = output_folder(levels)
    existing = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    if not existing.is_dir():
        raise OutputError.at("output_dir", f"a file {existing}", "a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(f"output_dir: no permission to write to {existing}, expected a writable folder")


def _update(product: Any, path: Path) -> None:
    """Write a product whose file holds what other runs left, too: now, as no other run may come between."""
    with folder_for(path), alone_with(path):
        prepared(product.joined_with(path) if path.exists() else product, path)()


def _write(product: Any, path: Path) -> None:
    """Make the headers of a product, and write it, in the background if no other package is asked meanwhile."""
    model = to_model(product) if isinstance(product, Exposure) else product
    put = prepared(model, path)
    if isinstance(product, Exposure):  # a model has its name from writing
        product.meta.filename = path.name

    def finish() -> None:
        with folder_for(path):
            put()

    if needs_libraries(model, path):
        finish()
    else:
        write_out(finish)
