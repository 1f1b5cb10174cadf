"""The teaching programs' clients, as short as they were: each knows the wire and nothing of this project."""
