"""The billing handlers: what a product's backend calls to have its customers billed.

`operations` runs changes step by step, `steps` are the steps, `settlements` is what inbound
webhooks call. The providers are reached through ports only.
"""
