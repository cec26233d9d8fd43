"""The desk's pages: what officers see and do in a browser, over the same functions as the commands."""
