import pytest

from tests.integration.metering.meter import Meter
from tests.integration.product import Product


@pytest.fixture
def meter(product: Product) -> Meter:
    return Meter(product)
