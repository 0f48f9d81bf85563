"""Message templates: say what people want to say, and can neither reach out nor grow without bound."""

from typing import Any

import pytest

from towpath_operator.notifications.messages import EXAMPLE, MAX_BODY, default_body, default_title, template_names
from towpath_operator.notifications.templates import TemplateRefused, check_template, render

RUN: dict[str, Any] = {
    **EXAMPLE["flow_run"],
    "flow": "etl",
    "name": "brave-otter",
    "tags": ["db", "nightly"],
    "deployment": "etl/dev",
}
FACTS = {**EXAMPLE, "flow_run": RUN, "state": {**EXAMPLE["state"], "name": "TimedOut", "message": "too slow"}}
NAMES = template_names(FACTS)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ flow_name }}/{{ flow_run_name }}: {{ flow_run_state_name }}", "etl/brave-otter: TimedOut"),
        ("{{ flow_run.flow | upper }} {{ state.message }}", "ETL too slow"),
        ("{% if state.type == 'FAILED' %}bad{% else %}good{% endif %}", "bad"),
        ("{% for tag in flow_run.tags %}<{{ tag }}>{% endfor %}", "<db><nightly>"),
        ("{{ flow_run.tags | join(', ') }} {{ flow_run.tags | length }}", "db, nightly 2"),
        ("{{ flow_run.url | default('no address') }}", "no address"),
        ("{{ 'db' in flow_run.tags }} {{ flow_run.tags | first }}", "True db"),
        ("{{ 'a' ~ flow_name }}", "aetl"),
        ("just words", "just words"),
    ],
)
def test_what_a_template_may_say(template: str, text: str) -> None:
    assert render(template, NAMES) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ flow_name.format('x') }}",
        "{{ range(1000000) }}",
        "{{ lipsum(n=100000) }}",
        "{{ cycler }}",
        "{{ 'x' * 1000000000 }}",
        "{{ 10 ** 10000000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'x' | center(1000000000) }}",
        "{{ 'x' | replace('x', 'yy') }}",
        "{{ flow_name | join('xxxx') }}",
        "{% set x = 'a' %}{{ x }}",
        "{% macro m() %}{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% for a in flow_run.tags %}{% for b in flow_run.tags %}x{% endfor %}{% endfor %}",
        "{% for a in flow_run.tags recursive %}{{ loop(a) }}{% endfor %}",
        "{{ nobody }}",
        "{{ flow_run.nothing }}",
        "{{ unclosed",
        "{% endif %}",
        "{{ flow_run.tags | map('upper') }}",
        "{{ 1 / 0 }}",
        "{{ [1, 2] }}",
        "{{ flow_name | attr('__class__') }}",
    ],
)
def test_what_it_may_not(template: str) -> None:
    with pytest.raises(TemplateRefused):
        render(template, NAMES)


def test_what_is_written_is_bounded() -> None:
    names = NAMES | {"flow_run": RUN | {"tags": ["t" * 200] * 200}}
    assert len(render("{% for tag in flow_run.tags %}{{ tag }}{% endfor %}", names)) == MAX_BODY


def test_deep_nesting_is_refused_not_crashed_on() -> None:
    with pytest.raises(TemplateRefused):
        check_template("{{ " + "(" * 3_000 + "1" + ")" * 3_000 + " }}")


def test_without_a_template_the_runs_facts_are_told() -> None:
    body = default_body(FACTS)
    assert body.startswith("Flow run etl/brave-otter entered state `TimedOut` at 2026-01-01T00:00:00+00:00.")
    for part in ("etl/dev", "db, nightly", "too slow", RUN["id"]):
        assert part in body
    assert default_title(FACTS) == "etl/brave-otter: TimedOut"
