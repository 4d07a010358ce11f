"""What holds for all tests."""

from hypothesis import settings

# A property holds or not; how long it takes depends on who else uses the machine.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
