"""`towpath concurrency-limit`: makes, shows and frees limits on what runs at once."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from towpath.cli.asking import open_api, require
from towpath.cli.output import Column, Format, Limit, Namespace, Output, print_json, show_list, show_one
from towpath.contract.names import LOCAL_NAMESPACE
from towpath.errors import TowpathError

if TYPE_CHECKING:
    from towpath.client.api import ApiClient
    from towpath.contract.declared import ConcurrencyLimitRead
    from towpath.contract.limit_slots import LimitSlot

app = typer.Typer(no_args_is_help=True, add_completion=False)
Tag = Annotated[str, typer.Argument(help="The limit's name, which is the tag of the task runs that it limits.")]
_COLUMNS = (
    Column("Tag", "name"),
    Column("Limit", "spec.limit"),
    Column("Active", "active"),
    Column("Waiting", "waiting"),
    Column("Freed a second", "spec.slot_decay_per_second"),
    Column("Updated", "updated"),
)


@app.command()
def create(
    tag: Tag,
    limit: Annotated[int, typer.Argument(min=0, help="How many slots; with 0 no such task runs.")],
    namespace: Namespace = LOCAL_NAMESPACE,
    slot_decay_per_second: Annotated[
        float | None, typer.Option(min=0.0001, help="For rate_limit(): how many slots become free in each second.")
    ] = None,
) -> None:
    """Create a limit, or change the one of that name."""
    from towpath.contract.declared import ConcurrencyLimitPut, ConcurrencyLimitRead  # noqa: PLC0415 - see asking.open_api
    from towpath.contract.resources.concurrency_limit import ConcurrencyLimitSpec  # noqa: PLC0415 - see asking.open_api

    spec = ConcurrencyLimitSpec(tag=tag, limit=limit, slot_decay_per_second=slot_decay_per_second)
    with open_api() as client:
        declaration = ConcurrencyLimitPut(namespace=namespace, name=tag, spec=spec)
        made = client.declare("/concurrency-limits", declaration, ConcurrencyLimitRead)
    print(f"Concurrency limit {made.name!r} has {made.spec.limit} slots.")


@app.command()
def ls(namespace: Namespace = LOCAL_NAMESPACE, limit: Limit = 50, output: Output = Format.TABLE) -> None:
    """List limits, with how many slots are taken and how many wait for one."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        show_list(iterate(client.list_concurrency_limits, most=limit, namespace=namespace), _COLUMNS, output)


@app.command()
def inspect(tag: Tag, namespace: Namespace = LOCAL_NAMESPACE, output: Output = Format.TABLE) -> None:
    """Show a limit, who holds its slots and who waits for one."""
    with open_api() as client:
        found = _get(client, tag, namespace)
        slots = client.list_limit_slots(found.id)
    if output is Format.JSON:
        print_json(found.model_dump(mode="json") | {"slots": slots.model_dump(mode="json")})
        return
    show_one(found, output)
    for word, listed in (("Holders", slots.holders), ("Waiters", slots.waiters)):
        print(f"\n{word}:" if listed else f"\n{word}: none")
        for slot in listed:
            print(f"  {_describe(slot)}")


@app.command()
def delete(tag: Tag, namespace: Namespace = LOCAL_NAMESPACE) -> None:
    """Delete a limit. Whoever waits for a slot of it goes on."""
    with open_api() as client:
        client.delete_concurrency_limit(_get(client, tag, namespace).id)
    print(f"Concurrency limit {tag!r} is deleted.")


@app.command()
def reset(
    tag: Tag,
    namespace: Namespace = LOCAL_NAMESPACE,
    holder: Annotated[
        list[str] | None, typer.Option(help="Frees only what this holder has; may be given several times.")
    ] = None,
) -> None:
    """Free a limit's slots, of holders that are stuck. What runs under them is not interrupted."""
    from towpath.contract.limit_slots import LimitRelease  # noqa: PLC0415 - see asking.open_api

    holders = [_parse_holder(text, tag) for text in holder] if holder else None
    with open_api() as client:
        released = client.release_limit_slots(_get(client, tag, namespace).id, LimitRelease(holders=holders)).released
    print(f"Freed {released} holder{'' if released == 1 else 's'} of concurrency limit {tag!r}.")


def _get(client: "ApiClient", tag: str, namespace: str) -> "ConcurrencyLimitRead":
    found = client.list_concurrency_limits(namespace=namespace, name=tag).items
    return require(next(iter(found), None), "concurrency limit", tag, namespace)


def _parse_holder(text: str, tag: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise TowpathError(
            f"{text!r} is not the id of a holder: `towpath concurrency-limit inspect {tag}` shows them."
        ) from None


def _describe(slot: "LimitSlot") -> str:
    words = [str(slot.holder)]
    if slot.task_run_name is not None:
        words.append(f"task run {slot.task_run_name!r}")
    if slot.flow_run_name is not None:
        words.append(f"of flow run {slot.flow_run_name!r} ({slot.flow_run_id})")
    words.append(f"{slot.occupied} slot{'' if slot.occupied == 1 else 's'} since {slot.since:%Y-%m-%d %H:%M:%S %Z}")
    return ", ".join(words)
