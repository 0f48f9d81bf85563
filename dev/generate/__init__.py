"""Generated files: the CRDs (in crds/ and inside the chart) and the OpenAPI document. Never edited by hand."""
