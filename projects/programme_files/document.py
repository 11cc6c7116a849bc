"""A programme file as YAML nodes with line numbers, and readers for its values."""

import dataclasses
import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args, get_type_hints

import yaml

LARGEST_FILE = 500_000  # bytes
DEEPEST = 24  # levels of nesting
FEW = 13  # choices that a message lists in full
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_DIGITS = re.compile(r"[0-9]{1,12}")

T = TypeVar("T")
Reader = Callable[[yaml.Node], Any]


class ProgrammeFileError(ValueError):
    """A file that can't be loaded. As text: `path:line: expected …, found …`."""

    def __init__(self, path: Path, line: int, expected: str, found: str) -> None:
        super().__init__(f"{path}:{line}: expected {expected}, found {found}")
        self.path, self.line, self.expected, self.found = path, line, expected, found


def fail(node: yaml.Node, expected: str, found: str) -> NoReturn:
    """Raise ProgrammeFileError at the line of this node."""
    raise ProgrammeFileError(Path(node.start_mark.name), node.start_mark.line + 1, expected, found)


def scalar(node: yaml.Node, expected: str) -> str:
    """Return the characters as written, whatever YAML would make of them."""
    if not isinstance(node, yaml.ScalarNode):
        fail(node, expected, described(node))
    if not node.value.strip() or (node.style is None and node.tag.endswith(":null")):
        fail(node, expected, "nothing")
    return node.value.strip()


def text(most: int) -> Reader:
    """Return a reader of text of at most `most` characters."""

    def read(node: yaml.Node) -> str:
        value = scalar(node, "text")
        if len(value) > most:
            fail(node, f"at most {most} characters", f"{len(value)}")
        return " ".join(value.split())

    return read


def code(most: int = 40) -> Reader:
    """Return a reader of codes of at most `most` characters."""

    def read(node: yaml.Node) -> str:
        value = scalar(node, "a code")
        if not _CODE.fullmatch(value) or len(value) > most:
            fail(node, f"a code of at most {most} letters, digits, - and _", quoted(value))
        return value

    return read


def choice(what: str, choices: Sequence[str] | Mapping[str, Any]) -> Reader:
    """Return a reader of one of these codes."""

    def read(node: yaml.Node) -> str:
        value = scalar(node, what)
        if value not in choices:
            fail(node, one_of(what, value, choices), quoted(value))
        return value

    return read


def number(what: str, least: int, most: int) -> Reader:
    """Return a reader of a whole number from `least` to `most`."""

    def read(node: yaml.Node) -> int:
        value = scalar(node, what)
        if not _DIGITS.fullmatch(value) or not least <= int(value) <= most:
            fail(node, f"{what} from {least} to {most}", quoted(value))
        return int(value)

    return read


def truth(node: yaml.Node) -> bool:
    """Read true or false."""
    value = scalar(node, "true or false")
    if value not in ("true", "false"):
        fail(node, "true or false", quoted(value))
    return value == "true"


def day(node: yaml.Node) -> date:
    """Read a date in ISO 8601."""
    value = scalar(node, "a date such as 2015-01-31")
    try:
        found = date.fromisoformat(value)
    except ValueError:
        fail(node, "a date such as 2015-01-31", quoted(value))
    if found.isoformat() != value:
        fail(node, "a date such as 2015-01-31", quoted(value))
    return found


def listing(item: Callable[[yaml.Node], T], what: str, *, empty: bool = False, key: str = "") -> Reader:
    """Return a reader of a list whose items, or whose items' `key`, all differ."""

    def read(node: yaml.Node) -> tuple[T, ...]:
        if not isinstance(node, yaml.SequenceNode):
            fail(node, f"a list of {what}", described(node))
        if not node.value and not empty:
            fail(node, f"at least one in the list of {what}", "none")
        items: list[T] = []
        seen: set[Any] = set()
        for child in node.value:
            value = item(child)
            name = getattr(value, key) if key else value
            if name in seen:
                fail(child, f"each of the {what} once", f"{quoted(str(name))} twice")
            seen.add(name)
            items.append(value)
        return tuple(items)

    return read


def keys(node: yaml.Node, known: Sequence[str], required: Sequence[str], what: str) -> dict[str, yaml.Node]:
    """Return a mapping's nodes by key; refuse unknown, repeated and missing keys."""
    if not isinstance(node, yaml.MappingNode):
        fail(node, f"{what}: {', '.join(required) or ', '.join(known)}", described(node))
    found: dict[str, yaml.Node] = {}
    for key_node, value in node.value:
        key = scalar(key_node, f"a key of {what}")
        if key not in known:
            fail(key_node, one_of(f"a key of {what}", key, known), quoted(key))
        if key in found:
            fail(key_node, f"{quoted(key)} once in {what}", "it twice")
        found[key] = value
    missing = [key for key in required if key not in found]
    if missing:
        fail(node, f"{quoted(missing[0])} in {what}", f"only {', '.join(found) or 'nothing'}")
    return found


def record(dataclass_: type[T], what: str) -> Callable[[yaml.Node], T]:
    """Return a reader of a mapping into a dataclass, by the reader in each field's annotation.

    Fields without a default are required.
    """
    hints = get_type_hints(dataclass_, include_extras=True)
    readers = {name: _reader_of(hint) for name, hint in hints.items()}
    required = [
        field.name
        for field in dataclasses.fields(dataclass_)  # type: ignore[arg-type]
        if field.default is dataclasses.MISSING
    ]

    def read(node: yaml.Node) -> T:
        nodes = keys(node, list(readers), required, what)
        return dataclass_(**{key: readers[key](child) for key, child in nodes.items()})

    return read


def _reader_of(hint: Any) -> Reader:
    """Return the reader in an annotation, which may be optional."""
    return next(part.__metadata__[0] for part in (hint, *get_args(hint)) if hasattr(part, "__metadata__"))


def compose(path: Path) -> yaml.Node:
    """Return the file's one document as nodes: plain YAML only, of limited size and depth."""
    raw = path.read_bytes()
    if len(raw) > LARGEST_FILE:
        raise ProgrammeFileError(path, 1, f"at most {LARGEST_FILE} bytes", str(len(raw)))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ProgrammeFileError(path, line, "UTF-8 text", f"the byte 0x{raw[error.start]:02x}") from error
    try:
        _refuse_fancy_yaml(path, text)
        root = yaml.compose(named(text, path), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ProgrammeFileError(path, line, "well-formed YAML", error.problem or str(error)) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ProgrammeFileError(
            path, line, "text", f"the character U+{ord(text[error.position]):04X}"
        ) from error
    if root is None:
        raise ProgrammeFileError(path, 1, "a programme", "an empty file")
    return root


def named(text: str, path: Path) -> io.StringIO:
    """Return the text as a file of this name: its nodes know where they are from."""
    file = io.StringIO(text)
    file.name = str(path)  # type: ignore[attr-defined]
    return file


def _refuse_fancy_yaml(path: Path, text: str) -> None:
    """Refuse anchors, tags and deep nesting, which let a short file become a large one, before nodes are built."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor is not None:
            raise ProgrammeFileError(path, line, "values written out", f"the anchor or alias {anchor}")
        if tag is not None:
            raise ProgrammeFileError(path, line, "plain values", f"the tag {tag}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise ProgrammeFileError(path, line, f"at most {DEEPEST} levels", "more")


def value_of(node: yaml.Node, key: str) -> yaml.Node:
    """Return the value of a key of a mapping node."""
    return next(value for key_node, value in node.value if key_node.value == key)


def described(node: yaml.Node) -> str:
    """Return what a node is, for a message."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list" if node.value else "an empty list"
    return quoted(node.value) if node.value else "nothing"


def quoted(value: str) -> str:
    """Return a text for a message: on one line, cut."""
    line = " ".join(value.split())
    return f"'{line[:60]}…'" if len(line) > 60 else f"'{line}'"


def one_of(what: str, value: str, choices: Sequence[str] | Mapping[str, Any]) -> str:
    """Return what was expected, with the most similar choices by code or (places) by name; else all, where few."""
    codes = list(choices)
    near = get_close_matches(value[:60], codes, n=3)
    if isinstance(choices, Mapping):
        by_name = {str(label): code for code, label in choices.items()}
        near += [f"{by_name[name]} ({name})" for name in get_close_matches(value[:60], by_name, n=2)]
    if near:
        return f"{what} (near it: {', '.join(near)})"
    return what + (f" ({', '.join(codes)})" if 0 < len(codes) <= FEW else "")
