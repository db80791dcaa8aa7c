"""Releases live beside each other, one in each environment: begun before other tests, looked at after them."""

import pytest
from helm_chart import ENVIRONMENTS


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_release_is_installed_upgraded_rolled_back_comes_back_from_a_bad_one_and_goes(environment, journeys):
    journeys[environment].result()
