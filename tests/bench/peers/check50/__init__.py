"""The checks of lab.py for check50, which runs several at a time: these take turns at port 12000."""

import fcntl
import os
import sys

import check50

sys.path.insert(0, os.environ["PEERS"])
import lab  # noqa: E402


def in_turn(function):
    def turn():
        with open(os.environ["TURNS"], "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                function()
            except Exception as error:  # whatever it is, the check has failed
                raise check50.Failure(f"{type(error).__name__}: {error}") from error
    turn.__name__, turn.__doc__ = function.__name__, function.__doc__
    return check50.check(timeout=120)(turn)


for function in lab.CHECKS:
    globals()[function.__name__] = in_turn(function)
