"""What the machine does beside the grading."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

PROCESSORS = os.cpu_count() or 1
# Processes below a worker that are the grader's own: it, and its sandbox.
OURS = {"grading-worker", "bwrap", "sockspec"}


@contextmanager
def busy(loops):
    """Keeps processors busy with so many endless loops."""
    spin = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(spin) for _ in range(loops)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def table():
    """Of each process: its parent, its name, its state."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                head, rest = (folder / "stat").read_text(errors="replace").rsplit(")", 1)
            except OSError:
                continue
            state, parent = rest.split()[:2]
            found[int(folder.name)] = (int(parent), head.split("(", 1)[1], state)
    return found


def students(graders):
    """The processes of students' programs below these graders, apart from those that are stopped already."""
    known = table()
    children = {}
    for pid, (parent, _, _) in known.items():
        children.setdefault(parent, []).append(pid)
    found, todo = [], [(pid, False) for pid in graders]
    while todo:
        pid, below_worker = todo.pop()
        name, state = known.get(pid, (0, "", ""))[1:]
        if below_worker and name not in OURS and state not in "TtZX":
            found.append(pid)
        todo += [(child, below_worker or name == "grading-worker") for child in children.get(pid, [])]
    return sorted(found)


class Pauses(threading.Thread):
    """Pauses one student's program after the other, for as long as this is entered."""

    def __init__(self, seed, graders):
        super().__init__(daemon=True)
        self.chance, self.graders, self.over, self.made = random.Random(seed), graders, threading.Event(), 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()

    def run(self):
        while not self.over.wait(self.chance.uniform(0.01, 0.2)):
            there = students(self.graders())
            if there:
                self.pause(self.chance.choice(there), self.chance.uniform(0.01, 0.4))

    def pause(self, pid, seconds):
        """By a descriptor, so that nobody is hit who has got the number since."""
        try:
            process = os.pidfd_open(pid)
        except OSError:
            return
        try:
            if pid in students(self.graders()):
                signal.pidfd_send_signal(process, signal.SIGSTOP)
                self.made += 1
                time.sleep(seconds)
                signal.pidfd_send_signal(process, signal.SIGCONT)
        except OSError:
            # It was ended meanwhile.
            pass
        finally:
            os.close(process)


def lowest_priority():
    """For a grader that is about to begin."""
    os.nice(19)
