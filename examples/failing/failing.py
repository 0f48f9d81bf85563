"""A flow that fails by its own doing: a task that cannot succeed however often it is tried, and what that leaves to see."""

from towpath import flow, task


@task
def count(text: str) -> int:
    """Counts words."""
    return len(text.split())


@task(retries=1)
def divide(total: int, people: int) -> float:
    """Shares something among people; raises when there is nobody."""
    return total / people


@flow(log_prints=True)
def failing(people: int = 0) -> float:
    """Shares words among people. Fails for nobody.

    Args:
        people: among how many.
    """
    words = count("the quick brown fox")
    print(f"{words} words for {people} people")
    return divide(words, people)


if __name__ == "__main__":
    failing()
