"""The ipc step."""

from gpipe.ipc.ipc_step import IPCStep

__all__ = ["IPCStep"]
