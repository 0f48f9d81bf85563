"""A flow of N trivial tasks, called in sequence or submitted to threads. Prints its seconds as JSON.

python tasks.py towpath called 300
"""

import importlib
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
flush = importlib.import_module("flushing").flush


def main(module: str, mode: str, count: int) -> None:
    """Runs a flow of one task first, so that connections and imports are not what is measured."""
    library = importlib.import_module(module)

    @library.task
    def nothing(number: int) -> int:
        return number

    @library.flow(name="warm-up")
    def warm_up() -> None:
        nothing(0)
        nothing.submit(0).result()

    @library.flow(name="called")
    def called(n: int) -> None:
        for number in range(n):
            nothing(number)

    @library.flow(name="submitted")
    def submitted(n: int) -> None:
        futures = [nothing.submit(number) for number in range(n)]
        for future in futures:
            future.result()

    warm_up()
    flush(module)
    begin = time.perf_counter()
    {"called": called, "submitted": submitted}[mode](count)
    returned = time.perf_counter()
    flush(module)
    print(json.dumps({"flow": returned - begin, "flushed": time.perf_counter() - begin}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
