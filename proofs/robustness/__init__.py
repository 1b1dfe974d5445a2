"""How far an image can be moved before the network predicts another class."""
