"""All classical mistakes, from the chapters of `mistakes/`, in the order of the exercises."""

from scratchvae.homework.mistakes import (
    MISTAKES,
    Mistake,
    chapter_1,
    chapter_2,
    chapter_3,
    chapter_4,
)

__all__ = ["MISTAKES", "Mistake", "chapter_1", "chapter_2", "chapter_3", "chapter_4", "of"]


def of(number: str) -> list[Mistake]:
    """The wrong answers to one exercise."""
    return [mistake for mistake in MISTAKES if mistake.number == number]
