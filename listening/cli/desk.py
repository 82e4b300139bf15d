"""The commands for what people keep: saved searches, and labels that they gave."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from listening.cli import output
from listening.cli.desk_shapes import labelled_shape, saved_shape
from listening.cli.options import Json, reading
from listening.desk import Saved, disagreements, labelled

searches = typer.Typer(help="Keep searches under a name.", no_args_is_help=True)
labels = typer.Typer(help="Labels that people gave instead of the model's.", no_args_is_help=True)


@labels.callback()
def _of_labels() -> None:
    """Labels that people gave instead of the model's."""


Name = Annotated[str, typer.Argument(metavar="NAME")]
By = Annotated[str | None, typer.Option(metavar="PERSON", help="Whose it is; else yours.")]


@searches.command("list")
def list_(context: typer.Context, *, as_json: Json = False) -> None:
    """All saved searches, by name."""
    found = reading(context).searches.all()
    if as_json:
        output.as_json([saved_shape(saved) for saved in found])
        return
    for saved in found:
        output.say(_said(saved))
    if not found:
        output.say("There are none; save one: listening searches save NAME QUERY")


@searches.command()
def save(
    context: typer.Context,
    name: Name,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="In the query language.")],
    *,
    by: By = None,
    own: Annotated[bool, typer.Option("--own", help="List it only for that person.")] = False,
    as_json: Json = False,
) -> None:
    """Save a query, for use in others as saved:"NAME"."""
    by = by or getpass.getuser()
    saved = reading(context).searches.save(name, query, by=by, shared=not own)
    output.as_json(saved_shape(saved)) if as_json else output.say(f"Saved {_said(saved)}")


@searches.command()
def remove(context: typer.Context, name: Name, *, as_json: Json = False) -> None:
    """Remove a saved search, whosever it is."""
    saved = reading(context).searches.remove(name)
    output.as_json(saved_shape(saved)) if as_json else output.say(f"Removed {_said(saved)}")


def _said(saved: Saved) -> str:
    own = "" if saved.shared else ", own"
    return f"{saved.name}: {saved.query} ({saved.by}{own})"


@labels.command()
def export(
    context: typer.Context,
    *,
    wrong: Annotated[
        bool, typer.Option("--disagreements", help="Only where the model said otherwise.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print labelled texts as JSON lines, for training.

    Each has text, label and lang, and where it is from; with --json too.
    """
    del as_json  # they are lines of JSON in any case
    store = reading(context).store
    for one in disagreements(store) if wrong else labelled(store):
        shape = labelled_shape(one)
        first = {name: shape.pop(key) for name, key in _TRAINED}
        output.as_json(first | shape)


_TRAINED = (("text", "text"), ("label", "label"), ("lang", "language"))
