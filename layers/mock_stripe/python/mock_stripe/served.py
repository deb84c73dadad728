"""Everything the double serves: importing this registers each endpoint and each piece of work."""

from mock_stripe.resources import (
    customers,
    events,
    payment_methods,
    test_clocks,
    webhook_endpoints,
)

RESOURCES = (customers, events, payment_methods, test_clocks, webhook_endpoints)
