"""Homework: mistakes have their names, right answers their points, and answers stay hidden."""

import ast
import inspect
import re
from textwrap import indent

import homework_mutations
import numpy as np
import pytest
from homework_marks import (
    package_with,
    public_failures,
    right,
    verdict_on,
    verdict_on_files,
    wrong,
)
from homework_mistakes import CARE, MISTAKES
from homework_submissions import filled
from homework_variants import FILES, UNNOTICED, VARIANTS, _state_under_another_name

from scratchvae.homework import catalogue, domains, judge, leaks, make, source
from scratchvae.homework.exercises import BY_NUMBER, EXERCISES, select

IDS = [exercise.number for exercise in EXERCISES]


# ---- the catalogue ----


@pytest.mark.parametrize("number", IDS)
def test_each_mistake_of_the_catalogue_loses_points_and_has_its_own_name(number: str) -> None:
    """What a mistake returns is judged as a student's function is; two do not return the same."""
    job, most = domains.job(number), BY_NUMBER[number].points
    assert len(wrong(number)) >= 3
    for sentence, result in wrong(number):
        verdict = judge.judge(job, most, right(number), result, lambda: wrong(number))
        assert verdict.points < most and verdict.remarks[0] == sentence


def test_each_mistake_has_the_arguments_of_its_exercise_and_a_sentence_to_the_student() -> None:
    """So that it can be put in the place of the right one, and its sentence can be shown."""
    assert len(catalogue.MISTAKES) >= 149
    names = [(mistake.number, mistake.name) for mistake in catalogue.MISTAKES]
    assert len(set(names)) == len(names)
    for mistake in catalogue.MISTAKES:
        exercise = BY_NUMBER[mistake.number]
        node = source.need(source.reference()[exercise.module], exercise.name, exercise.module)
        parts = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        assert list(inspect.signature(mistake.function).parameters) == [p.arg for p in parts]
        assert mistake.sentence.startswith("You ") and mistake.sentence.endswith(".")


def test_no_line_of_the_catalogue_is_passed_over() -> None:
    """Beside a file's first line and what helpers are for, each line is of a mistake's parts."""
    parts = {
        line
        for mistake in catalogue.MISTAKES
        for head in [f"{mistake.number} {mistake.name}:"]
        for line in (
            *(head, f"{head} {mistake.sentence}", mistake.sentence),
            *indent(mistake.body + mistake.helpers, "    ").splitlines(),
        )
    }
    for path in catalogue.CHAPTERS:
        first, *lines = path.read_text(encoding="utf-8").splitlines()
        assert first.startswith("Wrong answers to chapter ")
        for line in lines:
            assert len(line) <= 100
            assert line in parts or re.match(r"\d\.\d+ helpers: ", line), line


def test_a_mistake_as_a_function_is_the_mistake_in_its_file() -> None:
    """Called where it stands, it returns what its body returns in place of the right one."""
    compared = 0
    for exercise in EXERCISES:
        job = domains.job(exercise.number)
        if job.driver == "call":
            for mistake, (_, result) in zip(catalogue.of(exercise.number), wrong(exercise.number)):
                for case, reply in zip(job.cases, result.replies):
                    if reply.error is None and case.kind == "value" and "order" not in case.inputs:
                        with np.errstate(all="ignore"):
                            value = mistake.function(**case.inputs)
                        np.testing.assert_array_equal(np.array(value), np.array(reply.outputs))
                        compared += 1
    assert compared > 400


# ---- mistakes that are not the catalogue's own ----


def test_mistakes_as_students_write_them_have_no_full_points_and_the_right_name() -> None:
    """At least 139 over all exercises: 85 % or more are named rightly, none wrongly."""
    written = named = 0
    assert set(MISTAKES) == set(IDS)
    for number, bodies in MISTAKES.items():
        sentences = {mistake.name: mistake.sentence for mistake in catalogue.of(number)}
        for name, body in bodies:
            verdict = verdict_on(number, body)
            assert verdict.points < BY_NUMBER[number].points, (number, body)
            first = verdict.remarks[0] if verdict.remarks else ""
            wanted = CARE.get(name) or sentences.get(name, "")
            assert bool(wanted) == bool(name), f"{number} has no mistake {name}"
            known = first in sentences.values()
            assert not known or (name and first.startswith(wanted)), (number, body, first)
            written += 1
            named += bool(name) and first.startswith(wanted)
    assert written >= 139 and named >= 0.85 * written


@pytest.mark.parametrize(
    "number, body",
    [
        ("3.4", "dy *= 1 - self.y**2\nreturn dy"),
        ("2.8", "x -= sigmoid(logits)\nreturn x"),
        ("2.8", "logits *= -1\nreturn x - sigmoid(-logits)"),
        ("3.9", "g *= g\nself.s[block] += g\ntheta -= self.lr * g**0.5 * 0"),
    ],
)
def test_what_is_computed_in_place_loses_one_point_and_is_told_so(number: str, body: str) -> None:
    """The value is right; the argument is not as it was. (Of 3.9 nothing is right.)"""
    verdict = verdict_on(number, body)
    most = BY_NUMBER[number].points
    assert verdict.points == (most - 1 if number != "3.9" else 0)
    assert any(remark.startswith(CARE["in place"]) for remark in verdict.remarks)
    if number != "3.9":
        assert [k for k, (done, all_) in verdict.passed.items() if done < all_] == ["inputs"]


def test_a_second_fault_hides_no_name() -> None:
    """Without ½, float64 for float32, and in place: all are said, the mistake first."""
    body = "mu *= mu\nreturn (mu + np.exp(logvar) - logvar - 1).sum(axis=-1).astype(np.float64)"
    remarks = verdict_on("2.2", body).remarks
    assert remarks[0] == "You leave out the ½."
    assert any(remark.startswith(CARE["in place"]) for remark in remarks)
    wide = "return (mu**2 + np.exp(logvar) - logvar - 1).sum(axis=-1).astype(np.float64)"
    assert verdict_on("2.2", wide).remarks[0] == "You leave out the ½."


def test_an_object_that_fakes_its_mean_has_no_points() -> None:
    """Bits are compared by the grader; what is no array of numbers is no answer."""
    fake = """
class Bits:
    shape, dtype = images.shape, np.dtype(np.float32)
    def mean(self, *a, **k):
        return images.astype(float).mean(axis=1) / (255 if images.dtype == np.uint8 else 1)
    def __ne__(self, other):
        return self
    def __eq__(self, other):
        return np.ones(images.shape, bool)
    __getitem__ = lambda self, index: self
return Bits()"""
    assert verdict_on("3.11", fake).points == 0


# ---- right answers ----


def test_the_reference_has_full_points() -> None:
    """In what each exercise is graded in."""
    for exercise in EXERCISES:
        verdict = verdict_on_files(exercise.number, source.reference())
        assert verdict.full and verdict.points == exercise.points and not verdict.remarks


def test_correct_variants_lose_nothing_and_are_no_mistake() -> None:
    """At least 60, at least two of every exercise; the public tests accept them too."""
    for exercise in EXERCISES:
        assert sum(number == exercise.number for number, *_ in VARIANTS) >= 2
    assert len(VARIANTS) >= 60
    for number, how, body, top in VARIANTS:
        verdict = verdict_on(number, body, top)
        assert verdict.points == BY_NUMBER[number].points and verdict.full, (number, how, verdict)
        assert not verdict.remarks
        assert not public_failures(number, package_with(number, body, top)), (number, how)


@pytest.mark.parametrize("number, how, body, top", UNNOTICED, ids=[n for n, *_ in UNNOTICED])
def test_a_broken_promise_that_changes_no_number_loses_one_point(
    number: str, how: str, body: str, top: str
) -> None:
    """In the grader, and a public test says so."""
    assert public_failures(number, package_with(number, body, top)), how
    assert verdict_on(number, body, top).points == BY_NUMBER[number].points - 1


def test_kl_without_the_difference_of_the_sums_loses_the_point_for_extremes() -> None:
    """Σ p log(p/q) alone, which the docstring's last but one sentence excludes."""
    body = """
p, q = _two_distributions(p, q, axis)
with np.errstate(divide="ignore", invalid="ignore"):
    return np.where(p > 0, p * np.log(p / q), 0).sum(axis=-1) / _log(base)"""
    verdict = verdict_on("1.3", body)
    assert [k for k, (done, all_) in verdict.passed.items() if done < all_] == ["extremes"]
    said = public_failures("1.3", package_with("1.3", body))
    assert len(said) == 2 and "kl_divergence([0.5 , 0.25, 0.25], [0.500000005" in said[0]


@pytest.mark.parametrize("number, how, files", FILES, ids=[f"{n} {how}" for n, how, _ in FILES])
def test_a_correct_file_loses_nothing(number: str, how: str, files: object) -> None:
    """Other files, other definitions, state under names of its own: full points."""
    assert callable(files)
    verdict = verdict_on_files(number, files())
    assert verdict.points == BY_NUMBER[number].points and verdict.full, (how, verdict)


def test_wrong_state_is_not_excused_by_the_whole_class() -> None:
    """forward remembers nothing, or under a name of its own that its backward knows: others read
    self.x, which the docstring names. The point for memory is lost.
    """
    for files in (filled("3.1", "return x @ self.W + self.b"), _state_under_another_name()):
        verdict = verdict_on_files("3.1", files)
        assert [k for k, (done, all_) in verdict.passed.items() if done < all_] == ["memory"]
        assert verdict.points == BY_NUMBER["3.1"].points - 1


# ---- the public tests ----


def test_public_tests_notice_small_edits() -> None:
    """Of at least 100 generated edits of the exercises' functions, 98 % or more."""
    count, unnoticed = homework_mutations.run()
    assert count >= 100
    assert len(unnoticed) <= 0.02 * count, unnoticed


@pytest.mark.parametrize(
    "number, body, said",
    [
        (
            "2.1",
            "return -0.5 * (logvar + (z - mu) ** 2 * np.exp(-logvar)).sum(axis=-1)",
            "gaussian_log_density([0.], [0.], [0.]): expected -0.9189385332046727, got -0.0",
        ),
        (
            "2.7",
            "return (x * logits).sum(axis=-1)",
            "bernoulli_log_likelihood([[1., 0.]], [[ 1.0986122886681098, -2.197224577336",
        ),
        (
            "3.7",
            "eps, B = self._eps, self._eps.shape[1]\n"
            "layers.backward(self._decoder, self._output.backward(-1 / B))",
            "the gradient of logvar.b at L = 1, B = 1: expected [",
        ),
        (  # all wrong gradients, from the output backwards
            "3.7",
            "eps, B = self._eps, self._eps.shape[1]\n"
            "layers.backward(self._decoder, self._output.backward(-1 / B))",
            "other wrong gradients: logvar.W, mu.b, mu.W",
        ),
        (  # which case of many
            "1.4",
            "y, y_hat = np.asarray(y, float), np.asarray(y_hat, float)\n"
            "_same_shape('y', y, 'y_hat', y_hat)\n"
            "with np.errstate(divide='ignore', invalid='ignore'):\n"
            "    a, b = y * np.log(y_hat), (1 - y) * np.log(1 - y_hat)\n"
            "return -(np.where(y > 0, a, 0) + np.where(y < 1, b, 0)) / _log(base)",
            "binary_cross_entropy([2.], [0.5]): expected a ValueError, got [1.38",
        ),
        (
            "3.5",
            "x, eps, self.remembered = np.asarray(x), np.asarray(eps), ''\n"
            "mu, logvar = self._heads(x)\n"
            "px = self._log_px_z(x, reparameterize(mu, logvar, eps.reshape(-1, *mu.shape)))\n"
            "self.remembered = 'forward'\n"
            "return px.mean(axis=0), gaussian_kl(mu, logvar)",
            "expected no error, got AttributeError(\"'VAE' object has no attribute '_x'\")",
        ),
        (
            "3.10",
            "theta -= self.lr * np.sign(g)",
            "θ after g = 1, -3 at lr = 1: expected [-0.50",
        ),
        (
            "3.11",
            "_check_pixels('x', images)\nreturn (rng.random(images.shape) < 0.5).astype(dtype)",
            "shares of ones at images = [",
        ),
    ],
)
def test_a_failed_public_test_says_what_was_expected(number: str, body: str, said: str) -> None:
    """Which quantity, at the smallest input, expected and got: no bare arrays, no np.False_."""
    first = public_failures(number, package_with(number, body))[0]
    assert said in first and "got" in first
    assert "array(" not in first and "False" not in first


# ---- leaks ----

PLANTS = [
    (  # the same numbers by another formula, in a test
        "tests/test_homework.py",
        "def check(m, s, e):\n    z = m + np.sqrt(np.exp(s)) * e\n    return z\n",
        "distributions.reparameterize is computed in tests/test_homework.py, check",
    ),
    (
        "tests/test_homework.py",
        "def loops(v, w):\n    return sum((a * a + np.exp(b) - b - 1) / 2 for a, b in zip(v, w))\n",
        "distributions.gaussian_kl is computed in tests/test_homework.py, loops",
    ),
    (
        "scratchvae/pca.py",
        "def score(x, m, s):\n"
        "    return -s / 2 - np.log(2 * np.pi) / 2 - (x - m) ** 2 / (2 * np.exp(s))\n",
        "distributions.gaussian_log_density is computed in scratchvae/pca.py, score",
    ),
    (
        "scratchvae/pca.py",
        "class A:\n    def f(self):\n        return self.x * self.a - np.log(1 + np.exp(self.a))\n",
        "distributions.bernoulli_log_likelihood is computed in scratchvae/pca.py, A.f",
    ),
    (  # the same calls
        "scratchvae/pca.py",
        "def turn(m, x, o, rng):\n    e = m.noise(len(x), rng)\n    a, b = m.forward(x, e)\n"
        "    m.backward()\n    o.step()\n    return a, b\n",
        "training.training_step stands in scratchvae/pca.py, turn",
    ),
]


@pytest.mark.parametrize("file, text, said", PLANTS, ids=range(len(PLANTS)))
def test_an_answer_in_other_words_is_found(file: str, text: str, said: str) -> None:
    """An expression with the same numbers, a function with the same calls."""
    _, files = make.handout(EXERCISES, "T")
    found = leaks.find(_answers(), {**files, file: files[file] + "\n\n" + text})
    assert any(said in sentence for sentence in found), found


def _answers() -> dict[str, source.Function]:
    reference = source.reference()
    return {e.where: source.need(reference[e.module], e.name, e.module) for e in EXERCISES}


def test_an_answer_that_two_kept_functions_give_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """H(q, p) − H(q) of info.py is the KL; and H(p, q), p a point, is the log density."""
    open_table = {e.number: e for e in EXERCISES}
    for number, also in (("2.2", ("info.gaussian_kl",)), ("2.1", ())):
        exercise = open_table[number]
        changed = type(exercise)(**{**vars(exercise), "also_blank": also})
        monkeypatch.setitem(make.BY_NUMBER, number, changed)
        with pytest.raises(make.LeakError, match=r"given by info\.gaussian_cross_entropy"):
            make.handout([open_table["1.6"], exercise], "T")  # 1.6: info.py is handed out


def test_what_is_allowed_to_stand_is_there() -> None:
    """Each leak that is written down is one: of some exercise alone, or of all together."""
    found = set()
    for number in [None, *IDS]:
        blanked, files = make.handout(select(None if number is None else [number]), "T")
        asked = {exercise.where for exercise in blanked.exercises}
        answers = {where: node for where, node in _answers().items() if where in asked}
        found |= {(name, where) for name, where, _ in leaks._all(answers, files)}
    assert found == set(leaks.ALLOWED)
    assert all(reason for reason in leaks.ALLOWED.values())


def test_what_a_reader_finds_is_blank_or_written_down() -> None:
    """PARTS stand in the handout. Blank: the same loop in other estimators and differences."""
    _, files = make.handout(EXERCISES, "T")
    asked = {exercise.where for exercise in EXERCISES}
    for (answer, where), reason in leaks.PARTS.items():
        file, _, name = where.partition(", ")
        assert answer in asked and reason
        assert "NotImplementedError" not in ast.unparse(source.need(files[file], name, file))
    for where in (
        "likelihood._posterior",
        "gradient_check.complex_step",
        "parallel._Part.forward",
    ):
        module, _, name = where.partition(".")
        text = ast.unparse(source.need(files[f"scratchvae/{module}.py"], name, module))
        assert "NotImplementedError('not asked: it goes with exercise" in text


def test_the_public_tests_do_not_hold_central_differences() -> None:
    """Their numerical gradient is another formula: of exp at h = 0.1 it is not 3.8's answer."""
    scope: dict[str, object] = {}
    _, files = make.handout(select(["3.4"]), "T")
    text = files["tests/test_homework.py"].replace("from homework", "from scratchvae.homework")
    exec(compile(text, "tests", "exec"), scope)
    slope = scope["slope"]
    assert callable(slope)
    cubes = slope(lambda t: float((t**3).sum()), np.array([1.0, -2.0]), 0.1)
    np.testing.assert_allclose(cubes, [3.0, 12.0], rtol=1e-12)  # 3.8 gives 3 t² + h²
