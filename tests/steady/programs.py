"""What is graded: the programs of fixtures/, each with the arguments of its grading, in a mixed order."""

import random
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
ROLES = ["udp-server", "udp-client", "tcp-server", "tcp-client"]


@dataclass(frozen=True)
class Program:
    """A submission: a folder, or one file of a known role."""

    name: str
    arguments: tuple


def header(path, key):
    """A value from the comment at the head of a fixture."""
    for line in path.read_text(errors="replace").splitlines():
        if not line.startswith("#"):
            return None
        if line.startswith(f"# {key}:"):
            return line.split(":", 1)[1].strip()
    return None


def one(path, role):
    """A file that is one program, graded as its header says (see tests/fixtures.rs)."""
    arguments = ["--role", role, "--dialect", header(path, "dialect") or "python"]
    only = header(path, "only")
    if only:
        arguments += ["--only", only]
    return Program(str(path.relative_to(FIXTURES)), (*arguments, str(path)))


def by_role(folder):
    """A list for each role."""
    return [[one(path, role) for path in sorted((FIXTURES / folder / role).glob("*.py"))] for role in ROLES]


def folders(folder):
    """Whole submissions."""
    paths = sorted(path for path in (FIXTURES / folder).iterdir() if path.is_dir())
    return [Program(str(path.relative_to(FIXTURES)), (str(path),)) for path in paths]


def in_order(seed, only):
    """All programs, such that every beginning of the list has some of each kind."""
    kinds = [*by_role("mutants"), *by_role("odd/python")]
    kinds += [folders(name) for name in ("reference", "textbook", "mute", "field", "field")]
    kinds[-2], kinds[-1] = kinds[-1][0::2], kinds[-1][1::2]
    chance = random.Random(seed)
    placed = []
    for number, kind in enumerate(kinds):
        kind = [program for program in kind if only in program.name]
        chance.shuffle(kind)
        placed += [(place, number, program) for place, program in enumerate(kind)]
    return [program for _, _, program in sorted(placed, key=lambda one: one[:2])]
