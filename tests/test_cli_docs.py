import json
import re
import shlex
from pathlib import Path
from typing import Any

from tests.cli_support import ROOT

BLOCKS = re.findall(
    r"```(\w+)(?: ([\w.]+))?\n(.*?)```", (ROOT / "docs/json.md").read_text("utf-8"), re.DOTALL
)


def shape(value: Any) -> Any:
    """Keys and types; of a list the first entry."""
    match value:
        case dict():
            return {key: shape(entry) for key, entry in value.items()}
        case list():
            return [shape(value[0])] if value else []
        case bool() | None | str():
            return type(value).__name__
    return "number"


def alike(example: Any, real: Any) -> bool:
    if isinstance(example, dict) and isinstance(real, dict):
        return not example or (
            example.keys() == real.keys() and all(alike(example[k], real[k]) for k in example)
        )
    if isinstance(example, list) and isinstance(real, list):
        return not example or not real or alike(example[0], real[0])
    return example == real or "NoneType" in (example, real)


def values(text: str) -> list[Any]:
    decoder, found = json.JSONDecoder(), []
    while text := text.strip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def test_every_example_of_the_documentation_is_what_the_program_prints(listening, demo):
    for name, content in [(name, text) for _, name, text in BLOCKS if name]:
        Path(name).write_text(content, "utf-8")
    for file in (demo[0], demo[0].with_name(demo[0].name + ".key")):
        Path(f"listening-{file.name}").write_bytes(file.read_bytes())

    for example in [text for language, _, text in BLOCKS if language == "console"]:
        command, printed = example.split("\n", 1)
        real = listening(*shlex.split(command)[2:])

        documented = [shape(value) for value in values(printed)]
        found = [shape(row) for row in real.rows][: len(documented)]
        assert all(map(alike, documented, found)), (command, documented, found)
        assert len(documented) <= len(real.rows), command
