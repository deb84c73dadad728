"""HTTP in and out: operations, requests, views, errors."""
