import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from simplemma.strategies.dictionaries import DefaultDictionaryFactory

from listening.analysis import inflected, stems, tries

WORDS = {"bagāža": b"bagaza", "bagāžas": b"bagaza", "ბანკის": b""}


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LISTENING_CACHE", str(tmp_path / "new" / "cache"))
    return tmp_path / "new" / "cache"


@pytest.fixture
def _forgotten() -> Iterator[None]:
    """What this process has loaded already would hide what a fresh one does."""
    for loaded in (inflected._dictionary, stems._dictionary):
        loaded.cache_clear()
    yield
    for loaded in (inflected._dictionary, stems._dictionary):
        loaded.cache_clear()


class Dictionary:
    def __init__(self) -> None:
        self.built = 0

    def __call__(self) -> Iterator[tuple[str, bytes]]:
        self.built += 1
        return iter(WORDS.items())


def is_whole(name: str = "lv", entries: Dictionary | None = None) -> bool:
    trie = tries.kept(name, entries or Dictionary())
    return trie is not None and {word: trie.get(word)[0] for word in WORDS} == WORDS


def test_a_trie_is_built_once_and_loaded_after(folder: Path) -> None:
    entries = Dictionary()
    assert is_whole(entries=entries)
    assert is_whole(entries=entries)
    assert entries.built == 1
    assert [path.name for path in folder.iterdir()] == ["lv.trie"]


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    return content[:100] + bytes([content[100] ^ 1]) + content[101:]


def foreign(content: bytes) -> bytes:
    return content[:100][::-1] + tries._checksum(content[:100][::-1])


def empty(content: bytes) -> bytes:
    return content[:0]


@pytest.mark.parametrize("spoil", [cut, flipped, foreign, empty])
def test_a_spoilt_file_is_built_again(folder: Path, spoil) -> None:
    assert is_whole()
    content = (folder / "lv.trie").read_bytes()
    (folder / "lv.trie").write_bytes(spoil(content))
    entries = Dictionary()
    assert is_whole(entries=entries)
    assert entries.built == 1
    assert (folder / "lv.trie").read_bytes() == content


def test_a_file_of_other_rules_is_built_again(monkeypatch) -> None:
    entries = Dictionary()
    assert is_whole(entries=entries)
    rules = tries._rules() ^ 1
    monkeypatch.setattr(tries, "_rules", lambda: rules)
    assert is_whole(entries=entries)
    assert entries.built == 2


def test_an_interrupted_build_leaves_nothing_behind(folder: Path) -> None:
    def entries() -> Iterator[tuple[str, bytes]]:
        yield "bagāža", b"bagaza"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tries.kept("lv", entries)
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_builds_nothing(folder: Path) -> None:
    folder.parent.write_text("a file where the folder should be", encoding="utf-8")
    entries = Dictionary()
    assert tries.kept("lv", entries) is None
    assert entries.built == 0


@pytest.mark.usefixtures("_forgotten")
@pytest.mark.parametrize(
    ("language", "word", "stem"), [("lv", "bagāžas", "bagaza"), ("en", "refunded", "refund")]
)
def test_words_have_stems_where_nothing_can_be_written(
    folder: Path, language: str, word: str, stem: str, capfd
) -> None:
    folder.parent.write_text("a file where the folder should be", encoding="utf-8")
    assert stems.stem(word, language) == stem
    assert capfd.readouterr() == ("", "")


def test_without_a_chosen_folder_it_is_the_users_cache(monkeypatch) -> None:
    monkeypatch.delenv("LISTENING_CACHE")
    assert tries._folder().parts[-1:] == ("listening",)


BUSY = """
import sys
from pathlib import Path
from listening.analysis import tries

words = {f"word{n}": b"%d" % n for n in range(3_000)}
for turn in range(40):
    trie = tries.kept("busy", words.items)
    assert trie is not None and dict(trie.items()) == words
    (Path(sys.argv[1]) / "busy.trie").unlink(missing_ok=True)
"""


def test_processes_that_build_at_once_never_read_half_a_file(folder: Path) -> None:
    command = [sys.executable, "-c", BUSY, str(folder)]
    root = Path(tries.__file__).parents[2]
    busy = [subprocess.Popen(command, cwd=root) for _ in range(2)]
    assert [process.wait(60) for process in busy] == [0, 0]
    assert list(folder.iterdir()) == []


def test_a_kept_dictionary_says_what_simplemmas_own_says(cache, monkeypatch) -> None:
    monkeypatch.setenv("LISTENING_CACHE", cache)
    own = DefaultDictionaryFactory(cache_max_size=1).get_dictionary("en")
    kept = stems._dictionary("en")
    assert len(kept) == len(own)
    assert all(kept.get(form) == own.get(form) for form in list(own)[::20])
