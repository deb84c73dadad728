"""Everything the double serves: importing this registers each endpoint and each piece of work."""

from mock_stripe.resources import (
    charges,
    controls,
    customers,
    events,
    meter_events,
    meters,
    payment_intents,
    payment_methods,
    prices,
    products,
    refunds,
    setup_intents,
    test_clocks,
    thin_events,
    webhook_endpoints,
)

RESOURCES = (
    charges,
    controls,
    customers,
    events,
    thin_events,
    products,
    prices,
    meters,
    meter_events,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
    test_clocks,
    webhook_endpoints,
)
