"""The student edition of the book: where an answer to an exercise stands, its number stands.

What is hidden is what the handout has blank (`homework/make.py`): the functions that are asked,
the helpers that are the answer, and functions that say the same. Hidden are their lines, the
values of these lines, the small edits and the code of the wrong answers. Docstrings stay.
"""

from collections.abc import Sequence

from scratchvae.homework.exercises import select
from scratchvae.homework.make import blank
from scratchvae.study.frame import Frame


def answers(numbers: Sequence[str] | None) -> dict[str, str]:
    """Function, as "module.name" -> what stands in place of its body.

    numbers: exercises or chapters; None: all. ValueError for what is no exercise.
    """
    blanked = blank(select(None if numbers is None else list(numbers)))
    found = {exercise.where: f"exercise {exercise.number}" for exercise in blanked.exercises}
    for where in (*blanked.unasked, *blanked.removed):
        found.setdefault(where, "it says what an exercise asks")
    return found


def hide(book: Frame, numbers: Sequence[str] | None) -> None:
    """Take the answers out of what the book is made of. Every other line keeps its number."""
    hidden = answers(numbers)
    for module in book.modules:
        for part in module.parts:
            said = hidden.get(f"{module.name}.{part.name}")
            if said is None:
                continue
            first = module.lines[part.body - 1]
            indent = first[: len(first) - len(first.lstrip())] or 4 * " "
            for n in range(part.body, part.last + 1):
                module.lines[n - 1] = ""
                book.values.steps.pop((f"{module.name}.py", n), None)
            module.lines[part.body - 1] = f'{indent}raise NotImplementedError("{said}")'
    book.hidden = {said.removeprefix("exercise ") for said in hidden.values()}
