"""The pod's main: `python -m towpath.runner` takes one attempt of a run, loads its code, runs it, and sees its end stored.

    launch       what the environment says of the attempt
    taking       waits for the API and takes the attempt
    fetching     brings the flow's code here
    loading      finds the flow in it
    recording    what the attempt tells, and its last state
    stopping     SIGTERM, and the thread that ends a process which does not end
    ending       exit codes and the termination message; decides only
    attempts     the attempt from its taking to its exit code

Called by the launchers: the operator's Jobs and the agent's processes.
"""
