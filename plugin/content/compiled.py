"""Our own Liquid made into Python functions, once: python-liquid itself walks a tree of nodes for each message.

Only what our templates use is known here: text, `{{ path }}`, if, unless, for with a limit, assign, and, or, ==.
Anything else is a mistake in a template and raises when it is compiled. What merchants write never comes here: that
stays with python-liquid and its limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from liquid import BoundTemplate
from liquid.ast import BlockNode, Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, Path
from liquid.builtin.expressions.logical import EqExpression, LogicalAndExpression, LogicalOrExpression
from liquid.builtin.expressions.primitive import Literal, Nil
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.for_tag import ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.expression import Expression
from liquid.stringify import to_liquid_string
from markupsafe import escape

Render = Callable[[Mapping[str, Any]], str]


class Unknown(Exception):
    """A template uses more of Liquid than is known here."""


def compiled(template: BoundTemplate) -> Render:
    """A function from values to the text that `template.render` makes of them, escaped if its environment escapes.

    KeyError or TypeError for a value that is not given. Raises Unknown.
    """
    source = _Source()
    for node in template.nodes:
        source.node(node)
    code = compile(source.text(), f"<{template.name}>", "exec")
    names: dict[str, Any] = {"shown": _escaped if template.env.autoescape else _plain}
    exec(code, names)
    render: Render = names["render"]
    return render


def _escaped(value: object) -> str:
    return escape(value) if value.__class__ is str else to_liquid_string(value, autoescape=True)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else to_liquid_string(value, autoescape=False)


class _Source:
    """The lines of one function, as its nodes are met. Its own names begin with an underscore: none of Liquid's do."""

    def __init__(self) -> None:
        self._lines = ["def render(_values):", "    _out = []", "    _write = _out.append"]
        self._depth = 1
        self._assigned: set[str] = set()
        self._looped: list[str] = []  # names of the loops around, the innermost last

    def text(self) -> str:
        return "\n".join([*self._lines, "    return ''.join(_out)", ""])

    def node(self, node: Node, *, silent: bool = False) -> None:
        """`silent`: in a block that is blank, which Liquid leaves out but for what is assigned in it."""
        match node:
            case ContentNode():
                if not silent:
                    self._line(f"_write({node.text!r})")
            case OutputNode():
                self._line(f"_write(shown({self._value(node.expression)}))")
            case AssignNode():
                self._line(f"{_name(node.name)} = {self._value(node.expression)}")
                self._assigned.add(str(node.name))
            case IfNode() | UnlessNode():
                self._branches(node)
            case ForNode():
                self._loop(node)
            case _:
                raise Unknown(type(node).__name__)

    def _block(self, block: BlockNode) -> None:
        with self._deeper():
            for node in block.nodes:
                self.node(node, silent=block.blank)
            self._line("pass")

    def _branches(self, node: IfNode | UnlessNode) -> None:
        truth = self._truth(node.condition)
        self._line(f"if {truth}:" if isinstance(node, IfNode) else f"if not {truth}:")
        self._block(node.consequence)
        for other in node.alternatives:
            self._line(f"elif {self._truth(other.expression)}:")
            self._block(other.block)
        if node.default:
            self._line("else:")
            self._block(node.default)

    def _loop(self, node: ForNode) -> None:
        loop = node.expression
        if loop.offset or loop.cols or loop.reversed or node.default:
            raise Unknown(str(loop))
        items = f"({self._value(loop.iterable)} or ())"
        if loop.limit:
            items += f"[:{self._value(loop.limit)}]"
        self._looped.append(str(loop.identifier))
        self._line(f"for {self._index()}, {_name(loop.identifier)} in enumerate({items}, 1):")
        self._block(node.block)
        self._looped.pop()

    def _index(self) -> str:
        return f"_index{len(self._looped)}"

    def _truth(self, expression: Expression) -> str:
        """A Python expression that is true where Liquid's is: only nil and false are not."""
        match expression:
            case BooleanExpression():
                return self._truth(expression.expression)
            case LogicalAndExpression():
                return f"({self._truth(expression.left)} and {self._truth(expression.right)})"
            case LogicalOrExpression():
                return f"({self._truth(expression.left)} or {self._truth(expression.right)})"
            case EqExpression(right=Literal(value=bool() as right)):
                return f"({self._value(expression.left)} is {right})"
            case Path():
                return f"((_it := {self._value(expression)}) is not None and _it is not False)"
            case _:
                raise Unknown(str(expression))

    def _value(self, expression: Expression) -> str:
        match expression:
            case FilteredExpression(filters=None | []):
                return self._value(expression.left)
            case Nil():
                return "None"
            case Literal():
                return repr(expression.value)
            case Path():
                return self._path(expression.path)
            case _:
                raise Unknown(str(expression))

    def _path(self, path: Sequence[object]) -> str:
        if path == ["forloop", "index"]:
            return self._index()
        head, *rest = path
        found = _name(head) if head in self._looped or head in self._assigned else f"_values[{head!r}]"
        for key in rest:
            if not isinstance(key, str):
                raise Unknown(str(path))
            found = f"len({found})" if key == "size" else f"{found}[{key!r}]"
        return found

    def _line(self, line: str) -> None:
        self._lines.append("    " * self._depth + line)

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        yield
        self._depth -= 1


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
        raise Unknown(str(name))
    return f"own_{name}"
