"""Which cluster is used, and what is said about it."""

from dataclasses import replace

import pytest

from dev.cluster.choosing import Machine, choose_backend
from dev.cluster.errors import ClusterError

BARE = Machine(docker_answers=False, has_kind=False, is_linux=True, is_root=True, has_go=True, has_apt=True)
DOCKER = Machine(docker_answers=True, has_kind=True, is_linux=False, is_root=False, has_go=False, has_apt=False)
NOTHING = Machine(docker_answers=False, has_kind=False, is_linux=False, is_root=False, has_go=False, has_apt=False)


@pytest.mark.parametrize(
    ("machine", "wanted", "backend", "why"),
    [
        (DOCKER, "", "kind", "a Docker engine answers"),
        (replace(DOCKER, is_linux=True, is_root=True, has_go=True, has_apt=True), "", "kind", "kind is installed"),
        (BARE, "", "bare", "no Docker engine answers"),
        (replace(BARE, docker_answers=True), "", "bare", "kind is not installed"),
        (replace(BARE, has_kind=True), "", "bare", "no Docker engine answers"),
        (NOTHING, "", "none", "a bare cluster needs Linux, root, the Go toolchain, Debian's apt-get"),
        (replace(BARE, is_root=False), "", "none", "a bare cluster needs root"),
        (BARE, "none", "none", "TOWPATH_CLUSTER=none asks for it"),
        (DOCKER, "current", "current", "TOWPATH_CLUSTER=current asks for it"),
        (replace(BARE, docker_answers=True, has_kind=True), "bare", "bare", "asks for it"),
    ],
)
def test_takes_the_first_that_the_machine_has_or_what_was_asked_for(
    machine: Machine, wanted: str, backend: str, why: str
) -> None:
    choice = choose_backend(machine, wanted)
    assert choice.backend == backend
    assert why in choice.why


@pytest.mark.parametrize("machine", [BARE, DOCKER, NOTHING])
def test_the_current_context_is_never_taken_unasked(machine: Machine) -> None:
    assert choose_backend(machine, "").backend != "current"


@pytest.mark.parametrize(
    ("machine", "wanted", "said"),
    [
        (NOTHING, "bare", "needs Linux, root, the Go toolchain"),
        (BARE, "kind", "needs the command `kind`"),
        (replace(BARE, has_kind=True), "kind", "needs a Docker engine"),
        (BARE, "minikube", "is none of kind, bare, current, none"),
    ],
)
def test_what_was_asked_for_and_cannot_be_is_refused(machine: Machine, wanted: str, said: str) -> None:
    with pytest.raises(ClusterError, match=said):
        choose_backend(machine, wanted)
