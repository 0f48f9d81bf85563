"""How the SDK talks to the API: it tells events (`telling`) and asks questions (`api`).

Called by the engine, the runner and the CLI. Imports nothing by itself, so that each side pays for what it uses alone.
"""
