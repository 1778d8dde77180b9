"""Grading: each function by itself, set into the reference; then the student's package as a whole.

The sandbox returns what the functions returned; this side compares, names the mistake, and
counts the points. The mistake's kind is stored with the mark.

A method is graded twice when it is not right at once: in the reference's class, and in the
student's own. Methods of one class may share what they remember, under names of their own.
The better result counts: both are compared with the same right answers.

What the machine may have stopped is run again, and then the reference in its place: when that is
stopped too, nobody has a mark by it (`_sure`).
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from scratchvae.homework import asked, evidence, judge, submission
from scratchvae.homework.evidence import Evidence
from scratchvae.homework.exercises import EXERCISES, PAGE, Exercise
from scratchvae.homework.key import STEPS, Key
from scratchvae.homework.make import message
from scratchvae.homework.sandbox import LOST, NotGraded, Result, Sandbox
from scratchvae.homework.submission import Submission
from scratchvae.homework.wire import plain

SECONDS = 4.0  # for one exercise; what is right takes a twentieth of one
LEAST = 0.6  # seconds, after two exercises of a submission were stopped
MOST_SENTENCE = 1000  # characters
WITHOUT = "which it should do without: ASSIGNMENT.md says what it may call"
NOT_GRADED = "could not be graded, run again"


@dataclass
class Mark:
    """One exercise's result. passed: of each kind of check, how many of how many.

    sentence: "" when all is right. mistake: its name in the catalogue, or "".
    kind: "right", "mistake", "not done", "no answer", "missing", "no Python", "not asked",
    "grader", "other". remarks, evidence: each fault, said to the student, and what shows it.
    """

    number: str
    title: str
    points: float
    most: float
    passed: dict[str, tuple[int, int]] = field(default_factory=dict)
    sentence: str = ""
    mistake: str = ""
    kind: str = "other"
    remarks: list[str] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sentence = plain(self.sentence, MOST_SENTENCE)


@dataclass
class Grade:
    """A submission's result. trains: whether its own package does; whole: a sentence on that.

    whole_most: points for a package that trains.

    final: False when the machine or the grader failed: then it has no mark, and is not kept.
    """

    name: str
    marks: list[Mark]
    trains: bool
    whole: str
    note: str = ""
    final: bool = True
    whole_most: float = 0

    def __post_init__(self) -> None:
        self.name, self.whole = plain(self.name), plain(self.whole)
        self.note = plain(self.note, MOST_SENTENCE)

    @property
    def points(self) -> float:
        """Of all exercises, and of the whole."""
        return sum(mark.points for mark in self.marks) + self.whole_points

    @property
    def most(self) -> float:
        """That there are."""
        return sum(mark.most for mark in self.marks) + self.whole_most

    @property
    def whole_points(self) -> float:
        """For a package that trains."""
        return self.whole_most if self.trains else 0

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Grade":
        """What `as_json` gave."""
        marks = [
            Mark(**{**mark, "passed": {k: tuple(v) for k, v in mark["passed"].items()}})
            for mark in data["marks"]
        ]
        return cls(**{**data, "marks": marks})


def weighted(result: Grade, weights: Mapping[str, float]) -> Grade:
    """The result with the teacher's own points for some exercises, in hundredths."""
    marks = [
        replace(mark, points=round(mark.points * most / mark.most, 2), most=most)
        if (most := weights.get(mark.number)) is not None
        else mark
        for mark in result.marks
    ]
    return replace(result, marks=marks)


def grade(folder: Path, key: Key, *, seconds: float = SECONDS) -> Grade:
    """Grade the submission in this folder. Never raises for what is in it.

    `submission.ClassFolder` when the folder is a class: several folders with a package each.
    """
    handed_in = submission.read(folder, key.reference, link_is_teachers=True)
    places = {place.relative_to(folder).parts[0] for place in handed_in.found if place != folder}
    if len(places - {"scratchvae"}) > 1 and "scratchvae" not in places:
        raise submission.ClassFolder(
            f"{folder} holds {len(places)} folders with a package each: "
            f"to grade a class use --all {folder}, to grade one name its own folder"
        )
    return grade_read(handed_in, key, seconds=seconds)


def grade_read(handed_in: Submission, key: Key, *, seconds: float = SECONDS) -> Grade:
    """Grade what was read."""
    marks: list[Mark] = []
    left, timeouts, final = seconds, 0, True
    with Sandbox(key.sandbox) as box:
        for exercise in key.exercises:
            try:
                mark, stopped = _grade_one(exercise, handed_in, key, box, left)
            except Exception as error:  # nothing that is handed in may end the run
                mark = Mark(exercise.number, exercise.title, 0, exercise.points, {}, _not(error))
                mark.kind, stopped, final = "grader", "", False
            marks.append(mark)
            timeouts += stopped.startswith("it was stopped after")
            if timeouts >= 2:  # a submission that hangs everywhere may not take everybody's time
                left = min(seconds, LEAST)
        try:
            # a function that does not end stops the training too: not long is waited for that
            trains, whole = _whole(handed_in, box, 2 * (LEAST if timeouts else left), key)
        except Exception as error:
            trains, whole, final = False, _not(error), False
    return Grade(handed_in.name, marks, trains, whole, handed_in.note, final, key.whole)


def _not(error: Exception) -> str:
    why = str(error) if isinstance(error, NotGraded) else f"the grader's {type(error).__name__}"
    return f"{NOT_GRADED}: {why}"


def _sure(
    run: Callable[[Sandbox, Mapping[str, str]], Result],
    box: Sandbox,
    files: Mapping[str, str],
    key: Key,
) -> Result:
    """What these files come to, when it is not the machine that stops them. NotGraded: it is.

    run: a task, in this sandbox, of these files. Nothing in a sandbox but `none` can stop it.
    """
    result = run(box, files)
    if result.doubtful:
        box.stop()
        result = run(box, files)
    if result.doubtful:
        with Sandbox(key.sandbox) as fresh:
            if run(fresh, key.reference).doubtful:
                raise NotGraded("the right answer was stopped too")
    if result.stopped == LOST:
        raise NotGraded(LOST)
    return result


def _grade_one(
    exercise: Exercise, handed_in: Submission, key: Key, box: Sandbox, seconds: float
) -> tuple[Mark, str]:
    """The mark, and why the function was stopped or ""."""
    job, right = key.jobs[exercise.number], key.right[exercise.number]
    passed = {kind: (0, total) for kind, total in judge.totals(job).items()}
    mark = Mark(exercise.number, exercise.title, 0, exercise.points, passed, kind="missing")
    if handed_in.asked and exercise.number not in handed_in.asked.exercises:
        mark.sentence = f"it stood in the handout already: its {asked.NAME} does not ask for it"
        mark.kind = "not asked"
        return mark, ""
    if exercise.module in handed_in.problems:
        mark.sentence = f"{exercise.module}.py: {handed_in.problems[exercise.module]}"
        mark.kind = "no Python"
        return mark, ""
    if exercise.module not in handed_in.files:
        mark.sentence = f"{exercise.module}.py is missing"
        return mark, ""

    def attempt(whole_class: bool) -> Result:
        def run(box: Sandbox, files: Mapping[str, str]) -> Result:
            return box.run_task(
                key.tasks[exercise.number],
                seconds=seconds,
                theirs=files,
                exercise=(exercise.module, exercise.name),
                whole_class=whole_class,
            )

        return _sure(run, box, handed_in.files, key)

    def judged(result: Result) -> judge.Verdict:
        return judge.judge(job, exercise.points, right, result, lambda: key.wrong[exercise.number])

    result = attempt(False)
    if result.refused:
        mark.sentence = result.refused
        mark.kind = "no Python" if "is no Python" in result.refused else "missing"
        return mark, ""
    verdict = judged(result)
    if not verdict.full and "." in exercise.name and not result.stopped:
        other = attempt(True)
        second = judged(other)
        if second.points > verdict.points:
            verdict, result = second, other
    mark.passed, mark.points, mark.kind = verdict.passed, verdict.points, "right"
    if not verdict.full or result.printed > evidence.MOST_PRINTED:
        mark.evidence = evidence.of(exercise, job, right, result, judge.close)
    if not verdict.full:
        mark.kind, mark.sentence = explain(mark.evidence, result)
        for called in EXERCISES:
            if called != exercise and mark.sentence == f"not done: it says {message(called)!r}":
                mark.kind = "other"
                mark.sentence = f"it calls {called.name}, of exercise {called.number}, {WITHOUT}"
        if exercise in PAGE and mark.kind == "other":
            mark.sentence = f"{exercise.title}: read {exercise.equation}; {mark.sentence}"
        if verdict.remarks:
            mark.kind, mark.mistake = "mistake", verdict.remarks[0]
            mark.sentence = " ".join(verdict.remarks)
    if WITHOUT in mark.sentence:
        said = f"Your function calls {mark.sentence.removeprefix('it calls ')}."
        mark.evidence = [Evidence(kind="other", said=said, called=[], shown=[])]
    mark.remarks = verdict.remarks
    if verdict.remarks == judge.care(job, right, result):  # the wrong value itself has no name
        unnamed = [shown["said"] for shown in mark.evidence if shown["kind"] == "value"]
        mark.remarks = unnamed + verdict.remarks
    if result.printed > evidence.MOST_PRINTED:
        printed = f"it printed {result.printed:,} bytes"
        mark.sentence = f"{mark.sentence}; {printed}" if mark.sentence else printed
    mark.__post_init__()
    return mark, result.stopped


def explain(shown: list[Evidence], result: Result) -> tuple[str, str]:
    """The kind, and a sentence: the smallest input that shows the difference, ours and theirs."""
    tail = f"; then {result.stopped}" if result.stopped else ""
    if not shown or shown[0]["kind"] in ("stopped", "printed"):
        return ("no answer", f"no answer: {result.stopped}") if tail else ("other", "it is wrong")
    first = shown[0]
    if first["kind"] == "not done":
        said = next((r.error[1] for r in result.replies if r.error), "")
        return "not done", f"not done: it says {said!r}{tail}"
    wrong = "; ".join(
        f"{name}: {a} expected, {b} came".lstrip(": ") for name, a, b in first["shown"]
    )
    said = f"at {', '.join(first['called'])}: {wrong or first['said']}{tail}"
    return "no answer" if tail else "other", said


def _whole(handed_in: Submission, box: Sandbox, seconds: float, key: Key) -> tuple[bool, str]:
    """Does the student's own package train?

    The bound before and after is the reference's, of the θ that comes back. It has to rise by at
    least half of what the reference's training gives: θ = 0 raises it too, by less. A beginning
    below the reference's gains nothing.
    """
    if PAGE[0] in key.exercises:
        return False, "of the page the gradients alone are graded: it is not trained here"
    if not handed_in.files:
        return False, "there is no package to train"
    if not {"training", "vae"} <= handed_in.files.keys():
        return False, "it holds no vae.py and training.py, so nothing is trained"
    fails = "its own package does not train"

    def run(box: Sandbox, files: Mapping[str, str]) -> Result:
        return box.run(files, "trains", {}, [key.training], seconds=seconds)

    result = _sure(run, box, handed_in.files, key)
    if not result.replies:
        return False, f"{fails}: {result.stopped}"
    reply = result.replies[0]
    if reply.error is not None:
        return False, f"{fails}: {reply.error[0]}: {reply.error[1]}"
    try:
        before, after = map(key.bound, reply.outputs)
    except (ValueError, TypeError):
        return False, f"{fails}: what it returns is no vector of weights"
    needed = (key.bounds[1] - key.bounds[0]) / 2
    rises = after > max(before, key.bounds[0]) + needed
    words = "its own package trains" if rises else fails
    return rises, f"{words}: bound {before:.2f} before, {after:.2f} after {STEPS} steps"
