"""What the tests of `sweeper` have, too."""

from tests.sweeper.conftest import shapes_unchecked

__all__ = ["shapes_unchecked"]
