"""An error names file, line and path, as far as there are any."""

from __future__ import annotations

import pytest

from sweeper.errors import UserError, render_address


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (UserError("wrong"), "wrong"),
        (UserError("wrong", "g.yaml"), "g.yaml: wrong"),
        (UserError("wrong", "g.yaml", 7, "trials[0].sigma"), "g.yaml:7: trials[0].sigma: wrong"),
        (UserError("wrong", path="seeds"), "seeds: wrong"),
    ],
)
def test_an_error_says_where(error: UserError, text: str) -> None:
    assert str(error) == text


def test_addresses_read_like_paths() -> None:
    assert render_address(("trials", 3, "data", "dims", 0)) == "trials[3].data.dims[0]"
    assert render_address(()) == ""
