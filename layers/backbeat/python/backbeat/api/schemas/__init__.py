"""Request bodies and query strings as the API takes them."""
