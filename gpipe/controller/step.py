"""Step: a declaration with the verbs that start the engine."""

import os
from collections.abc import Mapping
from typing import Any

from gpipe.backends import Backend
from gpipe.controller import call as calling
from gpipe.controller.call import CallOptions, called_on_class
from gpipe.controller.drop_in import DropIn


class Step(DropIn):
    """A calibration step that can be called. `StepBase` says what a subclass declares and implements."""

    @called_on_class
    def call(
        cls: "type[Step]",  # noqa: N805
        source: Any,
        *arguments: Any,
        backend: str | Backend | None = None,
        max_memory: int | str | Mapping[str, int | str] | None = None,
        config_file: str | os.PathLike[str] | None = None,
        steps: Mapping[str, Mapping[str, Any]] | None = None,
        logcfg: str | os.PathLike[str] | None = None,
        configure_log: bool = True,
        name: str | None = None,
        on_error: str = "raise",
        **parameters: Any,
    ) -> Any:
        """Calibrate an exposure with the parameters that CRDS recommends for it, and those given here.

        Parameters
        ----------
        source : path, open ``stdatamodels`` model, exposure in flight, association (path of a ``.json`` file, or a
            dict), or a list of them. An association and a list give a list of results, or are one group where the step
            accepts a group. Neither file nor model is changed.
        arguments : values of the parameters that the step takes by position (``by_position``); nearly all take none.
        backend : ``"numpy"``, ``"cupy"`` or ``"auto"``.
        max_memory : bytes that arrays may take, also as text (``"4 GB"``), or one for each of ``host`` and ``device``.
            A larger exposure streams through it, with the same result.
        config_file : parameter file; ranks above CRDS and below keywords.
        steps : parameters of the steps of a pipeline, ``{"jump": {"rejection_threshold": 12}}``.
        logcfg : logging configuration; by default INFO lines go to stderr.
        configure_log : False leaves logging to the caller.
        name : of the step in place of its alias; also the suffix of its product.
        on_error : for a list. ``"raise"``: all are tried, then `ExposureErrors` is raised, which has the results of
            the others. ``"return"``: an error stands in the list in the place of the result.
        parameters : of the step or pipeline.

        Returns
        -------
        A ``stdatamodels`` model with NumPy arrays; an exposure in flight if ``source`` is one. A list for a group, a
        tuple where a step has several results.

        Raises
        ------
        ParameterError, InputError, ReferenceFileError, OutputError, BackendError
            Before work begins, wherever that can be known.
        """
        options = CallOptions(
            parameters | cls.named(arguments),
            steps,
            config_file,
            name,
            backend,
            max_memory,
            logcfg=logcfg,
            configure_log=configure_log,
            on_error=on_error,
        )
        return calling.call(cls, source, options)

    @called_on_class
    def plan(
        cls: "type[Step]",  # noqa: N805
        source: Any,
        *,
        backend: str | Backend | None = None,
        max_memory: int | str | Mapping[str, int | str] | None = None,
        config_file: str | os.PathLike[str] | None = None,
        steps: Mapping[str, Mapping[str, Any]] | None = None,
        **parameters: Any,
    ) -> Any:
        """Preview what ``call`` would do with an exposure: a ``RunPlan`` to print or to look into (of a group
        a ``GroupPlan``). No pixel is read.

        Parameters and errors are those of ``call``; an association and a list give a list of plans.
        """
        options = CallOptions(parameters, steps, config_file, backend=backend, max_memory=max_memory)
        return calling.plan(cls, source, options)

    def run(
        self,
        source: Any,
        backend: str | Backend | None = None,
        max_memory: int | str | Mapping[str, int | str] | None = None,
    ) -> Any:
        """Calibrate an exposure with the parameters of this instance; CRDS parameter files are not read.

        ``source``, ``backend``, ``max_memory``, the result and the errors are those of ``call``. Nothing of the run
        stays on the instance.
        """
        return calling.run(self, source, backend, max_memory)
