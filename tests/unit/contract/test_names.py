"""Ids, names and durations that more than one part must spell alike."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.contract.durations import format_duration, parse_duration
from towpath.contract.ids import uuid7
from towpath.contract.names import (
    block_resource_name,
    deployment_resource_name,
    flow_run_resource_name,
    job_name,
    label_value,
    slug,
)

RUN = UUID("01a20ef4-c6c4-72a4-9d46-ea95cb818895")
DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


@given(st.text())
def test_a_slug_is_always_a_dns_label(text: str) -> None:
    assert DNS_LABEL.fullmatch(slug(text))
    assert len(slug(text)) <= 63


@pytest.mark.parametrize(
    ("text", "expected"), [("My Flow", "my-flow"), ("etl_web_to_gcs", "etl-web-to-gcs"), ("Größe", "groe")]
)
def test_a_slug_reads_like_the_name(text: str, expected: str) -> None:
    assert slug(text) == expected


def test_names_without_latin_letters_get_different_slugs() -> None:
    assert slug("日本") != slug("中国")


def test_resource_names_hold_their_parts() -> None:
    assert deployment_resource_name("My Flow", "Prod") == "my-flow.prod"
    assert block_resource_name("github", "Dev Repo") == "github.dev-repo"
    assert flow_run_resource_name("my-flow.prod", RUN) == "my-flow.prod-ea95cb818895"


@given(st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,120}[a-z0-9])?", fullmatch=True), st.integers(1, 10_000))
def test_a_jobs_name_is_a_short_label_that_tells_run_and_attempt(deployment: str, attempt: int) -> None:
    name = job_name(deployment, RUN, attempt)
    assert len(name) <= 52
    assert DNS_LABEL.fullmatch(name.replace("--", "-"))
    assert name.endswith(f"-ea95cb818895-{attempt}")


@given(st.text(min_size=1))
def test_a_label_value_is_one_that_kubernetes_takes(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", label_value(text))


def test_ids_are_version_7_and_rise() -> None:
    ids = [uuid7() for _ in range(20_000)]
    assert ids == sorted(set(ids))
    assert {(i.version, i.variant) for i in ids} == {(7, "specified in RFC 4122")}


@given(st.integers(1, 10**8))
def test_durations_read_back_what_they_write(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize("text", ["", "0s", "1", "s", "1x", "-1s", "1h 30m", "30m1h"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"15m|longer than zero"):
        parse_duration(text)
