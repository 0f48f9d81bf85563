"""Where runs go: what a Process or KubernetesJob puts into a deployment."""

from typing import Any

import pytest

from towpath.contract.resources.pod_template import PodTemplate
from towpath.errors import DeploymentError
from towpath.infrastructure import KubernetesJob, Process, build_infrastructure


def dump(template: PodTemplate | None) -> Any:
    return None if template is None else template.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def make_job(**fields: Any) -> KubernetesJob:
    return KubernetesJob.model_validate(fields)


def test_nothing_special_is_no_template() -> None:
    assert dump(make_job().to_pod_template()) is None
    assert dump(Process().to_pod_template()) is None
    assert (make_job().launcher, Process().launcher) == ("Job", "Agent")


def test_a_process_has_variables() -> None:
    assert dump(Process(env={"A": "1"}).to_pod_template()) == {
        "spec": {"containers": [{"env": [{"name": "A", "value": "1"}]}]}
    }


def test_a_job_says_what_its_pod_needs_and_its_fields_are_laid_over_its_template() -> None:
    job = make_job(
        image="flows:1",
        env={"A": "new", "C": "3"},
        labels={"team": "a"},
        cpu_request="500m",
        memory_limit="2Gi",
        service_account_name="flows",
        node_selector={"disk": "ssd"},
        pod_template={
            "metadata": {"annotations": {"x": "y"}},
            "spec": {
                "containers": [
                    {
                        "env": [{"name": "A", "value": "old"}, {"name": "B", "value": "2"}],
                        "resources": {"limits": {"cpu": "1"}},
                    }
                ],
                "nodeSelector": {"zone": "z"},
            },
        },
    )
    assert dump(job.to_pod_template()) == {
        "metadata": {"labels": {"team": "a"}, "annotations": {"x": "y"}},
        "spec": {
            "containers": [
                {
                    "image": "flows:1",
                    "env": [{"name": "B", "value": "2"}, {"name": "A", "value": "new"}, {"name": "C", "value": "3"}],
                    "resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": "1", "memory": "2Gi"}},
                }
            ],
            "nodeSelector": {"zone": "z", "disk": "ssd"},
            "serviceAccountName": "flows",
        },
    }


def test_overrides_reach_into_fields() -> None:
    job = build_infrastructure(
        make_job(env={"A": "1"}),
        {
            "env.B": "2",
            "labels.app.kubernetes.io/name": "x",
            "pod_template.spec.priorityClassName": "high",
            "image": "flows:2",
        },
    )
    assert isinstance(job, KubernetesJob)
    assert (job.env, job.image, job.labels) == ({"A": "1", "B": "2"}, "flows:2", {"app.kubernetes.io/name": "x"})
    assert job.pod_template is not None and job.pod_template.spec is not None
    assert job.pod_template.spec.priority_class_name == "high"


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"imge": "x"}, "kubernetes-job has no 'imge': there are env, image"),
        ({"image_pull_policy": "Sometimes"}, "image_pull_policy"),
        ({"image": "y", "image.name": "x"}, "'image.name' leads into"),
        ({"pod_template.spec.hostNetwork": "true"}, "hostNetwork is no field here"),
    ],
)
def test_what_cannot_be_laid_over_is_refused(overrides: dict[str, Any], says: str) -> None:
    with pytest.raises(DeploymentError) as caught:
        build_infrastructure(make_job(), overrides)
    assert says in str(caught.value)
