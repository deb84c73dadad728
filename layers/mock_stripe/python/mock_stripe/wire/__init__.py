"""Requests and answers as the official SDKs send and read them."""
