"""What the SDK, the API, the operator and the UI agree on, written once.

States and their transition table, run events, runs, resource specs, names and exit codes. Imports nothing else of
Towpath. `states`, `ids`, `names`, `events` and `exit_codes` import no pydantic, so that `import towpath` stays cheap;
`runs`, `problems`, `declared` and `resources` are pydantic models. The CRDs and the OpenAPI document are generated from here.
"""
