"""The checks of lab.py for pytest."""

import lab
import pytest


@pytest.mark.parametrize("check", lab.CHECKS, ids=lambda check: check.__name__)
def test(check):
    check()
