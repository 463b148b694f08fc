"""Parameters: kinds that a step declares, where their values come from, and files of them."""

from gpipe.controller.parameters.types import (
    TRUTH_WORDS,
    Boolean,
    Cores,
    Files,
    Float,
    FloatList,
    Integer,
    IntegerList,
    List,
    Option,
    OutputFile,
    Override,
    Parameter,
    Path,
    String,
)

__all__ = [
    "TRUTH_WORDS",
    "Boolean",
    "Cores",
    "Files",
    "Float",
    "FloatList",
    "Integer",
    "IntegerList",
    "List",
    "Option",
    "OutputFile",
    "Override",
    "Parameter",
    "Path",
    "String",
]
