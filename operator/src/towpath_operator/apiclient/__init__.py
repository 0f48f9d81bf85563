"""The operator's client of the API: typed calls over HTTP. Called by the reconcilers; knows nothing of Kubernetes."""
