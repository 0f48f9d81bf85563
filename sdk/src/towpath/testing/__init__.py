"""For tests of flows: `with towpath_test_harness(): my_flow()`."""

from towpath.testing.utilities import towpath_test_harness

__all__ = ["towpath_test_harness"]
