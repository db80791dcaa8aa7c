"""How the user service reaches stores and does its cryptography."""
