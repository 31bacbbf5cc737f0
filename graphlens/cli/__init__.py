"""The graphlens command."""
