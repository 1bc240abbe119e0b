"""What the tests of `sweeper` have, too."""

from tests.sweeper.conftest import blank_store, ready_store, shapes_unchecked

__all__ = ["blank_store", "ready_store", "shapes_unchecked"]
