"""The witnessed log of one member, bytes in and bytes out: entries, tree, tiles, checkpoints, witnesses (C2SP)."""
