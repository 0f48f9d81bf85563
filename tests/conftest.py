"""What every test shares: property tests are bounded by their number of examples, never by the machine's speed."""

from hypothesis import HealthCheck, settings

settings.register_profile("towpath", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("towpath")
