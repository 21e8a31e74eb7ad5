"""Grades folders many times, idle and under load; see `run`, which calls this."""

import argparse
import difflib
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ["textbook/python", "reference/python", "mute/python", "mute/sleepers"]
# What may differ between two runs: when it was, how long it took, how many events that made, and
# which ports the system chose.
TIMES = {"graded_at", "milliseconds", "event"}
CHOSEN_PORT = re.compile(r"(?<=:)[3-6]\d{4}\b")
# A run that takes longer hangs.
PATIENCE = 300


def without_times(value):
    """The report without what may differ."""
    if isinstance(value, dict):
        return {key: without_times(one) for key, one in value.items() if key not in TIMES}
    if isinstance(value, list):
        return [without_times(one) for one in value]
    if isinstance(value, str):
        return CHOSEN_PORT.sub("PORT", value)
    return value


def verdicts(report):
    """The verdicts alone, a line each."""
    lines = []
    for submission in report["submissions"]:
        for program in submission["programs"]:
            for one in program["requirements"]:
                lines.append(f"{program['role']} {one['id']} {one['verdict']} {one.get('cause') or ''}".rstrip())
        lines.append(f"score {submission['score']} of {submission['max_score']}")
    return lines


def grade(binary, folder):
    """One run: seconds, exit status, the report."""
    begun = time.perf_counter()
    done = subprocess.run(
        [binary, "check", folder, "--report", "json"],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False,
    )
    seconds = time.perf_counter() - begun
    try:
        return seconds, done.returncode, json.loads(done.stdout)
    except json.JSONDecodeError:
        sys.exit(f"{folder}: no report, exit status {done.returncode}\n{done.stderr.decode(errors='replace')}")


class Busy:
    """Keeps so many cores busy."""

    def __init__(self, loops):
        self.loops = loops
        self.processes = []

    def __enter__(self):
        spin = [sys.executable, "-c", "while True: pass"]
        self.processes = [subprocess.Popen(spin) for _ in range(self.loops)]

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


def differences(first, report):
    """How the verdicts differ, or else what else does."""
    for view in (verdicts, lambda one: json.dumps(without_times(one), indent=1).splitlines()):
        lines = [line for line in difflib.unified_diff(view(first), view(report), "first run", "this run", "", "", 0)]
        if lines:
            return view is verdicts, lines
    return False, []


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help=f"default: {', '.join(FOLDERS)} in fixtures/")
    parser.add_argument("--runs", type=int, default=25, help="runs idle, and as many busy (default 25)")
    parser.add_argument("--binary", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--busy", type=int, default=os.cpu_count(), help="busy loops (default: one a core)")
    arguments = parser.parse_args()
    binary = str(Path(arguments.binary).resolve())
    folders = [str(Path(one).resolve()) for one in arguments.folders] or [f"fixtures/{one}" for one in FOLDERS]

    wavered, reworded = 0, 0
    first = {}
    print(f"{arguments.runs} runs each, {os.cpu_count()} cores; seconds of wall time")
    print(f"{'folder':<28} {'load':<6} {'min':>7} {'median':>7} {'max':>7}  verdicts")
    for load in ("idle", "busy"):
        with Busy(arguments.busy if load == "busy" else 0):
            for folder in folders:
                times, notes, differing, other = [], [], 0, 0
                for run in range(arguments.runs):
                    seconds, status, report = grade(binary, folder)
                    times.append(seconds)
                    if folder not in first:
                        first[folder] = (status, report)
                        continue
                    of_verdicts, lines = differences(first[folder][1], report)
                    if status != first[folder][0]:
                        of_verdicts = True
                        lines.append(f"exit status {status}, was {first[folder][0]}")
                    if of_verdicts:
                        differing += 1
                    elif lines:
                        other += 1
                    if lines and len(notes) < 3:
                        notes.append(f"  run {run + 1}:\n" + "\n".join(f"    {line}" for line in lines[:12]))
                said = f"{differing} DIFFER" if differing else "equal"
                said += f" (other words in {other})" if other else ""
                name = folder.removeprefix("fixtures/")
                figures = f"{min(times):7.2f} {statistics.median(times):7.2f} {max(times):7.2f}"
                print(f"{name:<28} {load:<6} {figures}  {said}", flush=True)
                for note in notes:
                    print(note, flush=True)
                wavered += differing
                reworded += other
    if wavered:
        print(f"{wavered} runs had other verdicts than the first one.")
        sys.exit(1)
    print("All verdicts are equal." + (f" {reworded} runs said something else otherwise." if reworded else ""))


if __name__ == "__main__":
    main()
