"""Greets some people: a small flow with tasks that log, retry and return."""

from towpath import flow, get_run_logger, task
from towpath.context import TaskRunContext


@task
def compose(name: str) -> str:
    """A greeting."""
    return f"Hello, {name}!"


@task(retries=2, retry_delay_seconds=0.2)
def knock(name: str) -> int:
    """Knocks until somebody opens, which is at the second try. Returns the tries."""
    context = TaskRunContext.get()
    tries = context.task_run.run_count if context is not None else 2
    if tries < 2:
        raise ConnectionError(f"{name} does not open")
    get_run_logger().info("%s opened at try %d", name, tries)
    return tries


@task(log_prints=True)
def deliver(greeting: str, tries: int) -> int:
    """Says the greeting. Returns its length."""
    print(f"{greeting} (after {tries} tries)")
    return len(greeting)


@flow(log_prints=True)
def hello(names: list[str] | None = None) -> int:
    """Greets everyone, each at their door.

    Args:
        names: whom to greet.

    Returns:
        How many characters were said.
    """
    people = names or ["Ada", "Grace"]
    print(f"Greeting {len(people)} people")
    greetings = compose.map(people)
    tries = knock.map(people)
    return sum(said.result() for said in deliver.map(greetings, tries))


if __name__ == "__main__":
    hello()
