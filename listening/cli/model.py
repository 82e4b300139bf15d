"""The commands that measure a model on texts whose labels are known: evaluate, compare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from listening.cli import lines, output
from listening.cli.lines import Row
from listening.cli.options import Json, opened
from listening.errors import ConfigError
from listening.records import Label, Sentiment
from listening.report.wording import counted

if TYPE_CHECKING:
    from listening.evaluation import Floats, Ints, Measured
    from listening.protocols import Scorer

ALL = "all"
LABELS = (Label.NEGATIVE, Label.NEUTRAL, Label.POSITIVE)
TOGETHER = 1024
MOST_TOLD = 5  # lines that could not be read
SURE = 0.05

cli = typer.Typer(help="Measure a model on labelled texts.", no_args_is_help=True)

Labelled = Annotated[
    str, typer.Argument(metavar="FILE", help='JSON lines: {"text": "…", "label": "negative"}.')
]
Model = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="A folder or a model of the Hub; else the settings'."),
]


class Examples(NamedTuple):
    """``groups``: the places of each language's texts, and of all."""

    texts: list[str]
    truth: Ints
    groups: dict[str, list[int]]


@cli.command()
def evaluate(
    context: typer.Context,
    file: Labelled,
    *,
    model: Model = None,
    diagram: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw how far confidence can be trusted, as PNG."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Macro-F1, negative recall, calibration and coverage in each language, with margins."""
    from listening import evaluation, scoring  # noqa: PLC0415 - numpy

    app = opened(context)
    scorer = scoring.load(model) if model else app.scorer
    examples = _examples(file, app.language)
    found = _scored(scorer, examples.texts)
    probabilities, threshold = _probabilities(found), found[0].threshold
    measured = {
        name: evaluation.measure(probabilities[at], examples.truth[at], threshold=threshold)
        for name, at in examples.groups.items()
    }
    if diagram:
        _draw(diagram, probabilities, examples.truth)
    if as_json:
        rows = {name: one.as_json() for name, one in measured.items()}
        output.as_json({"model": scorer.model, "threshold": threshold, "languages": rows})
        return
    _table(scorer.model, measured)
    if diagram:
        output.say(f"{diagram}: how often labels of each confidence are right")


@cli.command()
def compare(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="A", help="A model, as --model names one.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The other.")],
    file: Labelled,
    *,
    as_json: Json = False,
) -> None:
    """Say in which languages one of two models is better by more than chance."""
    from listening import evaluation, scoring  # noqa: PLC0415 - numpy

    examples = _examples(file, opened(context).language)
    guesses = [
        _probabilities(_scored(scoring.load(name), examples.texts)).argmax(1)
        for name in (first, second)
    ]
    found = {
        name: evaluation.compare(guesses[0][at], guesses[1][at], examples.truth[at])
        for name, at in examples.groups.items()
    }
    if as_json:
        rows = {name: one.as_json() for name, one in found.items()}
        output.as_json({"first": first, "second": second, "languages": rows})
        return
    output.say(f"{'':6}{'n':>7}  {'A':>5}  {'B':>5}  B - A, 95 % interval")
    for name, one in found.items():
        low, high = one.interval
        better = ("B is better" if one.difference > 0 else "A is better") if one.p < SURE else ""
        output.say(
            f"{name:6}{one.n:>7,}  {one.first:>5}  {one.second:>5}  "
            f"{one.difference:+5.1f} ({low:+.1f} to {high:+.1f})  p {one.p:.3f}  {better}".rstrip()
        )


def _examples(file: str, language: Callable[[Row], str]) -> Examples:
    """Raises ConfigError where there is none; lines that cannot be read are told and left out."""
    from listening import evaluation  # noqa: PLC0415 - numpy

    texts: list[str] = []
    labels: list[str] = []
    unread = 0
    groups: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(lines.read(file), 1):
        try:
            label = _label(row)
        except ValueError as error:
            unread += 1
            if unread <= MOST_TOLD:
                output.warn(f"{file}:{number}: {error}")
            continue
        for name in (ALL, row.get("lang") or language(row)):
            groups[name].append(len(texts))
        texts.append(row["text"])
        labels.append(label)
    if unread:
        output.warn(f"{counted(unread, 'line')} of {file} left out")
    if not texts:
        raise ConfigError(f'{file} has no labelled text; write {{"text": "…", "label": "neutral"}}')
    ordered = sorted(groups, key=lambda name: (name != ALL, -len(groups[name]), name))
    return Examples(texts, evaluation.truths(labels), {name: groups[name] for name in ordered})


def _label(row: Row) -> str:
    if "error" in row:
        raise ValueError(row["error"])
    label = row.get("label")
    if label not in LABELS:
        raise ValueError(f"label {label!r} is none of {', '.join(LABELS)}")
    return str(label)


def _scored(scorer: Scorer, texts: Sequence[str]) -> list[Sentiment]:
    found: list[Sentiment] = []
    with output.counting("scored") as progress:
        for start in range(0, len(texts), TOGETHER):
            found += scorer.score(texts[start : start + TOGETHER])
            progress(len(found) - start)
    return found


def _probabilities(found: Sequence[Sentiment]) -> Floats:
    import numpy as np  # noqa: PLC0415 - heavy

    return np.array([[one.negative, one.neutral, one.positive] for one in found])


def _table(model: str, measured: Mapping[str, Measured]) -> None:
    output.say(model)
    output.say(f"{'':6}{'n':>7}  {'macro-F1':18}  {'negative recall':18}  {'ECE':5}  coverage")
    for name, one in measured.items():
        f1, recall = _within(one.macro_f1, one.interval), _within(one.recall, one.recall_interval)
        output.say(
            f"{name:6}{one.n:>7,}  {f1:18}  {recall:18}  {one.ece:.3f}  {one.coverage:6.1f} %"
        )


def _within(value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None or interval is None:
        return "none there"
    return f"{value:5.1f} ({interval[0]:.1f}–{interval[1]:.1f})"


def _draw(path: Path, probabilities: Floats, truth: Ints) -> None:
    from listening import charts, evaluation  # noqa: PLC0415 - numpy, and an extra
    from listening.charts.reliability import chart  # noqa: PLC0415 - likewise

    try:
        path.write_bytes(charts.png(chart(list(evaluation.reliability(probabilities, truth)))))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}; name another") from error
