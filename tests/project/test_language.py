"""Language of docstrings: nearly all begin with a verb or a noun, not with a question word."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
QUESTION_WORDS = {"What", "Whether", "Which", "Where", "How", "Those"}
LARGEST_SHARE = 0.02
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of the docstrings of modules, classes, functions and attributes."""
    for node in ast.walk(ast.parse(source)):
        for statement in node.body if isinstance(node, DOCUMENTED) else ():
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield statement.lineno, text


def is_question(docstring: str) -> bool:
    return docstring.strip().partition(" ")[0].rstrip(",:.") in QUESTION_WORDS


def test_all_kinds_of_docstrings_are_found():
    source = '"What."\nX = 1\n"Which one."\nclass A:\n    "How."\n    def f(self):\n        "Return it."'
    assert dict(docstrings(source)) == {1: "What.", 3: "Which one.", 5: "How.", 7: "Return it."}


def test_question_words_are_recognized_at_the_start_only():
    assert is_question("Whether a pixel is flagged.")
    assert is_question("\n    Those, which are left.")
    assert not is_question("Tell whether a pixel is flagged.")


def test_few_docstrings_begin_with_a_question_word():
    paths = sorted(path for folder in ("gpipe", "backends") for path in (ROOT / folder).rglob("*.py"))
    texts = {f"{path.relative_to(ROOT)}:{line}": text for path in paths for line, text in docstrings(path.read_text())}
    questions = [f"{place}: {text.splitlines()[0]}" for place, text in texts.items() if is_question(text)]
    assert len(questions) < LARGEST_SHARE * len(texts), "\n".join(questions)
