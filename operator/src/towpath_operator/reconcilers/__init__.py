"""Keeps the cluster and the API in step: what is declared, FlowRuns, their Jobs and pods. Called by wiring.operator."""
