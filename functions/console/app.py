"""Embeddable dashboards."""

from backbeat import bootstrap
from backbeat.api.resolver import Api

api = Api("console", bootstrap.services)

handler = api.handler
