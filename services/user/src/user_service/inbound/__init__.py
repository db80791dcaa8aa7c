"""How the world calls the user service."""
