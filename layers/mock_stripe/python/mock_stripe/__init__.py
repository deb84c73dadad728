"""A double of the part of Stripe that usage billing needs, on the store and queue ports.

wire/       requests and answers as the official SDKs send and read them
world/      the objects of one key: identity, time, transactions, work that is due
resources/  what Stripe does, a module for each kind of object
"""
