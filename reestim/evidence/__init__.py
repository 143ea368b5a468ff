"""Evidence: reduced-form effects and the map from the structure of the model to them."""
