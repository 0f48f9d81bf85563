"""A flow of COUNT tasks that each compute fib(N) by plain recursion; with `bare` for the module, no library at all.

python fibonacci.py prefect 40 10
"""

import importlib
import sys


def fib(n: int) -> int:
    """The n-th Fibonacci number, slowly on purpose."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def main(module: str, count: int, n: int) -> None:
    """Runs the flow; the process' end is its flush."""
    if module == "bare":
        for _ in range(count):
            fib(n)
        return
    library = importlib.import_module(module)
    task = library.task(fib)

    @library.flow(name="fibonacci")
    def fibonacci() -> None:
        for _ in range(count):
            task(n)

    fibonacci()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
