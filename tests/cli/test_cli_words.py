"""Messages of Python's functions in the words of the command line."""

import pytest

from gpipe.cli.errors import in_words_of

OPTIONS = {"output_dir": "--output-dir", "max_memory": "--max-memory", "pipeline": "--pipeline"}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("max_memory: found 'much'", "--max-memory: found 'much'"),
        ("expected a folder (output_dir, suffix)", "expected a folder (--output-dir, suffix)"),
        ("or overwrite_input=True", "or --overwrite_input=true"),
        ("/data/output_dir/a.fits: no such file", "/data/output_dir/a.fits: no such file"),
        ("pipeline_x: found", "pipeline_x: found"),
    ],
)
def test_options_stand_for_names(message, words):
    assert in_words_of(OPTIONS, message) == words
