"""Grades programs again and again while the machine does this and that; see `run`, which calls this."""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

from conditions import PROCESSORS, Pauses, busy, lowest_priority
from programs import ROOT, in_order

# How many gradings are made at once. That of a program which is the first must be alone.
CONDITIONS = {"idle": 1, "together": 2 * PROCESSORS, "busy": PROCESSORS, "nice": PROCESSORS, "paused": PROCESSORS}
# A grading that takes longer hangs.
PATIENCE = 900
# How long one condition lasts before the next, in seconds.
SLICE = 30


def verdicts(report):
    """What must not differ: the programs that were found, and each requirement's verdict."""
    found = {}
    for submission in report["submissions"]:
        found["score"] = f"{submission['score']} of {submission['max_score']}, status {submission['status']}"
        for program in submission["programs"]:
            place = f"{program['role']} {program['path']} ({program['dialect']})"
            for one in program["requirements"]:
                found[f"{place} {one['id']}"] = f"{one['verdict']} {one['blocked_by'] or one['reason'] or ''}".rstrip()
    return found


def causes(report):
    """What failures were put down to."""
    of = [program for submission in report["submissions"] for program in submission["programs"]]
    return {f"{program['role']} {one['id']}": one["cause"] for program in of for one in program["requirements"]}


class Run:
    """All gradings of one run."""

    def __init__(self, arguments):
        self.arguments, self.binary = arguments, str(Path(arguments.binary).resolve())
        self.programs = in_order(arguments.seed, arguments.only)
        self.folder = Path(tempfile.mkdtemp(prefix="sockspec-steady-"))
        self.first, self.made, self.left_out = {}, {name: Counter() for name in CONDITIONS}, set()
        self.differing, self.worded, self.pauses = Counter(), Counter(), 0
        self.lock, self.graders = threading.Lock(), {}
        self.end = time.monotonic() + arguments.seconds if arguments.seconds else None

    def over(self):
        """Whether there is nothing left to do, or no time."""
        if self.end:
            return time.monotonic() >= self.end
        return all(self.wanted(condition) is None for condition in CONDITIONS)

    def wanted(self, condition):
        """The program that was graded least under a condition; under all but the first, of those that are known."""
        there = self.programs if condition == "idle" else [one for one in self.programs if one in self.first]
        there = [one for one in there if one not in self.left_out]
        least = min(there, key=lambda one: self.made[condition][one], default=None)
        enough = self.arguments.times
        return None if least is None or enough and self.made[condition][least] >= enough else least

    def grade(self, program, condition):
        """One grading: its report and its record; without a report, why there is none."""
        record = self.folder / f"{threading.get_ident()}.json"
        command = [self.binary, "check", *program.arguments, "--report", "json", "--record", str(record)]
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=lowest_priority if condition == "nice" else None,
        )
        self.graders[process.pid] = process
        try:
            out, err = process.communicate(timeout=PATIENCE)
            return json.loads(out), record
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return f"no end within {PATIENCE} seconds", record
        except json.JSONDecodeError:
            return f"no report, exit status {process.returncode}: {err.decode(errors='replace')}", record
        finally:
            del self.graders[process.pid]

    def worker(self, condition, until):
        """Grades until a condition is over."""
        while time.monotonic() < until and not (self.end and time.monotonic() >= self.end):
            with self.lock:
                program = self.wanted(condition)
                if program is None:
                    return
                self.made[condition][program] += 1
            report, record = self.grade(program, condition)
            with self.lock:
                self.judge(program, condition, report, record)

    def judge(self, program, condition, report, record):
        """Compares a grading with the first one of its program."""
        if isinstance(report, str):
            return self.differs(program, condition, [report], record)
        now, cause = verdicts(report), causes(report)
        if program not in self.first:
            unable = [one for one in now.values() if "programs cannot be" in one]
            if unable and os.environ.get("CI") and "python2" not in str(program):
                # There all is installed that Debian has.
                return self.differs(program, condition, unable[:1], record)
            if unable:
                self.left_out.add(program)
                del self.made[condition][program]
                print(f"{program.name}: not tried: {unable[0]}", flush=True)
                return None
            # The machine's fault is never right.
            ours = [f"{what}: {verdict}" for what, verdict in now.items() if verdict.startswith("ungraded")]
            if ours:
                self.differs(program, condition, ours, record)
            self.first[program] = (now, cause)
            shutil.move(record, self.kept(program, "first"))
            return None
        before, cause_before = self.first[program]
        lines = [
            f"{what}: {now.get(what)}, first was {before.get(what)}"
            for what in sorted({*now, *before}) if now.get(what) != before.get(what)
        ]
        if lines:
            return self.differs(program, condition, lines, record)
        if cause != cause_before:
            self.worded[condition] += 1
            if self.arguments.causes:
                changed = [f"{one}: {cause[one]}, was {cause_before.get(one)}" for one in cause if cause[one] != cause_before.get(one)]
                print(f"{program.name}, {condition}: other words: {'; '.join(changed)}", flush=True)
        return None

    def differs(self, program, condition, lines, record):
        """Says what differs, and keeps the record."""
        self.differing[condition] += 1
        kept = self.kept(program, f"{condition}-{self.made[condition][program]}")
        if record.exists():
            shutil.move(record, kept)
        print(f"{program.name}, {condition}: DIFFERS; record in {kept}", flush=True)
        for line in lines:
            print(f"    {line}", flush=True)

    def kept(self, program, which):
        """Where a record is kept."""
        return self.folder / f"{program.name.replace('/', '-')}.{which}.json"

    def during(self, condition, seed):
        """What the machine does under a condition."""
        if condition == "busy":
            return busy(4 * PROCESSORS)
        if condition == "nice":
            # Against the lowest priority one loop has a processor to itself; against one on each, nothing would move.
            return busy(max(1, PROCESSORS // 2))
        if condition == "paused":
            return Pauses(seed, lambda: list(self.graders))
        return nullcontext()

    def go(self):
        """Goes through the conditions in turn until all is done."""
        chance = random.Random(self.arguments.seed)
        slice_ = min(SLICE, self.arguments.seconds / len(CONDITIONS)) if self.end else SLICE
        while not self.over():
            for condition, at_once in CONDITIONS.items():
                until = time.monotonic() + slice_
                with self.during(condition, chance.random()) as doing:
                    threads = [threading.Thread(target=self.worker, args=(condition, until)) for _ in range(at_once)]
                    for thread in threads:
                        thread.start()
                    for thread in threads:
                        thread.join()
                self.pauses += getattr(doing, "made", 0)
        return self.tell()

    def tell(self):
        """The figures; whether all is well."""
        total, differing = sum(sum(made.values()) for made in self.made.values()), sum(self.differing.values())
        print(f"\n{'condition':<10} {'at once':>7} {'programs':>8} {'gradings':>8} {'differ':>6} {'other cause':>11}")
        for condition, made in self.made.items():
            figures = f"{sum(made.values()):>8} {self.differing[condition]:>6} {self.worded[condition]:>11}"
            print(f"{condition:<10} {CONDITIONS[condition]:>7} {sum(1 for one in made.values() if one):>8} {figures}")
        print(f"{total:,} gradings of {len(self.first)} programs ({len(self.programs)} there are), {self.pauses:,} pauses, "
              f"{differing} differences; seed {self.arguments.seed}")
        if self.arguments.json:
            by = {name: {"gradings": sum(made.values()), "differences": self.differing[name]} for name, made in self.made.items()}
            whole = {"gradings": total, "differences": differing, "seed": self.arguments.seed, "conditions": by}
            Path(self.arguments.json).write_text(json.dumps(whole, indent=1) + "\n")
        untouched = [condition for condition, made in self.made.items() if not sum(made.values())]
        if untouched:
            print(f"Nothing was graded under: {', '.join(untouched)}")
        if differing:
            print(f"The records are in {self.folder}; `sockspec judge FILE` shows them.")
        else:
            shutil.rmtree(self.folder)
        return not differing and not untouched


def usual_seed():
    """The same for the same commit, so that what CI finds is found again."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return int(head.stdout.strip()[:8] or "1", 16)


def main():
    """Reads the arguments."""
    parser = argparse.ArgumentParser(prog="tests/steady/run", description=__doc__)
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument("--for", dest="seconds", type=float, help="grade for so many seconds (default 200)")
    how_long.add_argument("--times", type=int, help="grade every program so often under every condition")
    parser.add_argument("--only", default="", help="programs whose name (tcp-server/spins.py) has this text in it")
    parser.add_argument("--seed", type=int, default=None, help="of the order (default: the commit's)")
    parser.add_argument("--causes", action="store_true", help="show too where a failure was put down to another cause")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--binary", required=True, help="the grader (default: built from the sources)")
    arguments = parser.parse_args()
    if not arguments.times and not arguments.seconds:
        arguments.seconds = 200
    if arguments.seed is None:
        arguments.seed = usual_seed()
    os.environ.pop("SOCKSPEC_NETWORK", None)
    sys.exit(0 if Run(arguments).go() else 1)


if __name__ == "__main__":
    main()
