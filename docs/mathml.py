"""Sphinx extension: equations as MathML, which browsers draw themselves, without scripts, fonts or the internet."""

from docutils.nodes import SkipNode
from latex2mathml.converter import convert


def setup(app):
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(translator, node):
    translator.body.append(convert(node.astext()))
    raise SkipNode


def _block(translator, node):
    translator.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise SkipNode
