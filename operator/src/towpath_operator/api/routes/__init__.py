"""One module for each noun's routes. A new one is a module and a line in `api.app.ROUTERS`."""
