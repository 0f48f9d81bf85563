"""The HTTP API: routes, problems, who may. Calls services; holds no rules of its own."""
