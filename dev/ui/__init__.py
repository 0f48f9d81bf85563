"""What developing the UI needs beside its own tools: pictures for README and docs."""
