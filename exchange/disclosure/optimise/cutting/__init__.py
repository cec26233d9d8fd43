"""The cutting-plane method for cell suppression: a master that chooses, attackers that object, cuts between them."""
