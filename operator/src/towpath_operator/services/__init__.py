"""What the API does: one module for each noun. Called by routes and loops; decides by domain, writes by store."""
