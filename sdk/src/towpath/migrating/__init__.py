"""Migrating: Prefect 2 files rewritten to Towpath's words, and what cannot be rewritten named.

    names         which of Prefect's modules and names are here, and under which name
    code          rewrites a Python file; needs libcst (`towpath[migrate]`)
    deployments   turns what `prefect deployment build` wrote, and prefect.yaml, into manifests
    files         finds files, shows differences, writes whole files or none

Called by `towpath migrate`. Imports no user code.
"""
