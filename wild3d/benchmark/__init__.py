"""How fast a network trains and predicts here, and what holds it back."""
