"""What Stripe does, a module for each kind of object."""
