"""Events to what other systems' servers send, one system a file."""
