"""Flows that load blocks in pods. They say what they found by its hash, so that no log holds a secret."""

import hashlib

from towpath import flow, get_run_logger, task
from towpath.blocks.core import Block
from towpath.blocks.system import Secret, String
from towpath.errors import TowpathError


class Holder(Block):
    """Holds a block that has a name of its own."""

    token: Secret


def mark(text: str) -> str:
    """What stands for a secret in the log."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@task
def show(secret: Secret) -> None:
    """Is handed a block, as tasks are."""
    get_run_logger().info("the task has %s", mark(secret.get()))
    print(secret)


@flow(log_prints=True)
def reads(name: str = "declared") -> None:
    """Loads a secret by its class and by its full name."""
    secret = Secret.load(name)
    again = Block.load(f"secret/{name}")
    assert isinstance(again, Secret)
    get_run_logger().info("the flow has %s and %s", mark(secret.get()), mark(again.get()))
    show(secret)


@flow
def reads_held() -> None:
    """Loads a block that holds another, of which the run's deployment says nothing."""
    get_run_logger().info("the held one has %s", mark(Holder.load("holder").token.get()))


@flow
def pries(namespace: str, block: str) -> None:
    """Tries to load a block of another namespace, and to change one of its own."""
    log = get_run_logger()
    for what, attempt in (
        ("load", lambda: String.load(block, namespace=namespace)),
        ("save", lambda: String(value="mine").save("declared", overwrite=True)),
    ):
        try:
            attempt()
            log.error("%s was let through", what)
        except TowpathError as error:
            log.info("%s was refused: %s", what, error)
