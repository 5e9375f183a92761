"""What must hold at every instant, checked in the running product and by the tests alike."""
