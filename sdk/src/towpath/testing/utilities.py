"""A harness for tests of flows: their runs leave nothing behind and reach no server."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from towpath.client.telling import flush_all
from towpath.settings import overriding_settings


@contextmanager
def towpath_test_harness() -> Generator[Path]:
    """Within the block, runs use a temporary TOWPATH_HOME and no API; at its end the home is deleted.

    As a pytest fixture for a whole session:

        @pytest.fixture(autouse=True, scope="session")
        def harness():
            with towpath_test_harness():
                yield

    Yields:
        The temporary home.
    """
    with tempfile.TemporaryDirectory(prefix="towpath-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        with overriding_settings(home=home, api_url=None, results_storage=None):
            yield home
        flush_all(timeout=5)


prefect_test_harness = towpath_test_harness
