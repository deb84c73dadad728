"""Alerts and notification configurations."""

from backbeat import bootstrap
from backbeat.api.resolver import Api

api = Api("notifications", bootstrap.services)

handler = api.handler
