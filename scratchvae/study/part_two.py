"""Part II of the book: a page for each file of the source, derivation left and code right."""

import html
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchvae.homework import catalogue
from scratchvae.homework.exercises import EXERCISES, Exercise
from scratchvae.study import evidence, listing, values
from scratchvae.study.frame import Frame, docstring_lines, row_id
from scratchvae.study.listing import Module, Part
from scratchvae.study.prose import Typesetter
from scratchvae.study.step import equation
from scratchvae.study.symbols import Signs


class Source(Frame):
    """Functions with their symbols, equations, tests, mistakes, and the values of their lines."""

    def _source_page(self, module: Module) -> None:
        self.signs = Signs(module.name, "en")
        typesetter = self._typesetter("en", module.name)
        coloured = listing.coloured("\n".join(module.lines))
        ends = listing.statement_ends(module)
        shown: set[int] = set()
        sections = [
            f'<div class="part"><div class="left">{typesetter.text(module.doc)}</div></div>'
        ]
        at = module.body
        for part in module.parts:
            between = self._code(module, coloured, ends, at, part.first - 1, shown)
            if between:
                sections.append(f'<div class="part">{between}</div>')
            sections.append(self._part(module, part, coloured, ends, shown, typesetter))
            at = part.last + 1
        rest = self._code(module, coloured, ends, at, len(module.lines), shown)
        if rest:
            sections.append(f'<div class="part">{rest}</div>')
        hint = (
            '<p class="small">A line with ▸ shows its values: click on it, or press Enter on it; '
            "the key v shows all. The numbers are those of <code>scratchvae trace</code>, of "
            "another small run, or of the example in the docstring.</p>"
        )
        self._page(
            f"source-{module.name}.html", "en", f"{module.name}.py", hint + "\n".join(sections),
            about=module.doc.split("\n\n")[0], kind="source",
        )  # fmt: skip

    def _part(
        self, module: Module, part: Part, coloured: list[str], ends: dict[int, int],
        shown: set[int], typesetter: Typesetter,
    ) -> str:  # fmt: skip
        full = f"{module.name}.{part.name}"
        if "." in part.name:
            typesetter = self._typesetter("en", full.rpartition(".")[0])
        left = typesetter.text(part.doc) if part.doc else ""
        rows = [
            row for row in self.equations[1:] if f"`{full}`" in row[2] or self._names(row, full)
        ]
        if rows:
            links = "".join(
                f'<a href="equations.html#{row_id(row)}">{html.escape(row[0])}</a>' for row in rows
            )
            left += f'<p class="chips">{links}</p>'
        left += self._tests_of_part(part)
        exercise = next((e for e in EXERCISES if e.where == full), None)
        if exercise is not None:
            left += self._exercise(exercise)
        skip = docstring_lines(part)
        code = self._code(module, coloured, ends, part.first, part.last, shown, skip)
        return (
            f'<section class="part" id="{part.anchor}"><h2>{part.name}</h2><div class="pair">'
            f'<div class="left">{left}</div><div class="right">{code}</div></div></section>'
        )

    def _names(self, row: Sequence[str], full: str) -> bool:
        """Whether the row names the function: `vae.VAE.log_weights`, and then `elbo_sampled`."""
        module, _, name = full.partition(".")
        short = name.rpartition(".")[2]
        return bool(
            re.search(rf"`{module}\.", row[2])
            and re.search(rf"`(?:{module}\.)?(?:\w+\.)?{re.escape(short)}(?:\(.*?\))?`", row[2])
        )

    def _tests_of_part(self, part: Part) -> str:
        if part.kind == "class":
            return ""
        found = evidence.attacking(part, self.tests)
        through = ""
        if not found:
            for user in self.users.get(f"{part.module}.{part.name}", ()):
                found = evidence.attacking(self.parts[user], self.tests)
                if found:
                    link = self._link(user, "", "")
                    through = f'<p>Through <a href="{link}"><code>{user}</code></a>:</p>'
                    break
        if not found:
            return ""
        return (
            f'<details class="small tests"><summary>Tests ({len(found)})</summary>{through}'
            f"{self._test_list(found, 'en', brief=True)}</details>"
        )

    def _exercise(self, exercise: Exercise) -> str:
        if exercise.number in self.hidden:
            return self._exercise_box(exercise.number, "en")
        wrong = "".join(
            f"<li>{self._typesetter('en').inline(m.sentence)}"
            "<details><summary>its code</summary>"
            f"<pre>{html.escape(m.body.rstrip())}</pre></details></li>"
            for m in catalogue.of(exercise.number)
        )
        edits = self.edits.get(exercise.number, [])
        lines: dict[int, str] = {}
        for edit in sorted(edits, key=lambda edit: edit.line):
            by = f"<code>{edit.noticed_by}</code>" if edit.noticed_by else "not noticed"
            said = f"{html.escape(edit.what)}: <code>{html.escape(edit.code)}</code> – {by}"
            lines[edit.line] = lines.get(edit.line, "") + f"<li>{said}</li>"
        tried = "".join(
            f'<li><a href="#L{line}">line {line}</a><ul>{items}</ul></li>'
            for line, items in lines.items()
        )
        noticed = sum(bool(edit.noticed_by) for edit in edits)
        small = (
            f'<details class="small"><summary>Small edits: {noticed} of {len(edits)} noticed by a '
            f"public test</summary><ul>{tried}</ul></details>"
            if edits
            else ""
        )
        return (
            self._exercise_box(exercise.number, "en")
            + '<details class="small"><summary>Wrong answers '
            f"({len(catalogue.of(exercise.number))})</summary><ul>{wrong}</ul></details>" + small
        )

    def _code(
        self, module: Module, coloured: list[str], ends: dict[int, int], first: int, last: int,
        shown: set[int], skip: Sequence[int] = (),
    ) -> str:  # fmt: skip
        """Lines of code; what a line has computed is folded into it."""
        while first <= last and not module.lines[first - 1].strip():
            first += 1
        while last >= first and not module.lines[last - 1].strip():
            last -= 1
        if first > last:
            return ""
        rows, n = [], first
        while n <= last:
            if n in skip:
                n += 1
                continue
            steps = self.values.steps.get((f"{module.name}.py", n))
            end = min(max(ends.get(n, n), n), last)
            if steps:
                lines = "".join(_row(f'data-n="L{k}"', coloured[k - 1]) for k in range(n, end + 1))
                rows.append(
                    f'<details id="L{n}"><summary>{lines}</summary>{self._given(module, steps)}'
                    "</details>"
                )
                shown.add(n)
                n = end + 1
            else:
                rows.append(_row(f'id="L{n}"', coloured[n - 1]))
                n += 1
        return f'<div class="code"><div class="rows">{"".join(rows)}</div></div>'

    def _given(self, module: Module, steps: Sequence[Any]) -> str:
        step = steps[0]
        rows = ""
        for each in steps:
            shape = str(each.shape) if isinstance(each.value, np.ndarray) else ""
            value = values.shown(each.value) if each.name else "no value"
            rows += (
                f"<tr><td><code>{html.escape(each.name)}</code></td><td>{shape}</td>"
                f"<td><pre>{html.escape(value)}</pre></td></tr>"
            )
        said = equation(step) if step.name and step.numeric else ""
        code = " ".join(step.text.split())
        formula = "" if not said or said == code else self._typesetter("en").inline(said)
        where = self.values.source[step.file, step.function]
        count = self.values.counts[step.file, step.line]
        often = f", the first of {count} runs" if count > 1 else ""
        return (
            f'<div class="given">{f"<p>{formula}</p>" if formula else ""}<table>{rows}</table>'
            f'<span class="small">{html.escape(where)}{often}</span></div>'
        )


def _row(number: str, code: str) -> str:
    """A line. number: the attribute that the style sheet shows before it."""
    return f"<span {number}>{code or ' '}</span>"
