"""The run-time type checker of the tests: beartype, with ints where floats are expected."""

from beartype import BeartypeConf, beartype

__all__ = ["check"]

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
