"""Programmes as data files: read one, and name the line of a fault.

A file is YAML, read by what each place expects and not by what a bare word looks like, so that a country `NO` is
Norway and not false. Tags, anchors and aliases are refused. Nothing here uses the database: `read_all` reads every
file before anything is loaded.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from projects.programme_files.document import (
    ProgrammeFileError,
    choice,
    compose,
    fail,
    one_of,
    quoted,
    record,
    value_of,
)
from projects.programme_files.entries import DonorEntry, PartnerEntry, Programme, definition_digest
from projects.rules import codes_named, digest

__all__ = [
    "FOLDER",
    "Programme",
    "ProgrammeFileError",
    "definition_digest",
    "digest",
    "read_all",
    "read_programme",
]

FOLDER = Path(__file__).resolve().parent.parent / "programmes"


def read_programme(path: Path) -> Programme:
    """Read one file. Raises ProgrammeFileError at the first fault."""
    return _read(path)[0]


def read_all(folder: Path = FOLDER) -> list[Programme]:
    """Read every `*.yaml` of the folder. Raises ProgrammeFileError at the first fault, also between files.

    A phase comes after the programme that it continues, so that they can be loaded in this order.
    """
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise ProgrammeFileError(folder, 1, "at least one programme file (*.yaml)", "none")
    read = [(path, *_read(path)) for path in files]
    _refuse_contradictions(read)
    by_code = {programme.code: programme for _path, programme, _node in read}
    return sorted(by_code.values(), key=lambda programme: (_depth(programme, by_code), programme.code))


def _read(path: Path) -> tuple[Programme, yaml.MappingNode]:
    root = compose(path)
    programme = record(Programme, "a programme")(root)
    assert isinstance(root, yaml.MappingNode)  # `record` refused all else
    _check_references(programme, root)
    return programme, root


def _check_references(programme: Programme, root: yaml.MappingNode) -> None:
    """Check that named services exist, and that the criteria's places are places of the programme."""
    offered = [service.code for service in programme.services]
    partner_nodes = value_of(root, "partners").value
    for partner, node in zip(programme.partners, partner_nodes, strict=True):
        for code in partner.services:
            if code not in offered:
                fail(
                    value_of(node, "services"),
                    one_of("a service of this programme", code, offered),
                    quoted(code),
                )
    if programme.grant is not None and programme.grant.service not in offered:
        code = programme.grant.service
        node = value_of(value_of(root, "grant"), "service")
        fail(node, one_of("a service of this programme", code, offered), quoted(code))
    for fact, listed, what in (
        ("country_of_stay", programme.countries, "countries"),
        ("districts", programme.districts, "districts"),
    ):
        others = sorted(codes_named(programme.criteria, fact) - set(listed))
        if others:
            fail(
                value_of(root, "criteria"), f"criteria on the programme's own {what}", f"{others[0]} as well"
            )


def _refuse_contradictions(read: Sequence[tuple[Path, Programme, yaml.MappingNode]]) -> None:
    """Check files against each other: each programme once, phases of known ones, one name for an organisation."""
    codes = [programme.code for _path, programme, _node in read]
    described: dict[tuple[str, str], tuple[tuple[str, ...], Path]] = {}
    for index, (path, programme, root) in enumerate(read):
        if programme.code in codes[:index]:
            first = read[codes.index(programme.code)][0].name
            fail(value_of(root, "code"), "a code of its own", f"{programme.code}, which {first} has")
        if programme.phase_of is not None:
            others = [code for code in codes if code != programme.code]
            choice("a programme of another file", others)(value_of(root, "phase_of"))
        named: dict[str, Sequence[DonorEntry | PartnerEntry]] = {
            "donors": programme.donors,
            "partners": programme.partners,
        }
        for kind, entries in named.items():
            for entry, node in zip(entries, value_of(root, kind).value, strict=True):
                says = (entry.name_en, entry.name_ne, getattr(entry, "kind", ""))
                known, known_path = described.setdefault((kind, entry.code), (says, path))
                if says != known:
                    fail(
                        node,
                        f"{entry.code} named as in {known_path.name}",
                        f"{says[0]} ({says[1]}) {says[2]}".strip(),
                    )
    _refuse_circles(read)


def _refuse_circles(read: Sequence[tuple[Path, Programme, yaml.MappingNode]]) -> None:
    before = {programme.code: programme.phase_of for _path, programme, _node in read}
    for _path, programme, root in read:
        code, steps = programme.phase_of, 0
        while code is not None:
            code, steps = before[code], steps + 1
            if steps > len(before):
                fail(value_of(root, "phase_of"), "phases that lead to a first one", "a circle")


def _depth(programme: Programme, by_code: Mapping[str, Programme]) -> int:
    """Return how many phases came before this one."""
    return 0 if programme.phase_of is None else 1 + _depth(by_code[programme.phase_of], by_code)
