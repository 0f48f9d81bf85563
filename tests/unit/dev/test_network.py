"""The bare cluster's ranges and the guard around them."""

from ipaddress import IPv4Network

import pytest

from dev.cluster.errors import ClusterError
from dev.cluster.network import CANDIDATES, NetworkPlan, plan_guard, plan_network

PLAN = NetworkPlan(IPv4Network("10.213.0.0/16"), IPv4Network("10.214.0.0/16"))


def test_the_first_pair_is_taken_on_a_machine_that_routes_neither() -> None:
    plan = plan_network([IPv4Network("192.0.2.0/24"), IPv4Network("127.0.0.0/8")])
    assert (str(plan.pods), str(plan.services)) == CANDIDATES[0]


@pytest.mark.parametrize("taken", ["10.213.4.0/24", "10.214.0.0/16", "10.0.0.0/8", "10.213.0.7/32"])
def test_a_pair_that_the_machine_routes_in_part_is_passed_over(taken: str) -> None:
    plan = plan_network([IPv4Network(taken)])
    assert not plan.pods.overlaps(IPv4Network(taken))
    assert not plan.services.overlaps(IPv4Network(taken))


def test_no_pair_left_is_said_and_not_worked_around() -> None:
    with pytest.raises(ClusterError, match="already routed"):
        plan_network([IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16")])


def test_the_named_addresses_lie_in_their_ranges() -> None:
    assert PLAN.gateway in PLAN.pods
    assert PLAN.api_service in PLAN.services
    assert PLAN.dns_service in PLAN.services


def test_the_guard_names_both_ranges_and_drops_on_every_way_out() -> None:
    script = plan_guard(PLAN)
    assert "elements = { 10.213.0.0/16, 10.214.0.0/16 }" in script
    leaving = script.split("chain leaving", 1)[1]
    assert "ip daddr @ours drop" in leaving
    assert "ip saddr @ours drop" in leaving
    assert leaving.index('oifname { "lo", "towpath0" } accept') < leaving.index("drop")
