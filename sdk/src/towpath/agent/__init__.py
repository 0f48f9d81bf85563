"""The agent: launches runs as processes of this machine, where the operator launches them as Jobs of a cluster.

    plan         what to do with the attempts that it holds; decides only
    ending       how an attempt's process ended, as the API wants to hear it; decides only
    launching    what a claimed run's process is started with; decides only
    records      what is on disk of each attempt, for the next agent should this one be killed
    processes    starts, watches, signals and ends processes
    claiming     asks for runs over a waiting request
    watching     hears of cancels over a waiting request
    reporting    tells the API of launches and ends, until it has heard
    running      the loop over all of these

Called by `towpath agent start`. The processes run `towpath.runner`, which takes the attempts, tells their states, and goes on
without the agent: killed, it leaves them to the next agent of the same TOWPATH_HOME; told to stop, it ends them.
"""
