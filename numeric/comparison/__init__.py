"""How much of what one network computes another one computes as well."""
