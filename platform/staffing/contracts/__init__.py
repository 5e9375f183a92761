"""What is agreed with each facility: dated versions of its contract, read as billing rates them and as people say them."""
