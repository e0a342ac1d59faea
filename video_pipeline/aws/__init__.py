"""How AWS, and what speaks like it, is reached: for the stores and for the providers alike."""
