"""Every error that gpipe raises on purpose; each has its own exit status on the command line."""


class GpipeError(Exception):
    """Base of all errors of gpipe."""

    exit_status = 1


class ParameterError(GpipeError, ValueError):
    """A parameter, a parameter file or a step name is wrong."""

    exit_status = 2


class InputError(GpipeError, ValueError):
    """An exposure cannot be read, or is not what the step or pipeline calibrates."""

    exit_status = 3


class ReferenceFileError(GpipeError, ValueError):
    """A CRDS reference or mapping is missing, unreadable, of another type or does not match the exposure."""

    exit_status = 4


class OutputError(GpipeError, OSError):
    """A product cannot be written."""

    exit_status = 5


class BackendError(GpipeError, RuntimeError):
    """The requested array backend is unknown or not usable on this machine."""

    exit_status = 6
