"""Balances."""

from backbeat import bootstrap
from backbeat.api.resolver import Api

api = Api("balances", bootstrap.services)

handler = api.handler
