"""The table of manifests held against the pydantic models, which check where no API server does."""

import pytest
from pydantic import ValidationError

from tests.support.documents import BAD, GOOD, Case
from towpath.contract.resources import KINDS

MODELS = {kind.kind: kind.spec for kind in KINDS}


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.why)
def test_a_good_manifest_is_taken(case: Case) -> None:
    MODELS[case.kind].model_validate(case.spec)


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.why)
def test_a_bad_manifest_is_refused_by_the_field_at_fault(case: Case) -> None:
    with pytest.raises(ValidationError) as refused:
        MODELS[case.kind].model_validate(case.spec)
    assert case.says in str(refused.value)
