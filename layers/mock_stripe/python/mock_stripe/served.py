"""Everything the double serves: importing this registers each endpoint and each piece of work."""

from mock_stripe.resources import (
    charges,
    controls,
    customers,
    events,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
    test_clocks,
    webhook_endpoints,
)

RESOURCES = (
    charges,
    controls,
    customers,
    events,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
    test_clocks,
    webhook_endpoints,
)
