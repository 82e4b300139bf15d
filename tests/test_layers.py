import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "listening"

# A module may import those of its own layer and of layers above it in this list.
LAYERS = (
    ("__init__",),
    ("errors",),
    ("tree",),
    ("records",),
    ("http",),
    ("protocols",),
    ("language",),
    ("analysis",),
    ("query",),
    ("match",),
    ("sources",),
    ("normalise",),
    ("scoring",),
    ("stores",),
    ("pipeline", "erasure", "trial"),
    ("views",),
    ("evaluation",),
    ("report",),
    ("charts",),
    ("alerts", "desk"),
    ("settings",),
    ("keys", "rulebook", "status"),
    ("alerting",),
    ("app",),
    ("terminal",),
    ("digest",),
    ("cli", "web"),
)
HEAVY = {"torch", "transformers", "onnxruntime", "tweepy", "feedparser", "py3langid", "tokenizers"}
SLOW = HEAVY | {
    "simplemma",
    "marisa_trie",
    "httpx",
    "numpy",
    "pydantic",
    "rich",
    "fastapi",
    "jinja2",
}


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def imports(path: Path) -> set[str]:
    """Full names of what a file imports, those for type checking only included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def layer(name: str) -> int:
    top = name.split(".", maxsplit=1)[0]
    return next(number for number, names in enumerate(LAYERS) if top in names)


def ours(name: str) -> str | None:
    inside = name.removeprefix("listening.")
    return (
        inside
        if inside != name and inside.split(".")[0] in {n for g in LAYERS for n in g}
        else None
    )


def test_every_module_has_a_layer():
    unplaced = [
        name for name in modules() if name.split(".")[0] not in {n for g in LAYERS for n in g}
    ]

    assert unplaced == []


def test_imports_go_one_way():
    upward = [
        f"{name} imports {target}"
        for name, path in modules().items()
        for target in map(ours, imports(path))
        if target and layer(target) > layer(name)
    ]

    assert upward == []


def test_views_touch_no_store():
    offenders = [
        f"{name} imports {target}"
        for name, path in modules().items()
        if name.startswith("views.")
        for target in map(ours, imports(path))
        if target and target.split(".")[0] in {"stores", "sources", "http", "protocols"}
    ]

    assert offenders == []


def test_heavy_libraries_are_imported_where_used():
    offenders = [
        f"{name} imports {line.split()[1]}"
        for name, path in modules().items()
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith(("import ", "from ")) and line.split()[1].split(".")[0] in HEAVY
    ]

    assert offenders == []


def test_the_command_line_starts_without_the_libraries_that_are_slow_to_load():
    code = (
        "import sys; import listening.cli.main;"
        f" sys.exit(' '.join(name for name in {sorted(SLOW)} if name in sys.modules) or 0)"
    )
    started = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        check=False,
        text=True,
    )

    assert (started.stderr.strip(), started.returncode) == ("", 0)


def test_files_stay_under_400_lines():
    long = [
        name for name, path in modules().items() if len(path.read_text("utf-8").splitlines()) > 400
    ]

    assert long == []
