"""Secrets are read where the administrator says, as they are now, and what cannot be had is said."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from towpath.contract.resources.block import SecretRef
from towpath_operator.domain.refusals import Forbidden, NotFound, Refusal, ReviewsUnavailable
from towpath_operator.kube.errors import to_error
from towpath_operator.kube.secrets import KubeSecrets
from towpath_operator.services.channels import LocalSecrets, NoSecrets
from towpath_operator.store.secret_files import SecretFiles
from towpath_operator.wiring.settings import ServerSettings

REF = SecretRef(field="url", secret="slack", key="address")


class Kube:
    """What Kubernetes answers: a Secret, none, or an error."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    async def find(self, resource: Any, namespace: str, name: str) -> Any:
        """The answer."""
        assert (resource.plural, namespace, name) == ("secrets", "team", "slack")
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def make_secrets(answer: Any) -> KubeSecrets:
    kube: Any = Kube(answer)
    return KubeSecrets(kube, frozenset({"team"}))


async def test_a_key_of_a_listed_namespaces_secret_is_read() -> None:
    secret = {"data": {"address": b64encode(b"https://x").decode()}}
    assert await make_secrets(secret).read("team", REF) == b"https://x"


@pytest.mark.parametrize(
    ("answer", "refusal", "says"),
    [
        (None, NotFound, "no Secret 'slack' with the key 'address'"),
        ({"data": {"other": ""}}, NotFound, "no Secret"),
        ({"data": None}, NotFound, "no Secret"),
        ({"data": {"address": "%%"}}, NotFound, "cannot be read"),
        (to_error(403, "no"), Forbidden, "may not read Secrets"),
        (to_error(500, "oh"), ReviewsUnavailable, "cannot be asked"),
    ],
)
async def test_what_cannot_be_had_is_said(answer: Any, refusal: type[Refusal], says: str) -> None:
    with pytest.raises(refusal, match=says):
        await make_secrets(answer).read("team", REF)


async def test_other_namespaces_are_not_even_asked_for() -> None:
    with pytest.raises(Forbidden, match="secretNamespaces"):
        await make_secrets(AssertionError()).read("kube-system", REF)


async def test_in_local_mode_they_are_files(tmp_path: Path) -> None:
    files = SecretFiles(tmp_path)
    files.write("default", REF, b"https://x")
    assert await LocalSecrets(files).read("default", REF) == b"https://x"
    with pytest.raises(NotFound, match="'url'"):
        await LocalSecrets(files).read("team", REF)
    with pytest.raises(NotFound):
        await NoSecrets().read("default", REF)


@pytest.mark.parametrize("field", ["notify_allowed_networks", "trusted_proxies"])
def test_a_setting_that_names_no_network_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="banana"):
        ServerSettings.model_validate({field: "10.0.0.0/8,banana"})
    assert getattr(ServerSettings.model_validate({field: "10.0.0.0/8, ::1"}), field)
