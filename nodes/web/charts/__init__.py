"""Charts as the server draws them: where each mark lies, for a template that writes SVG without script and style."""
