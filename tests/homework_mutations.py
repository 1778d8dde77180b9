"""Small edits of the exercises' functions, from their syntax trees: do the public tests notice?

    python tests/homework_mutations.py        every edit that goes unnoticed, and the share noticed

An edit flips a sign, swaps an operator, drops a term or a factor, changes a constant or an axis,
swaps what is returned, turns a comparison, or leaves a statement out.
"""

import ast
import copy
import importlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from homework_marks import public_tests

from scratchvae.homework import public_tests as module_of_tests
from scratchvae.homework import source
from scratchvae.homework.exercises import EXERCISES, Exercise

SWAPS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
}
TURNS: dict[type, type] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


def edits_of(node: ast.AST) -> Iterator[tuple[str, Callable[[Any], ast.AST]]]:
    """Name of each edit of this node, and what makes the new node of a copy of it."""
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        yield "swap operator", lambda n: ast.BinOp(n.left, SWAPS[type(n.op)](), n.right)
        yield "drop right", lambda n: n.left
        yield "drop left", lambda n: n.right
    elif isinstance(node, ast.AugAssign) and type(node.op) in SWAPS:
        yield "swap operator", lambda n: ast.AugAssign(n.target, SWAPS[type(n.op)](), n.value)
        yield "leave out", lambda n: ast.Pass()
    elif (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and not isinstance(node.operand, ast.Constant)
    ):
        yield "flip sign", lambda n: n.operand
    elif (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    ):
        yield "constant + 1", lambda n: ast.Constant(n.value + 1)
        if node.value:
            yield "constant sign", lambda n: ast.Constant(-n.value)
    elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.ctx, ast.Load):
        yield "swap pair", lambda n: ast.Tuple(n.elts[::-1], n.ctx)
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in TURNS:
        yield (
            "turn comparison",
            lambda n: ast.Compare(n.left, [TURNS[type(n.ops[0])](), *n.ops[1:]], n.comparators),
        )
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "leave out", lambda n: ast.Pass()


def mutants(exercise: Exercise) -> Iterator[tuple[str, str]]:
    """What was done, and the source of the edited function. Messages of errors are left alone."""
    function = source.need(source.reference()[exercise.module], exercise.name, exercise.module)
    spared = {
        id(part)
        for node in ast.walk(function)
        if isinstance(node, ast.Raise)
        for part in ast.walk(node)
    }
    spared |= {
        id(part) for hint in (function.args, function.returns) if hint for part in ast.walk(hint)
    }
    nodes = [node for node in ast.walk(function) if id(node) not in spared]
    positions = {id(node): i for i, node in enumerate(ast.walk(function))}
    for node in nodes:
        for what, edit in edits_of(node):
            twin = copy.deepcopy(function)
            target = list(ast.walk(twin))[positions[id(node)]]
            edited = _Replace(target, edit(target)).visit(twin)
            text = ast.unparse(ast.fix_missing_locations(edited))
            yield f"{exercise.number} {what}: {ast.unparse(node)}", text


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else self.generic_visit(node)


def noticed(exercise: Exercise, text: str) -> str:
    """The first public test that fails with this function in place of its own; "" for none."""
    module = importlib.import_module(f"scratchvae.{exercise.module}")
    owner_name, _, name = exercise.name.rpartition(".")
    owner = getattr(module, owner_name) if owner_name else module
    kept, scope = getattr(owner, name), dict[str, Any]()
    try:
        exec(compile(text, "mutant", "exec"), module.__dict__, scope)
        setattr(owner, name, scope[name])
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name_of_test, test in public_tests(vars(module_of_tests), exercise.number):
                try:
                    test()
                except BaseException as error:  # pytest's Failed is no Exception
                    if isinstance(error, KeyboardInterrupt):
                        raise
                    return name_of_test
        return ""
    finally:
        setattr(owner, name, kept)


def run() -> tuple[int, list[str]]:
    """How many edits there were, and those that no public test noticed."""
    count, unnoticed = 0, []
    for exercise in EXERCISES:
        for what, text in mutants(exercise):
            count += 1
            if not noticed(exercise, text):
                unnoticed.append(what)
    return count, unnoticed


if __name__ == "__main__":
    count, unnoticed = run()
    print(*unnoticed, sep="\n")
    print(f"{count - len(unnoticed)} of {count} edits noticed: {1 - len(unnoticed) / count:.1%}")
